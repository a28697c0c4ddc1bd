/**
 * A descriptor that poll(2) calls ready while its call says EAGAIN: a receive of errors (MSG_ERRQUEUE) where data is
 * there, a datagram to a unix socket whose queue is full. What is tried again at once would take a whole processor.
 */

import { POLLRDHUP } from '../../ffi/libc.js';
import { pollOnce } from './poll-sync.js';

/**
 * Whether the receiving side of a socket is shut down. A datagram socket is readable then, and recv(2) answers 0, but only
 * where it may block: a non-blocking one gets EAGAIN.
 */
export function isReceiveShutDown(fd: number): boolean {
  return (pollOnce(fd, POLLRDHUP, 0) & POLLRDHUP) !== 0;
}
