import { isMainThread } from 'node:worker_threads';
import { POLLIN, POLLNVAL } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { interruptFd, throwIfInterrupted, withInterrupts } from './interrupt.js';
import type { Direction } from './poll-handle.js';
import { eventsOf, PollSet } from './poll-sync.js';

/**
 * The longest poll(2), in milliseconds. V8 can end the running code only between two of them: by vm's breakOnSigint, and in
 * a worker by worker.terminate(). Workers poll for a shorter time, since the main thread waits for terminate().
 */
const MAX_POLL_MS = isMainThread ? 1000 : 50;

/** The members of a descriptor's stack that a blocking call needs. NativeStack implements it. */
export interface BlockingOwner {
  /** The time of busy polling before a wait sleeps, in microseconds. */
  readonly busyPollUsecs: number;
  /** The descriptor that is readable once the stack is dead; -1 for a stack that cannot die. */
  readonly deathFd: number;
  /** Returns the stack's pointer. @throws {IothError} ERR_STACK_DEAD once the stack is dead */
  pointer(syscall: string): unknown;
}

const pollSet = new PollSet(3);
const [DESCRIPTOR, SIGNALS, DEATH] = [0, 1, 2] as const;

/**
 * Waits in poll(2), at most `milliseconds`, or until a signal comes that ends a program, or until the stack dies.
 * @param fd the descriptor; -1 only pauses
 * @returns whether the descriptor is ready
 * @throws {IothError} EINTR of `syscall` if the program listens to the signal; else the process ends
 */
export function waitInterruptibly(
  fd: number,
  direction: Direction,
  milliseconds: number,
  syscall: string,
  stack?: BlockingOwner,
): boolean {
  const until = performance.now() + milliseconds;
  pollSet.set(DESCRIPTOR, fd, eventsOf(direction));
  pollSet.set(SIGNALS, interruptFd(), POLLIN);
  pollSet.set(DEATH, stack?.deathFd ?? -1, POLLIN);
  for (let left = milliseconds; left > 0; left = until - performance.now()) {
    if (!withInterrupts(() => pollSet.poll(Math.ceil(Math.min(left, MAX_POLL_MS))))) continue;
    if (pollSet.revents(SIGNALS)) throwIfInterrupted(syscall);
    // throws, and ends the stack
    if (pollSet.revents(DEATH)) stack?.pointer(syscall);
    const revents = pollSet.revents(DESCRIPTOR);
    if (revents & POLLNVAL) throw new IothError('EBADF', { syscall: 'poll' });
    if (revents) return true;
  }
  return false;
}
