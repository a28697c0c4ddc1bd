import { READABLE, WRITABLE } from '../io/poll-handle.js';
import { type Operation, WAIT } from '../io/wait-queue.js';
import { END, type FrameSource } from './frame-source.js';

/** Receives one frame by vde_recv(3) into a new Buffer; an empty one at the end. */
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

/** Receives one frame by vde_recv(3) into the caller's bytes. The result is its length; 0 at the end. */
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

/** Receives frames by vde_recv(3) until none is left; none at the end. */
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

  /** Takes a frame. Leaves an error after other frames to the next call, so that no frame is lost. */
  #take(hasFrames: boolean): Buffer | typeof WAIT | typeof END {
    try {
      return this.source.take();
    } catch (error) {
      if (hasFrames) return WAIT;
      throw error;
    }
  }
}

/** The sink of a connection's frames. */
export interface FrameSink {
  /** Calls vde_send(3). Returns false if it would block. @throws {IothError} */
  send(frame: Uint8Array): boolean;
}

/** Sends one frame by vde_send(3). */
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

/** Sends frames by vde_send(3), one after the other, until it would block. The result is how many were sent. */
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
