import { writeSync } from 'node:fs';
import { libc } from '../../ffi/libc.js';
import type { VdestackMemory } from '../../ffi/vdestack.js';
import { SHUT_RDWR, SO_COOKIE, SO_RCVTIMEO, SO_TYPE, SOCK_SEQPACKET, SOL_SOCKET } from '../constants/index.js';
import { ENXIO } from '../core/errno.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';

/** The pipe on which ioth_vdestack asks its daemon for sockets: both ends are in our descriptor table. */
export class CommandPipe {
  // the number may be another's by the time the daemon is gone; the cookie is its own
  readonly #cookie: bigint;

  private constructor(
    readonly clientFd: number,
    readonly daemonFd: number,
  ) {
    this.#cookie = cookieOf(daemonFd);
  }

  /** Of a vdestack; undefined where its memory is not as expected. */
  static of({ parentPid, pipes }: VdestackMemory): CommandPipe | undefined {
    if (parentPid !== process.pid) return undefined;
    const pair = pipes.find((ends) => ends.every(isSeqpacketSocket));
    return pair && new CommandPipe(...pair);
  }

  /** How long C waits for an answer, in milliseconds: EAGAIN then. */
  setReplyTimeout(milliseconds: number): void {
    const timeval = new BigInt64Array([BigInt(Math.floor(milliseconds / 1000)), BigInt((milliseconds % 1000) * 1000)]);
    libc().setsockopt(this.clientFd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(timeval.buffer), timeval.byteLength);
  }

  /** Waits for the answer to a call that gave up, and undoes it; false where none came in that time. */
  discardAnswer(milliseconds: number): boolean {
    if (!waitSync(this.clientFd, READABLE, milliseconds)) return false;
    // struct vdereply: int rval, err
    const reply = new Int32Array(2);
    const length = libc().read(this.clientFd, new Uint8Array(reply.buffer), reply.byteLength);
    const [fd = -1] = reply;
    if (length === reply.byteLength && fd >= 0) libc().close(fd);
    return true;
  }

  /** Tells the daemon to end, as closing our end does: but C closes that, by its number. */
  shutdown(): void {
    libc().shutdown(this.clientFd, SHUT_RDWR);
  }

  /** Answers, for a killed daemon, a call that waits: no socket. Where none waits, the next one finds it. */
  refuse(): void {
    // struct vdereply: int rval, err
    if (this.#daemonsEndIsOpen) writeSync(this.daemonFd, new Int32Array([-1, ENXIO]));
  }

  /** Closes the end that a killed daemon left open; false where the daemon closed it, as it does last of all. */
  closeDaemonsEnd(): boolean {
    if (!this.#daemonsEndIsOpen) return false;
    libc().close(this.daemonFd);
    return true;
  }

  get #daemonsEndIsOpen(): boolean {
    const found = cookieOf(this.daemonFd);
    return found !== 0n && found === this.#cookie;
  }
}

const cookie = new BigUint64Array(1);
const cookieBytes = new Uint8Array(cookie.buffer);

/** A number that no other socket of the machine has (SO_COOKIE of socket(7)); 0 for what is none. */
function cookieOf(fd: number): bigint {
  optionLength[0] = cookieBytes.length;
  return libc().getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookieBytes, optionLength) === 0 ? (cookie[0] ?? 0n) : 0n;
}

const option = new Int32Array(1);
const optionBytes = new Uint8Array(option.buffer);
const optionLength = new Uint32Array(1);

/** Of the sockets that libioth or Node makes no other is a SOCK_SEQPACKET one. */
function isSeqpacketSocket(fd: number): boolean {
  optionLength[0] = optionBytes.length;
  return libc().getsockopt(fd, SOL_SOCKET, SO_TYPE, optionBytes, optionLength) === 0 && option[0] === SOCK_SEQPACKET;
}
