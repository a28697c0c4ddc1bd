import { deviation } from './distribution.js';
import type { FaultPlan } from './faults.js';
import type { FrameRandom } from './philox.js';

// the indexes of a frame's random numbers. They must never change, or a seed would give other faults
const LOSS = 0;
const LOSS_STATE = 1;
const DUPLICATE = 2;
const CORRUPT = 3;
const CORRUPT_BIT = 4;
const REORDER = 5;
const DELAY = 6;
const DELAY_OF_DUPLICATE = 7;

const BITS_PER_BYTE = 8;

/** Decides what happens to a frame. One object serves all frames of a direction. */
export class Decision {
  isLost = false;
  isDuplicated = false;
  /** The index of the bit that is flipped, counted from the first bit of the first byte; -1 for none. */
  corruptBit = -1;
  /** True if it is sent without the delay. */
  goesAtOnce = false;
  /** The delay in milliseconds. */
  delay = 0;
  delayOfDuplicate = 0;
  #isBadTime = false;
  #delayed = 0;

  constructor(readonly random: FrameRandom) {}

  /**
   * Decides about frame number `n` of the direction.
   * @param length of the frame, in bytes
   */
  make(plan: FaultPlan, n: number, length: number): void {
    this.random.seek(n);
    this.isLost = plan.loss !== undefined && this.#isLost(plan.loss);
    this.isDuplicated = this.random.at(DUPLICATE) < plan.duplicate;
    this.corruptBit =
      this.random.at(CORRUPT) < plan.corrupt ? Math.floor(this.random.at(CORRUPT_BIT) * length * BITS_PER_BYTE) : -1;
    this.goesAtOnce = !this.isLost && this.#goesAtOnce(plan);
    this.delay = this.goesAtOnce ? 0 : this.#delay(plan, DELAY);
    this.delayOfDuplicate = this.#delay(plan, DELAY_OF_DUPLICATE);
  }

  /** Decides the loss by the state, good or bad, of the frame. The state may then change for the next frame. */
  #isLost({ p, r, h, k }: NonNullable<FaultPlan['loss']>): boolean {
    const probability = 1 - (this.#isBadTime ? h : k);
    const changes = this.random.at(LOSS_STATE) < (this.#isBadTime ? r : p);
    if (changes) this.#isBadTime = !this.#isBadTime;
    return this.random.at(LOSS) < probability;
  }

  #goesAtOnce({ reorder, gap }: FaultPlan): boolean {
    const goes = reorder > 0 && this.#delayed >= gap - 1 && this.random.at(REORDER) < reorder;
    this.#delayed = goes ? 0 : this.#delayed + 1;
    return goes;
  }

  #delay({ delay, jitter, distribution }: FaultPlan, which: number): number {
    if (jitter === 0) return delay;
    return Math.max(0, delay + jitter * deviation(distribution, this.random.at(which)));
  }
}
