import { errno, POLLERR, POLLHUP, POLLIN } from '../../ffi/libc.js';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { codeOf } from '../core/errno.js';
import { IothError, systemError } from '../core/errors.js';
import { isReceiveShutDown, pollOnce } from '../io/poll-sync.js';
import { Readiness } from '../io/readiness.js';
import { WAIT } from '../io/wait-queue.js';
import { copyOfScratch, END, type FrameSource, MAX_FRAME_SIZE, MIN_FRAME_SIZE, scratch } from './frame-source.js';

/** The most results without a frame in a row (runts, events of the connection itself) before other work runs. */
const MAX_EMPTY_RESULTS = 64;

/**
 * A plug, which carries frames over one descriptor (`vde://`, `ptp://`, `seqpacket://`, `cmd://`, `tap://` …). Frames stay in
 * the kernel until they are received.
 */
export class PlugSource extends Readiness implements FrameSource {
  readonly dropped = 0;
  #isEnded = false;

  /**
   * @param isSocket true if vde_recv(3) fails with EAGAIN when no frame is there; otherwise poll(2) must be called first
   * @param isGone returns whether the network has ended, for plugs that are told
   */
  constructor(
    readonly conn: VdeConnPointer,
    fd: number,
    readonly isSocket: boolean,
    readonly isGone: () => boolean,
  ) {
    super(fd);
  }

  take(): Buffer | typeof WAIT | typeof END {
    const length = this.#receive(scratch);
    return typeof length === 'number' ? copyOfScratch(length) : length;
  }

  takeInto(buffer: Uint8Array): number | typeof WAIT | typeof END {
    if (buffer.byteLength >= MAX_FRAME_SIZE) return this.#receive(buffer);
    const length = this.#receive(scratch);
    return typeof length === 'number' ? scratch.copy(buffer, 0, 0, length) : length;
  }

  #receive(buffer: Uint8Array): number | typeof WAIT | typeof END {
    for (let tries = 0; tries < MAX_EMPTY_RESULTS; tries++) {
      if (!this.isSocket) {
        const revents = pollOnce(this.fd, POLLIN, 0);
        // the command of cmd:// ended: if libvdeplug read that, it would leave two descriptors open, and complain on stderr
        if ((revents & POLLIN) === 0) return revents & (POLLHUP | POLLERR) ? this.#end() : this.#waitOrEnd();
      }
      const length = libvdeplug().recv(this.conn, buffer, MAX_FRAME_SIZE, 0);
      if (length >= MIN_FRAME_SIZE) return length;
      if (length === 0 && (!this.isSocket || isReceiveShutDown(this.fd))) return this.#end();
      if (length >= 0) continue;
      const code = codeOf(errno());
      if (code === 'EAGAIN' || code === 'EINTR') return this.#waitOrEnd();
      if (GONE.has(code) && (this.isGone() || !this.isSocket)) return this.#end();
      // the error of an earlier send to a peer that was not there
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET') continue;
      throw systemError(errno(), 'vde_recv');
    }
    return WAIT;
  }

  #end(): typeof END {
    this.#isEnded = true;
    return END;
  }

  #waitOrEnd(): typeof WAIT | typeof END {
    return this.#isEnded || this.isGone() ? this.#end() : WAIT;
  }

  /** Calls vde_send(3). Returns false if it would block. @throws {IothError} */
  send(frame: Uint8Array): boolean {
    if (this.#isEnded) throw ended();
    if (libvdeplug().send(this.conn, frame, frame.byteLength, 0) >= 0) {
      this.noteSent(frame.byteLength);
      return true;
    }
    const error = errno();
    const code = codeOf(error);
    if (code === 'EAGAIN' || code === 'EINTR') return false;
    if (GONE.has(code) && this.isGone()) throw ended();
    if (code === 'EPIPE' || code === 'ECONNRESET') throw ended();
    // a cable whose other end is free: ptp:// has a socket there only while a peer holds that end
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTCONN') return true;
    throw systemError(error, 'vde_send', code === 'EMSGSIZE' ? { hint: 'the frame is too long for this network' } : {});
  }
}

const GONE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTCONN', 'EPIPE', 'EBADF']);

function ended(): IothError {
  return new IothError('EPIPE', {
    syscall: 'vde_send',
    hint: 'the network is gone: its switch, or the other end, has ended',
  });
}
