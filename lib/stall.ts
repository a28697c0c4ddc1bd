/**
 * A descriptor that poll(2) calls ready while its call says EAGAIN: a receive of errors (MSG_ERRQUEUE) where data is
 * there, a datagram to a unix socket whose queue is full. What is tried again at once would take a whole processor.
 */

import { libc, POLLFD_SIZE, POLLRDHUP } from '../ffi/libc.js';

const MIN_PAUSE_MS = 1;
const MAX_PAUSE_MS = 100;

/** The pauses between tries in vain: each is twice as long as the one before. */
export class GrowingPause {
  #next = MIN_PAUSE_MS;

  /** How long to pause now, in milliseconds. */
  take(): number {
    const pause = this.#next;
    this.#next = Math.min(pause * 2, MAX_PAUSE_MS);
    return pause;
  }

  reset(): void {
    this.#next = MIN_PAUSE_MS;
  }
}

const pollfd = Buffer.alloc(POLLFD_SIZE);

/**
 * Whether the receiving side of a socket is shut down. A datagram socket is readable then, and recv(2) answers 0, but only
 * where it may block: a non-blocking one gets EAGAIN.
 */
export function isReceiveShutDown(fd: number): boolean {
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(POLLRDHUP, 4);
  pollfd.writeInt16LE(0, 6);
  return libc().poll(pollfd, 1, 0) > 0 && (pollfd.readInt16LE(6) & POLLRDHUP) !== 0;
}
