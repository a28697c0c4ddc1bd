import { libvdeplug, VDE_ETHBUFSIZE, type VdeConnPointer } from '../../ffi/vdeplug.js';
import type { Readiness } from '../io/readiness.js';
import type { WAIT } from '../io/wait-queue.js';

/** The result when the network is gone and no more frames will come. */
export const END: unique symbol = Symbol('end');

/** The longest frame in bytes: 9,216 of data, the Ethernet header and an 802.1Q tag. */
export const MAX_FRAME_SIZE = VDE_ETHBUFSIZE;
/** The shortest frame in bytes: an Ethernet header. */
export const MIN_FRAME_SIZE = 14;

/** The source and sink of a connection's frames, in which its operations wait. */
export interface FrameSource extends Pick<Readiness, 'run' | 'resume' | 'setRef' | 'close'> {
  /** The number of frames that were lost because the port's own queue was full. */
  readonly dropped: number;
  /** Takes the next frame, if there is one. @throws {IothError} */
  take(): Buffer | typeof WAIT | typeof END;
  /** Takes the next frame into the caller's bytes. Returns its length in bytes. @throws {IothError} */
  takeInto(buffer: Uint8Array): number | typeof WAIT | typeof END;
  /** Calls vde_send(3). Returns false if it would block. @throws {IothError} */
  send(frame: Uint8Array): boolean;
}

/** The buffer of vde_recv(3). The result of a call is used or copied before the next call begins. */
export const scratch = Buffer.allocUnsafeSlow(MAX_FRAME_SIZE);

/** Calls vde_recv(3) into {@link scratch}. It takes whole frames, since a node also forwards them from there. */
export function receive(conn: VdeConnPointer): number {
  return libvdeplug().recv(conn, scratch, MAX_FRAME_SIZE, 0);
}

/** Returns a copy of the first bytes of {@link scratch}. */
export function copyOfScratch(length: number): Buffer {
  return Buffer.from(scratch.subarray(0, length));
}
