import type { Conversation } from './conversations.js';
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

  constructor(readonly random: FrameRandom) {}

  /**
   * Decides about the next frame of a conversation.
   * @param length of the frame, in bytes
   */
  make(plan: FaultPlan, conversation: Conversation, length: number): void {
    this.random.seek(conversation.frames++, conversation.kind, conversation.number);
    this.isLost = plan.loss !== undefined && this.#isLost(plan.loss, conversation);
    this.isDuplicated = this.random.at(DUPLICATE) < plan.duplicate;
    this.corruptBit =
      this.random.at(CORRUPT) < plan.corrupt ? Math.floor(this.random.at(CORRUPT_BIT) * length * BITS_PER_BYTE) : -1;
    this.goesAtOnce = !this.isLost && this.#goesAtOnce(plan, conversation);
    this.delay = this.goesAtOnce ? 0 : this.#delay(plan, DELAY);
    this.delayOfDuplicate = this.#delay(plan, DELAY_OF_DUPLICATE);
  }

  /** Decides the loss by the state, good or bad, of the frame. The state may then change for the next frame. */
  #isLost({ p, r, h, k }: NonNullable<FaultPlan['loss']>, conversation: Conversation): boolean {
    const probability = 1 - (conversation.isBadTime ? h : k);
    const changes = this.random.at(LOSS_STATE) < (conversation.isBadTime ? r : p);
    if (changes) conversation.isBadTime = !conversation.isBadTime;
    return this.random.at(LOSS) < probability;
  }

  #goesAtOnce({ reorder, gap }: FaultPlan, conversation: Conversation): boolean {
    const goes = reorder > 0 && conversation.delayed >= gap - 1 && this.random.at(REORDER) < reorder;
    conversation.delayed = goes ? 0 : conversation.delayed + 1;
    return goes;
  }

  #delay({ delay, jitter, distribution }: FaultPlan, which: number): number {
    if (jitter === 0) return delay;
    return Math.max(0, delay + jitter * deviation(distribution, this.random.at(which)));
  }
}
