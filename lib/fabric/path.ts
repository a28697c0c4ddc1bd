import { Conversations } from './conversations.js';
import { Decision } from './decision.js';
import type { FrameUnderWay } from './due-heap.js';
import type { FaultPlan } from './faults.js';
import { type Gate, GateChain } from './gate.js';
import type { FrameRandom } from './philox.js';
import type { Plug } from './plug.js';
import { RateQueue } from './rate-queue.js';
import { newStats } from './stats.js';

/** A name in a network, and the port that it has now. The counts and faults of the name outlive the port. */
export class Station {
  readonly stats = newStats();
  plug: Plug | undefined;
  /** What is between the host and the network. */
  gate: Gate | undefined;
  #firewall: Gate | undefined;
  #nat: Gate | undefined;
  isUp = true;
  /** The group in a partition; 0 for stations in no group, and for all without a partition. */
  group = 0;

  constructor(
    readonly index: number,
    readonly name: string,
  ) {}

  /** Puts a gate between the host and the network; a firewall sees the addresses inside of a NAT. */
  addGate(gate: Gate): void {
    if (gate.cause === 'nat') this.#nat = gate;
    else this.#firewall = gate;
    this.gate = this.#nat && this.#firewall ? new GateChain(this.#firewall, this.#nat) : gate;
  }
}

/** Where a frame goes when it is due. */
export interface Onward {
  readonly network: { deliver(frame: FrameUnderWay<Onward>): void };
}

/** The direction from one station to another. */
export class Path {
  #plan: FaultPlan | undefined;
  /** The conversations since the faults were set. */
  conversations = new Conversations();
  /** The number of frames in transit. */
  underWay = 0;
  /** When the last frame in transit arrives. */
  lastDue = 0;
  readonly decision: Decision;
  readonly queue = new RateQueue();

  /** @param network delivers a frame that was in transit */
  constructor(
    readonly network: { deliver(frame: FrameUnderWay<Path>): void },
    readonly from: Station,
    readonly to: Station,
    random: FrameRandom,
  ) {
    this.decision = new Decision(random);
  }

  get plan(): FaultPlan | undefined {
    return this.#plan;
  }

  set plan(plan: FaultPlan | undefined) {
    if (plan !== this.#plan) this.conversations = new Conversations();
    this.#plan = plan;
  }
}
