import { Decision } from './decision.js';
import type { FaultPlan } from './faults.js';
import type { FrameRandom } from './philox.js';
import { RateQueue } from './rate-queue.js';
import type { Station } from './station.js';

/** The direction from one station to another. */
export class Path {
  plan: FaultPlan | undefined;
  /** The number of the next frame. */
  next = 0;
  /** The number of frames in transit. */
  underWay = 0;
  /** When the last frame in transit arrives. */
  lastDue = 0;
  readonly decision: Decision;
  readonly queue = new RateQueue();

  constructor(
    readonly from: Station,
    readonly to: Station,
    random: FrameRandom,
  ) {
    this.decision = new Decision(random);
  }
}
