import type { StoredFrame } from './frame-store.js';

/** A frame under way. */
export interface FrameUnderWay<Path> {
  /** When it arrives, by performance.now(). */
  due: number;
  /** Of those that arrive at the same time the first one is first. */
  sequence: number;
  frame: StoredFrame;
  path: Path;
}

/** The frames under way, the next to arrive first: a binary heap, whose entries are used again. */
export class DueHeap<Path> {
  readonly #heap: FrameUnderWay<Path>[] = [];
  readonly #free: FrameUnderWay<Path>[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next one arrives; Infinity where none is under way. */
  get nextDue(): number {
    return this.#heap[0]?.due ?? Number.POSITIVE_INFINITY;
  }

  add(due: number, frame: StoredFrame, path: Path): void {
    const sequence = this.#sequence++;
    const entry = this.#free.pop();
    if (entry) Object.assign(entry, { due, sequence, frame, path });
    this.#up(entry ?? { due, sequence, frame, path });
  }

  /** The next one: it is the caller's until {@link free}. */
  take(): FrameUnderWay<Path> | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first !== undefined && last !== undefined && first !== last) this.#down(last);
    return first;
  }

  free(entry: FrameUnderWay<Path>): void {
    this.#free.push(entry);
  }

  #up(entry: FrameUnderWay<Path>): void {
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

  #down(entry: FrameUnderWay<Path>): void {
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

function isBefore(a: FrameUnderWay<unknown>, b: FrameUnderWay<unknown>): boolean {
  return a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
}
