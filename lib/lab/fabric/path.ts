import { Decision } from './decision.js';
import type { FaultPlan } from './faults.js';
import type { FrameRandom } from './philox.js';
import { RateQueue } from './rate-queue.js';
import type { Station } from './station.js';

/** The direction from one station to another. */
export class Path {
  plan: FaultPlan | undefined;
  /** The number of the frame that comes next. */
  next = 0;
  /** How many frames are under way. */
  underWay = 0;
  /** When the last of those under way arrives. */
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
