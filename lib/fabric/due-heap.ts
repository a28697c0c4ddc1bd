import type { StoredFrame } from '../vde/frame-store.js';

/** What gets a frame when it arrives. */
export interface Destination {
  /** @param due when it arrived, in milliseconds of performance.now(). The caller owns the frame */
  arrive(frame: StoredFrame, due: number): void;
}

/** A frame in transit. */
export interface FrameUnderWay {
  /** When it arrives, in milliseconds of performance.now(). */
  due: number;
  /** The order of frames that arrive at the same time. */
  sequence: number;
  frame: StoredFrame;
  destination: Destination;
}

/** The frames in transit, the next to arrive first: a binary heap that reuses its entries. */
export class DueHeap {
  readonly #heap: FrameUnderWay[] = [];
  readonly #free: FrameUnderWay[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next frame arrives; Infinity if none is in transit. */
  get nextDue(): number {
    return this.#heap[0]?.due ?? Number.POSITIVE_INFINITY;
  }

  add(due: number, frame: StoredFrame, destination: Destination): void {
    const sequence = this.#sequence++;
    const entry = this.#free.pop();
    if (entry) Object.assign(entry, { due, sequence, frame, destination });
    this.#up(entry ?? { due, sequence, frame, destination });
  }

  /** Removes the next frame and returns it. The caller owns the entry until it calls {@link free}. */
  take(): FrameUnderWay | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first !== undefined && last !== undefined && first !== last) this.#down(last);
    return first;
  }

  free(entry: FrameUnderWay): void {
    this.#free.push(entry);
  }

  #up(entry: FrameUnderWay): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #down(entry: FrameUnderWay): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}

function isBefore(a: FrameUnderWay, b: FrameUnderWay): boolean {
  return a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
}
