import { writeSync } from 'node:fs';
import { libc, scratch } from '../../ffi/libc.js';
import type { VdestackMemory } from '../../ffi/vdestack.js';
import { SHUT_RDWR, SO_COOKIE, SO_RCVTIMEO, SO_TYPE, SOCK_SEQPACKET, SOL_SOCKET } from '../constants/socket.js';
import { ENXIO } from '../core/errno.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';

/** The pipe on which ioth_vdestack asks its daemon for sockets. Both ends are in our descriptor table. */
export class CommandPipe {
  // another file may have the number once the daemon is gone; the cookie is unique
  readonly #cookie: bigint;

  private constructor(
    readonly clientFd: number,
    readonly daemonFd: number,
  ) {
    this.#cookie = cookieOf(daemonFd);
  }

  /** Returns the pipe of a vdestack; undefined if its memory does not have the expected layout. */
  static of({ parentPid, pipes }: VdestackMemory): CommandPipe | undefined {
    if (parentPid !== process.pid) return undefined;
    // neither libioth nor Node makes any other socket of this type
    const pair = pipes.find((ends) => ends.every((fd) => socketOption(fd, SO_TYPE) === SOCK_SEQPACKET));
    return pair && new CommandPipe(...pair);
  }

  /** Sets how long C waits for an answer, in milliseconds. Then it gets EAGAIN. */
  setReplyTimeout(milliseconds: number): void {
    timeval[0] = BigInt(Math.floor(milliseconds / 1000));
    timeval[1] = BigInt((milliseconds % 1000) * 1000);
    libc().setsockopt(this.clientFd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.byteLength);
  }

  /** Waits for the answer to a call that timed out, and undoes that call. Returns false if no answer comes in this time. */
  discardAnswer(milliseconds: number): boolean {
    if (!waitSync(this.clientFd, READABLE, milliseconds)) return false;
    // struct vdereply: int rval, err
    const reply = new Int32Array(2);
    const length = libc().read(this.clientFd, new Uint8Array(reply.buffer), reply.byteLength);
    const [fd = -1] = reply;
    if (length === reply.byteLength && fd >= 0) libc().close(fd);
    return true;
  }

  /** Tells the daemon to end, as closing our end would. C closes our end later by its number, so it must stay open. */
  shutdown(): void {
    libc().shutdown(this.clientFd, SHUT_RDWR);
  }

  /** Answers a waiting call in place of a killed daemon: no socket. If no call waits, the next call reads this answer. */
  refuse(): void {
    // struct vdereply: int rval, err
    if (this.#daemonsEndIsOpen) writeSync(this.daemonFd, new Int32Array([-1, ENXIO]));
  }

  /**
   * Closes the daemon's end if a killed daemon left it open. Returns false if the daemon closed it, which is the last thing it
   * does.
   */
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

const timeval = scratch(BigInt64Array, 2);
const cookie = scratch(BigUint64Array, 1);

/** Returns the SO_COOKIE of a socket (socket(7)), which is unique on the machine; 0 if `fd` is not a socket. */
function cookieOf(fd: number): bigint {
  optionLength[0] = cookie.byteLength;
  return libc().getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, optionLength) === 0 ? (cookie[0] ?? 0n) : 0n;
}

const option = scratch(Int32Array, 1);
const optionLength = scratch(Uint32Array, 1);

/** Returns an option of SOL_SOCKET; -1 if `fd` is not a socket. */
export function socketOption(fd: number, name: number): number {
  optionLength[0] = option.byteLength;
  return libc().getsockopt(fd, SOL_SOCKET, name, option, optionLength) === 0 ? (option[0] ?? -1) : -1;
}
