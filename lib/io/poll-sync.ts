import { errno, libc, POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP } from '../../ffi/libc.js';
import { EINTR } from '../core/errno.js';
import { IothError, systemError } from '../core/errors.js';
import { type Direction, READABLE } from './poll-handle.js';

/** `struct pollfd`: int fd; short events, revents. */
const POLLFD_SIZE = 8;

/** The descriptors of one poll(2), each at its place. */
export class PollSet {
  readonly #pollfds: Buffer;

  constructor(readonly size: number) {
    this.#pollfds = Buffer.alloc(size * POLLFD_SIZE);
  }

  /** Sets the descriptor at a place. @param fd -1 for none @param events POLLIN … */
  set(place: number, fd: number, events: number): void {
    this.#pollfds.writeInt32LE(fd, place * POLLFD_SIZE);
    this.#pollfds.writeInt16LE(events, place * POLLFD_SIZE + 4);
  }

  /**
   * Calls poll(2). Returns how many descriptors are ready; 0 after `timeout` (milliseconds, -1 for ever) or a signal.
   * @throws {IothError} ENOMEM
   */
  poll(timeout: number): number {
    const count = libc().poll(this.#pollfds, this.size, timeout);
    if (count >= 0) return count;
    const error = errno();
    if (error !== EINTR) throw systemError(error, 'poll');
    return 0;
  }

  /** Returns the events that the last poll reported: POLLIN …, 0 for none. */
  revents(place: number): number {
    return this.#pollfds.readInt16LE(place * POLLFD_SIZE + 6);
  }
}

const one = new PollSet(1);

/** Calls poll(2) for one descriptor. Returns its events; 0 after `timeout` (milliseconds, -1 for ever) or a signal. */
export function pollOnce(fd: number, events: number, timeout: number): number {
  one.set(0, fd, events);
  return one.poll(timeout) > 0 ? one.revents(0) : 0;
}

/** Waits in poll(2). Returns false after `timeout` (milliseconds, -1 for ever). A descriptor in error is ready. */
export function waitSync(fd: number, direction: Direction, timeout: number): boolean {
  const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  for (let left = timeout; ; left = Math.max(0, Math.ceil(deadline - performance.now()))) {
    const revents = pollOnce(fd, eventsOf(direction), timeout < 0 ? -1 : left);
    if (revents & POLLNVAL) throw new IothError('EBADF', { syscall: 'poll' });
    if (revents) return (revents & (POLLIN | POLLOUT | POLLERR | POLLHUP)) !== 0;
    if (timeout === 0 || performance.now() >= deadline) return false;
  }
}

/**
 * Returns whether the receiving side of a socket is shut down. A datagram socket is readable then, and recv(2) returns 0, but
 * only on a blocking socket: a non-blocking one gets EAGAIN.
 */
export function isReceiveShutDown(fd: number): boolean {
  return (pollOnce(fd, POLLRDHUP, 0) & POLLRDHUP) !== 0;
}

/** Returns the event of poll(2) for a direction. */
export function eventsOf(direction: Direction): number {
  return direction === READABLE ? POLLIN : POLLOUT;
}
