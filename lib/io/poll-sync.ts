import { errno } from '../../ffi/ioth.js';
import { libc, POLLERR, POLLFD_SIZE, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../../ffi/libc.js';
import { IothError, systemError } from '../core/errors.js';
import { READABLE, type WRITABLE } from './poll-handle.js';

const EINTR = 4;

const pollfd = Buffer.alloc(POLLFD_SIZE);

/** poll(2) for one descriptor: what it reports of it, 0 when `timeout` (milliseconds, -1 for ever) ran out; -1 and errno. */
export function pollOnce(fd: number, events: number, timeout: number): number {
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(events, 4);
  pollfd.writeInt16LE(0, 6);
  const count = libc().poll(pollfd, 1, timeout);
  return count > 0 ? pollfd.readInt16LE(6) : count;
}

/** Waits in poll(2); false when `timeout` (milliseconds, -1 for ever) ran out. A descriptor in error is ready. */
export function waitSync(fd: number, direction: typeof READABLE | typeof WRITABLE, timeout: number): boolean {
  const deadline = performance.now() + timeout;
  for (let left = timeout; ; left = timeout < 0 ? -1 : Math.max(0, Math.ceil(deadline - performance.now()))) {
    const revents = pollOnce(fd, direction === READABLE ? POLLIN : POLLOUT, left);
    const error = errno();
    if (revents > 0) {
      if (revents & POLLNVAL) throw new IothError('EBADF', { syscall: 'poll' });
      return (revents & (POLLIN | POLLOUT | POLLERR | POLLHUP)) !== 0;
    }
    if (revents === 0) return false;
    if (error !== EINTR) throw systemError(error, 'poll');
  }
}
