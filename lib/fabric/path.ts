import type { StoredFrame } from '../vde/frame-store.js';
import type { Plug } from '../vde/plug.js';
import type { CodelQueue, WaitingFrame } from './codel-queue.js';
import { Conversations } from './conversations.js';
import { Decision } from './decision.js';
import type { Destination } from './due-heap.js';
import type { FaultPlan } from './faults.js';
import { type Gate, GateChain } from './gate.js';
import type { FrameRandom } from './philox.js';
import { RateQueue } from './rate-queue.js';
import { newStats } from './stats.js';

/** A name in a network, and the port that it has now. The counts and faults of the name outlive the port. */
export class Station {
  readonly stats = newStats();
  /** The number of frames from it that came to the network. */
  switched = 0;
  plug: Plug | undefined;
  /** What is between the host and the network. */
  gate: Gate | undefined;
  #firewall: Gate | undefined;
  #nat: Gate | undefined;
  isUp = true;
  /** How often its port was unplugged, and how often it was removed. */
  unplugged = 0;
  removed = 0;
  /** The group in a partition; 0 for stations in no group, and for all without a partition. */
  group = 0;
  /** Its own link towards the network; undefined if it never had faults. */
  up: Path | undefined;
  /** The faults of its own link from the network, and the queue there, which the frames of all senders share. */
  downPlan: FaultPlan | undefined;
  readonly downQueue = new LinkQueue();

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

/** A frame of a path that waits for the rate, and what becomes of it after that. */
export interface WaitingOnPath extends WaitingFrame {
  readonly path: Path;
  /** The delay behind the queue, in milliseconds. */
  readonly delay: number;
  readonly mayOvertake: boolean;
}

/** What waits for the rate of a link: 'drop-tail' computes when a frame leaves, 'codel' holds the frames. */
export class LinkQueue {
  readonly tail = new RateQueue();
  codel: CodelQueue<WaitingOnPath> | undefined;
}

/**
 * A part of the way of frames from a station, with its faults: its own link towards the network (`to` is undefined), the way to
 * another station, or the other station's own link from the network.
 */
export class Path implements Destination {
  #plan: FaultPlan | undefined;
  /** The conversations since the faults were set. */
  conversations = new Conversations();
  /** The number of frames in transit. */
  underWay = 0;
  /** When the last frame in transit arrives. */
  lastDue = 0;
  isCut = false;
  /** The receiver's own link from the network, for frames of this path; undefined if it never had faults. */
  down: Path | undefined;
  readonly decision: Decision;

  /** Called if a frame of `length` bytes that counts as sent was lost. */
  readonly onLoss = (length: number) => this.network.lose(this, length);

  /** @param network delivers a frame that was in transit, and counts what is lost */
  constructor(
    readonly network: { deliver(frame: StoredFrame, path: Path): void; lose(path: Path, length: number): void },
    readonly from: Station,
    readonly to: Station | undefined,
    random: FrameRandom,
    readonly queue = new LinkQueue(),
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

  /** Changes when frames that are on it are lost: an end is unplugged, or the port of the receiver is removed. */
  get generation(): number {
    const { from, to } = this;
    return from.unplugged + (to ? to.unplugged + to.removed : 0);
  }

  arrive(frame: StoredFrame): void {
    this.network.deliver(frame, this);
  }
}

/** Returns what keeps frames from a part of their way. */
export function obstacleOf({ from, to, isCut }: Path): 'partition' | 'cut' | 'down' | undefined {
  if (!to) return from.isUp ? undefined : 'down';
  if (from.group !== to.group) return 'partition';
  if (isCut) return 'cut';
  return to.plug && to.isUp && from.isUp ? undefined : 'down';
}

/** Returns why a frame that is on its way is lost, if it is: an end may have been unplugged since the frame left. */
export function obstacleOnWay({ generation }: StoredFrame, path: Path): ReturnType<typeof obstacleOf> {
  return obstacleOf(path) ?? (generation === path.generation ? undefined : 'down');
}
