import { READABLE, WRITABLE } from '../io/poll-handle.js';
import { type Operation, WAIT } from '../io/wait-queue.js';
import { END, type FrameSource } from './frame-source.js';

/** vde_recv(3) into new bytes; none at the end. */
export class Receive implements Operation<Buffer> {
  readonly syscall = 'vde_recv';
  readonly timeoutName = 'options.timeout';
  readonly direction = READABLE;

  constructor(readonly source: FrameSource) {}

  attempt(): Buffer | typeof WAIT {
    const frame = this.source.take();
    return frame === END ? Buffer.alloc(0) : frame;
  }
}

/** vde_recv(3) into the caller's bytes; 0 at the end. */
export class ReceiveInto implements Operation<number> {
  readonly syscall = 'vde_recv';
  readonly timeoutName = 'options.timeout';
  readonly direction = READABLE;

  constructor(
    readonly source: FrameSource,
    readonly buffer: Uint8Array,
  ) {}

  attempt(): number | typeof WAIT {
    const length = this.source.takeInto(this.buffer);
    return length === END ? 0 : length;
  }
}

/** vde_recv(3) until nothing is there; none at the end. */
export class ReceiveBatch implements Operation<Buffer[]> {
  readonly syscall = 'vde_recv';
  readonly timeoutName = 'options.timeout';
  readonly direction = READABLE;

  constructor(
    readonly source: FrameSource,
    readonly max: number,
  ) {}

  attempt(): Buffer[] | typeof WAIT {
    const frames: Buffer[] = [];
    while (frames.length < this.max) {
      const frame = this.#take(frames.length > 0);
      if (frame === END) return frames;
      if (frame === WAIT) return frames.length > 0 ? frames : WAIT;
      frames.push(frame);
    }
    return frames;
  }

  /** An error after frames is left to the next call: no frame is lost for it. */
  #take(hasFrames: boolean): Buffer | typeof WAIT | typeof END {
    try {
      return this.source.take();
    } catch (error) {
      if (hasFrames) return WAIT;
      throw error;
    }
  }
}

/** What sends. */
export interface FrameSink {
  /** vde_send(3): false where it would block. @throws {IothError} */
  send(frame: Uint8Array): boolean;
}

/** vde_send(3). */
export class Send implements Operation<void> {
  readonly syscall = 'vde_send';
  readonly timeoutName = 'options.timeout';
  readonly direction = WRITABLE;

  constructor(
    readonly sink: FrameSink,
    readonly frame: Uint8Array,
  ) {}

  attempt(): typeof WAIT | undefined {
    return this.sink.send(this.frame) ? undefined : WAIT;
  }
}

/** vde_send(3) for one frame after the other, until it would block: how many were taken. */
export class SendBatch implements Operation<number> {
  readonly syscall = 'vde_send';
  readonly timeoutName = 'options.timeout';
  readonly direction = WRITABLE;

  constructor(
    readonly sink: FrameSink,
    readonly frames: readonly Uint8Array[],
  ) {}

  attempt(): number | typeof WAIT {
    let sent = 0;
    for (const frame of this.frames) {
      if (!this.#send(frame, sent > 0)) break;
      sent++;
    }
    return sent > 0 || this.frames.length === 0 ? sent : WAIT;
  }

  #send(frame: Uint8Array, hasSent: boolean): boolean {
    try {
      return this.sink.send(frame);
    } catch (error) {
      if (hasSent) return false;
      throw error;
    }
  }
}
