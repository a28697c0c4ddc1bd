import { MAX_FRAME_SIZE } from './frame-source.js';

const SMALL = 2048;
const SMALLS_PER_CHUNK = 64;
/** The maximum number of frames that wait, of all links together. */
const MAX_FRAMES = 131_072;

/** A frame that waits. Its bytes are in a slot that is reused. */
export interface StoredFrame {
  readonly bytes: Buffer;
  length: number;
  /** Which frame of its network it is. */
  mark: number;
  /** The generation of the part of the way that it is on, where it is on one. */
  generation: number;
}

/** Stores the frames that wait, in memory that is reused: there is no allocation per frame. */
export class FrameStore {
  readonly #small: StoredFrame[] = [];
  readonly #large: StoredFrame[] = [];
  #used = 0;
  /** The number of the frame that is forwarded now, on its network; 0 for one that was made on the way. */
  mark = 0;

  /** Copies the first `length` bytes of `frame`. Returns undefined if too many frames wait. */
  store(frame: Buffer, length: number): StoredFrame | undefined {
    if (this.#used >= MAX_FRAMES) return undefined;
    this.#used++;
    const stored = length <= SMALL ? this.#takeSmall() : (this.#large.pop() ?? newFrame(MAX_FRAME_SIZE));
    frame.copy(stored.bytes, 0, 0, length);
    stored.length = length;
    stored.mark = this.mark;
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
      this.#small.push({ bytes: chunk.subarray(i * SMALL, (i + 1) * SMALL), length: 0, mark: 0, generation: 0 });
    }
    return this.#small.pop()!;
  }
}

function newFrame(size: number): StoredFrame {
  return { bytes: Buffer.allocUnsafeSlow(size), length: 0, mark: 0, generation: 0 };
}
