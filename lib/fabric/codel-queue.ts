import type { StoredFrame } from '../vde/frame-store.js';
import type { Destination, DueHeap } from './due-heap.js';
import type { FaultPlan } from './faults.js';
import { msPerByte } from './rate-queue.js';

/** A frame that waits for the rate of a link. */
export interface WaitingFrame {
  readonly frame: StoredFrame;
  readonly plan: FaultPlan;
  /** When it came, in milliseconds of performance.now(). */
  readonly arrived: number;
}

/** CoDel keeps its drop rate if the wait gets too long again within this many intervals. */
const MEMORY_INTERVALS = 16;

/**
 * The frames that wait on a link with a limited rate and CoDel, by the code of RFC 8289, section 5. Which frames are dropped is
 * decided when they would leave, so this queue holds the frames; {@link RateQueue} only computes. One frame is being sent: it is
 * in the heap until it has left.
 */
export class CodelQueue<Item extends WaitingFrame> implements Destination {
  readonly #waiting: Item[] = [];
  #bytes = 0;
  #sending: Item | undefined;
  /** When the bucket has paid for all frames that it let through. */
  #paidAt = 0;
  /** The length of the longest frame, which may always wait: MAXPACKET. */
  #longest = 0;
  // the variables of the RFC
  #firstAbove = 0;
  #mayDrop = false;
  #isDropping = false;
  #dropNext = 0;
  #count = 0;
  #lastCount = 0;

  /**
   * @param leave gets a frame that has left, and when it did
   * @param drop gets a frame that CoDel drops
   */
  constructor(
    readonly heap: DueHeap,
    readonly leave: (item: Item, now: number) => void,
    readonly drop: (item: Item) => void,
  ) {}

  /** Returns whether there is room for one more frame. */
  hasRoom(plan: FaultPlan, now: number, length: number): boolean {
    const { frames, bytes, ms } = plan.queue;
    const waits = this.#bytes * msPerByte(plan) + Math.max(0, this.#paidAt - now);
    const sending = this.#sending?.frame.length ?? 0;
    const count = this.#waiting.length + (sending > 0 ? 1 : 0);
    return count < frames && this.#bytes + sending + length <= bytes && waits <= ms;
  }

  add(item: Item): void {
    const { length } = item.frame;
    this.#waiting.push(item);
    this.#bytes += length;
    this.#longest = Math.max(this.#longest, length);
    if (!this.#sending) this.#send(item.arrived);
  }

  /** The frame that was being sent has left. */
  arrive(_frame: StoredFrame, now: number): void {
    const item = this.#sending!;
    this.#sending = undefined;
    this.leave(item, now);
    this.#send(now);
  }

  #send(now: number): void {
    const item = this.#dequeue(now);
    if (!item) return;
    // a late thread may find frames that came after this moment
    const from = Math.max(now, item.arrived);
    const perByte = msPerByte(item.plan);
    this.#paidAt = Math.max(this.#paidAt, from - item.plan.burst * perByte) + item.frame.length * perByte;
    this.#sending = item;
    this.heap.add(Math.max(from, this.#paidAt), item.frame, this);
  }

  #dequeue(now: number): Item | undefined {
    let item = this.#take(now);
    if (this.#isDropping) {
      if (!this.#mayDrop) this.#isDropping = false;
      while (item && this.#isDropping && now >= this.#dropNext) {
        this.drop(item);
        this.#count++;
        item = this.#take(now);
        if (item && this.#mayDrop) this.#dropNext = this.#nextDrop(this.#dropNext, item.plan);
        else this.#isDropping = false;
      }
    } else if (item && this.#mayDrop) {
      const { plan } = item;
      this.drop(item);
      item = this.#take(now);
      this.#isDropping = true;
      const drops = this.#count - this.#lastCount;
      const isRecent = now - this.#dropNext < MEMORY_INTERVALS * intervalOf(plan);
      this.#count = drops > 1 && isRecent ? drops : 1;
      this.#dropNext = this.#nextDrop(now, plan);
      this.#lastCount = this.#count;
    }
    return item;
  }

  /** Takes the first frame, and notes whether it may be dropped: the wait was too long for a whole interval. */
  #take(now: number): Item | undefined {
    const item = this.#waiting.shift();
    this.#mayDrop = false;
    if (!item) {
      this.#firstAbove = 0;
      return undefined;
    }
    this.#bytes -= item.frame.length;
    const target = item.plan.queue.codel?.target ?? Number.POSITIVE_INFINITY;
    if (now - item.arrived < target || this.#bytes <= this.#longest) this.#firstAbove = 0;
    else if (this.#firstAbove === 0) this.#firstAbove = now + intervalOf(item.plan);
    else this.#mayDrop = now >= this.#firstAbove;
    return item;
  }

  #nextDrop(from: number, plan: FaultPlan): number {
    return from + intervalOf(plan) / Math.sqrt(this.#count);
  }
}

function intervalOf({ queue }: FaultPlan): number {
  return queue.codel?.interval ?? Number.POSITIVE_INFINITY;
}
