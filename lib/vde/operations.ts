import { type Direction, READABLE } from '../io/poll-handle.js';
import { type Operation, WAIT } from '../io/wait-queue.js';
import { END, type FrameSource } from './frame-source.js';

/** A call of vde_recv(3) or vde_send(3) that may wait: one of the functions below, and its argument. */
export class PortOperation<T, A> implements Operation<T> {
  readonly timeoutName = 'options.timeout';

  constructor(
    readonly direction: Direction,
    readonly source: FrameSource,
    readonly call: (source: FrameSource, argument: A) => T | typeof WAIT,
    readonly argument: A,
  ) {}

  get syscall(): string {
    return this.direction === READABLE ? 'vde_recv' : 'vde_send';
  }

  attempt(): T | typeof WAIT {
    return this.call(this.source, this.argument);
  }
}

/** Receives one frame by vde_recv(3) into a new Buffer; an empty one at the end. */
export function receiveFrame(source: FrameSource): Buffer | typeof WAIT {
  const frame = source.take();
  return frame === END ? Buffer.alloc(0) : frame;
}

/** Receives one frame by vde_recv(3) into the caller's bytes. The result is its length; 0 at the end. */
export function receiveInto(source: FrameSource, buffer: Uint8Array): number | typeof WAIT {
  const length = source.takeInto(buffer);
  return length === END ? 0 : length;
}

/** Receives frames by vde_recv(3) until none is left; none at the end. */
export function receiveBatch(source: FrameSource, max: number): Buffer[] | typeof WAIT {
  const frames: Buffer[] = [];
  try {
    while (frames.length < max) {
      const frame = source.take();
      if (frame === END) break;
      if (frame === WAIT) return frames.length > 0 ? frames : WAIT;
      frames.push(frame);
    }
  } catch (error) {
    // after other frames it is left to the next call, so that no frame is lost
    if (frames.length === 0) throw error;
  }
  return frames;
}

/** Sends one frame by vde_send(3). */
export function sendFrame(source: FrameSource, frame: Uint8Array): typeof WAIT | undefined {
  return source.send(frame) ? undefined : WAIT;
}

/** Sends frames by vde_send(3), one after the other, until it would block. The result is how many were sent. */
export function sendBatch(source: FrameSource, frames: readonly Uint8Array[]): number | typeof WAIT {
  let sent = 0;
  try {
    while (sent < frames.length && source.send(frames[sent]!)) sent++;
  } catch (error) {
    if (sent === 0) throw error;
  }
  return sent > 0 || frames.length === 0 ? sent : WAIT;
}
