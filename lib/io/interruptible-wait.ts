import { POLLIN } from '../../ffi/libc.js';
import { MAX_POLL_MS } from './blocking.js';
import { interruptFd, throwIfInterrupted, withInterrupts } from './interrupt.js';
import type { Direction } from './poll-handle.js';
import { eventsOf, PollSet } from './poll-sync.js';

const pollSet = new PollSet(2);
const [DESCRIPTOR, SIGNALS] = [0, 1] as const;

/**
 * Waits in poll(2), at most `milliseconds`, or until a signal comes that ends a program.
 * @param fd the descriptor; -1 only pauses
 * @returns whether the descriptor is ready
 * @throws {IothError} EINTR of `syscall` if the program listens to the signal; else the process ends
 */
export function waitInterruptibly(fd: number, direction: Direction, milliseconds: number, syscall: string): boolean {
  const until = performance.now() + milliseconds;
  pollSet.set(DESCRIPTOR, fd, eventsOf(direction));
  pollSet.set(SIGNALS, interruptFd(), POLLIN);
  for (let left = milliseconds; left > 0; left = until - performance.now()) {
    if (!withInterrupts(() => pollSet.poll(Math.ceil(Math.min(left, MAX_POLL_MS))))) continue;
    if (pollSet.revents(SIGNALS)) throwIfInterrupted(syscall);
    if (pollSet.revents(DESCRIPTOR)) return true;
  }
  return false;
}
