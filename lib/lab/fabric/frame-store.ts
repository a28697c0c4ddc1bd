import { MAX_FRAME_SIZE } from '../../vde/frame-source.js';

const SMALL = 2048;
const SMALLS_PER_CHUNK = 64;
/** How many frames wait at most, of all links together. */
const MAX_FRAMES = 131_072;

/** A frame that waits: its bytes are those of a slot that is used again. */
export interface StoredFrame {
  readonly bytes: Buffer;
  length: number;
}

/** The frames that wait, in memory that is used again: none is allocated for each. */
export class FrameStore {
  readonly #small: StoredFrame[] = [];
  readonly #large: StoredFrame[] = [];
  #used = 0;

  /** A copy of the first `length` bytes of `frame`; undefined where too many wait. */
  store(frame: Buffer, length: number): StoredFrame | undefined {
    if (this.#used >= MAX_FRAMES) return undefined;
    this.#used++;
    const stored = length <= SMALL ? this.#takeSmall() : (this.#large.pop() ?? newFrame(MAX_FRAME_SIZE));
    frame.copy(stored.bytes, 0, 0, length);
    stored.length = length;
    return stored;
  }

  release(frame: StoredFrame): void {
    this.#used--;
    (frame.bytes.length === SMALL ? this.#small : this.#large).push(frame);
  }

  #takeSmall(): StoredFrame {
    const free = this.#small.pop();
    if (free) return free;
    const chunk = Buffer.allocUnsafeSlow(SMALL * SMALLS_PER_CHUNK);
    for (let i = 0; i < SMALLS_PER_CHUNK; i++) {
      this.#small.push({ bytes: chunk.subarray(i * SMALL, (i + 1) * SMALL), length: 0 });
    }
    return this.#small.pop()!;
  }
}

function newFrame(size: number): StoredFrame {
  return { bytes: Buffer.allocUnsafeSlow(size), length: 0 };
}
