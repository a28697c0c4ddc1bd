import { libvdeplug, VDE_ETHBUFSIZE, type VdeConnPointer } from '../../ffi/vdeplug.js';
import type { Operation, WAIT } from '../io/wait-queue.js';

/** What a port gets no more frames after: the network is gone. */
export const END: unique symbol = Symbol('end');

/** The longest frame, in bytes: 9,216 of data, its Ethernet header and an 802.1Q tag. */
export const MAX_FRAME_SIZE = VDE_ETHBUFSIZE;
/** The Ethernet header. */
export const MIN_FRAME_SIZE = 14;

/** Where the frames of a connection come from, and how its operations wait. */
export interface FrameSource {
  /** Frames that came while the port's own queue was full. */
  readonly dropped: number;
  /** The next frame, if it is there. @throws {IothError} */
  take(): Buffer | typeof WAIT | typeof END;
  /** The same into the caller's bytes; how many bytes came. @throws {IothError} */
  takeInto(buffer: Uint8Array): number | typeof WAIT | typeof END;
  run<T>(operation: Operation<T>, owner: object, timeout: number | null, signal: AbortSignal | undefined): Promise<T>;
  /** Tries again what waits to receive. */
  resume(): void;
  setRef(referenced: boolean): void;
  /** Rejects what waits, and stops watching; without `error`, at the end of the process, nobody hears of it. */
  close(error: ((operation: Operation<unknown>) => Error) | undefined): void;
}

/** Where vde_recv(3) writes: one call returns, and is copied, before the next begins. */
export const scratch = Buffer.allocUnsafeSlow(MAX_FRAME_SIZE);

/** vde_recv(3) into {@link scratch}: always all of a frame, which a node also forwards from there. */
export function receive(conn: VdeConnPointer): number {
  return libvdeplug().recv(conn, scratch, MAX_FRAME_SIZE, 0);
}

/** The first bytes of {@link scratch}, for good. */
export function copyOfScratch(length: number): Buffer {
  return Buffer.from(scratch.subarray(0, length));
}

/** Copies a frame into the caller's bytes; what has no room there is lost. */
export function copyInto(buffer: Uint8Array, frame: Buffer, length: number): number {
  return frame.copy(buffer, 0, 0, length);
}
