import type { FaultPlan } from './faults.js';

const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1000;

/** Returns the milliseconds that a byte takes at the rate. */
export function msPerByte({ rate }: FaultPlan): number {
  return (BITS_PER_BYTE * MS_PER_SECOND) / rate;
}

/** The frames that wait on a link with a limited rate: a token bucket with a queue in front. Times are in milliseconds. */
export class RateQueue {
  /** When each frame leaves; `#lengths` has its length in bytes. Frames before `#head` have left. */
  #times: number[] = [];
  #lengths: number[] = [];
  #head = 0;
  #bytes = 0;
  /** When the bucket has paid for all frames that it let through. */
  #paidAt = 0;

  /**
   * Adds a frame.
   * @returns when it leaves; -1 if there is no room for it
   */
  add(plan: FaultPlan, now: number, length: number): number {
    if (plan.rate === 0) return now;
    this.#forget(now);
    const { frames, bytes, ms } = plan.queue;
    const perByte = msPerByte(plan);
    const start = Math.max(this.#paidAt, now - plan.burst * perByte);
    if (this.#times.length - this.#head >= frames || this.#bytes + length > bytes || start - now > ms) return -1;
    this.#paidAt = start + length * perByte;
    if (this.#paidAt <= now) return now;
    this.#times.push(this.#paidAt);
    this.#lengths.push(length);
    this.#bytes += length;
    return this.#paidAt;
  }

  #forget(now: number): void {
    while (this.#head < this.#times.length && this.#times[this.#head]! <= now) {
      this.#bytes -= this.#lengths[this.#head]!;
      this.#head++;
    }
    if (this.#head < this.#times.length / 2) return;
    this.#times.splice(0, this.#head);
    this.#lengths.splice(0, this.#head);
    this.#head = 0;
  }
}
