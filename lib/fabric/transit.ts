import { scratch } from '../vde/frame-source.js';
import type { FrameStore, StoredFrame } from '../vde/frame-store.js';
import { CodelQueue } from './codel-queue.js';
import type { DueHeap } from './due-heap.js';
import type { FaultPlan } from './faults.js';
import { obstacleOnWay, type Path, type Station, type WaitingOnPath } from './path.js';
import type { DropCounts } from './stats.js';

/** What a network does for {@link Transit}. */
export interface TransitNetwork {
  readonly shared: { readonly heap: DueHeap; readonly store: FrameStore };
  /** Gives a frame to its receiver. */
  send(path: Path, frame: Buffer, length: number): void;
  /** Takes the frame in {@link scratch} from the link of its sender. */
  switch(from: Station, length: number, now: number): void;
  drop(from: Station, to: Station | undefined, cause: keyof DropCounts): void;
  /** Counts a fault, and comments on it. */
  note(path: Path, count: 'duplicated' | 'corrupted' | 'reordered', text: string): void;
  /** Records a frame, if there is a comment on it. */
  recordNoted(from: Station, frame: Buffer, length: number): void;
}

/** The frames of a network that have faults, until they arrive. */
export class Transit {
  readonly #network: TransitNetwork;

  constructor(network: TransitNetwork) {
    this.#network = network;
  }

  /** Applies the faults of a part of the way to the frame in {@link scratch}. */
  start(path: Path, plan: FaultPlan, length: number, now: number): void {
    const { from, to, decision } = path;
    decision.make(plan, path.conversations.of(scratch, length), length);
    if (decision.isLost && !decision.isDuplicated) {
      this.#network.drop(from, to, 'loss');
      return;
    }
    if (decision.corruptBit >= 0) this.#network.note(path, 'corrupted', `corrupted: bit ${decision.corruptBit}`);
    const frame = decision.corruptBit < 0 ? scratch : corrupted(length, decision.corruptBit);
    if (!this.#enqueue(path, frame, length, now, decision.delay, decision.goesAtOnce || !plan.order)) return;
    if (!decision.isDuplicated || decision.isLost) return;
    this.#network.note(path, 'duplicated', 'duplicated');
    this.#enqueue(path, scratch, length, now, decision.delayOfDuplicate, !plan.order);
  }

  /** Lets a frame wait for the rate. @returns false if it is lost */
  #enqueue(path: Path, frame: Buffer, length: number, now: number, delay: number, mayOvertake: boolean): boolean {
    const plan = path.plan!;
    if (plan.queue.codel && plan.rate > 0) return this.#enqueueForCodel(path, frame, length, now, delay, mayOvertake);
    const gone = path.queue.tail.add(plan, now, length);
    if (gone < 0) this.#network.drop(path.from, path.to, 'queue');
    else this.#sendLater(path, frame, length, gone + delay, now, mayOvertake);
    return gone >= 0;
  }

  #enqueueForCodel(path: Path, bytes: Buffer, length: number, now: number, delay: number, mayOvertake: boolean) {
    const [plan, { heap, store }] = [path.plan!, this.#network.shared];
    path.queue.codel ??= new CodelQueue<WaitingOnPath>(
      heap,
      (waiting, gone) => this.#leaveQueue(waiting, gone),
      (waiting) => this.#dropFromQueue(waiting),
    );
    const frame = path.queue.codel.hasRoom(plan, now, length) ? store.store(bytes, length) : undefined;
    if (!frame) {
      this.#network.drop(path.from, path.to, 'queue');
      return false;
    }
    frame.generation = path.generation;
    path.queue.codel.add({ frame, plan, arrived: now, path, delay, mayOvertake });
    return true;
  }

  #leaveQueue({ frame, path, delay, mayOvertake }: WaitingOnPath, gone: number): void {
    const obstacle = obstacleOnWay(frame, path);
    frame.bytes.copy(scratch, 0, 0, frame.length);
    if (obstacle) this.#network.drop(path.from, path.to, obstacle);
    else this.#sendLater(path, scratch, frame.length, gone + delay, performance.now(), mayOvertake);
    this.#network.recordNoted(path.from, scratch, frame.length);
  }

  #dropFromQueue({ frame, path: { from, to } }: WaitingOnPath): void {
    const { drop, recordNoted, shared } = this.#network;
    shared.store.mark = frame.mark;
    drop(from, to, 'codel');
    recordNoted(from, frame.bytes, frame.length);
    shared.store.release(frame);
  }

  #sendLater(path: Path, frame: Buffer, length: number, due: number, now: number, mayOvertake: boolean): void {
    const isEarly = path.underWay > 0 && due < path.lastDue;
    const overtakes = isEarly && mayOvertake;
    const arrives = isEarly && !mayOvertake ? path.lastDue : due;
    if (overtakes) this.#network.note(path, 'reordered', 'reordered: overtakes earlier frames');
    else path.lastDue = arrives;
    const isLast = path.to !== undefined && !path.down?.plan;
    if (isLast && arrives <= now && (overtakes || path.underWay === 0)) {
      this.#network.send(path, frame, length);
      return;
    }
    const stored = this.#network.shared.store.store(frame, length);
    if (!stored) {
      this.#network.drop(path.from, path.to, 'queue');
      return;
    }
    stored.generation = path.generation;
    path.underWay++;
    this.#network.shared.heap.add(arrives, stored, path);
  }

  /** Delivers a frame that was in transit: to the network, to the receiver's own link, or to the receiver. */
  deliver(frame: StoredFrame, path: Path): void {
    path.underWay--;
    const { from, to, down } = path;
    const { drop, send, recordNoted } = this.#network;
    const obstacle = obstacleOnWay(frame, path);
    if (obstacle) drop(from, to, obstacle);
    else if (to && !down?.plan) send(path, frame.bytes, frame.length);
    else {
      frame.bytes.copy(scratch, 0, 0, frame.length);
      if (down?.plan) this.start(down, down.plan, frame.length, performance.now());
      else this.#network.switch(from, frame.length, performance.now());
    }
    recordNoted(from, frame.bytes, frame.length);
  }
}

const altered = Buffer.allocUnsafeSlow(scratch.length);

/** Returns the frame in {@link scratch} with one bit flipped, valid until the next call. */
function corrupted(length: number, bit: number): Buffer {
  scratch.copy(altered, 0, 0, length);
  altered[bit >> 3]! ^= 0x80 >> (bit & 7);
  return altered;
}
