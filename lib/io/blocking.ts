import { isMainThread } from 'node:worker_threads';
import { libc, POLLIN, POLLNVAL } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { PREEMPTED_MS } from './epoll.js';
import { interruptFd, throwIfInterrupted, withInterrupts } from './interrupt.js';
import { eventsOf, isReceiveShutDown, PollSet, waitSync } from './poll-sync.js';
import { type Readiness, wouldBlock } from './readiness.js';
import { EXHAUSTED, type Operation, WAIT } from './wait-queue.js';

/** Looks for signals at one of this many calls, even if it need not wait. */
const CALLS_PER_SIGNAL_CHECK = 256;
/**
 * The longest poll(2), in milliseconds. V8 can end the running code only between two of them: by vm's breakOnSigint, and in
 * a worker by worker.terminate(). Workers poll for a shorter time, since the main thread waits for terminate().
 */
export const MAX_POLL_MS = isMainThread ? 1000 : 50;

/** The members of a descriptor's stack that a blocking call needs. */
export interface BlockingOwner {
  /** The time of busy polling before a wait sleeps, in microseconds. */
  readonly busyPollUsecs: number;
  /** The descriptor that is readable once the stack is dead; -1 for a stack that cannot die. */
  readonly deathFd: number;
  /** Returns the stack's pointer. @throws {IothError} ERR_STACK_DEAD once the stack is dead */
  pointer(syscall: string): unknown;
}

/** The descriptor that a blocking call waits for. */
export interface BlockingDescriptor {
  readonly fd: number;
  readonly readiness: Readiness;
  readonly owner: BlockingOwner;
}

let calls = 0;

/**
 * Runs the operation now or when the descriptor is ready. Blocks the thread in poll(2) until then.
 * @param timeout the longest wait in milliseconds; null waits for ever, 0 does not wait
 * @throws {IothError} ETIMEDOUT, EAGAIN (timeout 0), EINTR (a signal), ERR_STACK_DEAD
 */
export function runBlocking<T>(operation: Operation<T>, descriptor: BlockingDescriptor, timeout: number | null): T {
  const { syscall, address, port } = operation;
  const { readiness } = descriptor;
  const deadline = timeout === null ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  if (++calls % CALLS_PER_SIGNAL_CHECK === 0 && interruptFd() >= 0) throwIfInterrupted(syscall);
  let pause: GrowingPause | undefined;
  let skipsFirstTry = timeout !== 0 && readiness.wasDrained && operation.trustsPoll === true;
  for (let isReady = false; ; skipsFirstTry = false) {
    readiness.unmarkDrained();
    const sentBefore = readiness.sent;
    let result = skipsFirstTry ? WAIT : operation.attempt();
    if (result === WAIT && isReady && readiness.sent === sentBefore) {
      if (isReceiveShutDown(descriptor.fd)) result = operation.whenShutDown?.() ?? WAIT;
      pause ??= new GrowingPause();
    } else pause = undefined;
    if (result !== WAIT && result !== EXHAUSTED) return result;
    if (timeout === 0) throw wouldBlock(syscall);
    if (result === EXHAUSTED) throw new IothError('EMFILE', { syscall });
    const left = deadline - performance.now();
    if (left <= 0) throw new IothError('ETIMEDOUT', { syscall, address, port });
    if (pause) wait(descriptor, operation, false, Math.min(left, pause.take()));
    else isReady = busyPoll(operation, descriptor, left) || wait(descriptor, operation, true, left);
  }
}

/** Busy polls for the owner's time, at most `limit` milliseconds. Returns whether the descriptor became ready. */
function busyPoll({ direction }: Operation<unknown>, { fd, owner }: BlockingDescriptor, limit: number): boolean {
  const duration = Math.min(limit, owner.busyPollUsecs / 1000);
  if (duration <= 0) return false;
  const end = performance.now() + duration;
  for (let last = end - duration; last < end; ) {
    if (waitSync(fd, direction, 0)) return true;
    libc().sched_yield();
    const now = performance.now();
    // another process had the CPU: the peer may need it
    if (now - last > PREEMPTED_MS) return false;
    last = now;
  }
  return false;
}

const pollSet = new PollSet(3);
const [SOCKET, DEATH, SIGNALS] = [0, 1, 2] as const;

/**
 * Waits in poll(2) for the descriptor (if `isWatched`, else only pauses), for the stack's death and for signals.
 * @returns whether the descriptor is ready
 */
function wait({ fd, owner }: BlockingDescriptor, operation: Operation<unknown>, isWatched: boolean, limit: number) {
  const { direction, syscall } = operation;
  const until = performance.now() + limit;
  pollSet.set(SOCKET, isWatched ? fd : -1, eventsOf(direction));
  pollSet.set(DEATH, owner.deathFd, POLLIN);
  pollSet.set(SIGNALS, interruptFd(), POLLIN);
  for (let left = limit; left > 0; left = until - performance.now()) {
    if (!withInterrupts(() => pollSet.poll(Math.ceil(Math.min(left, MAX_POLL_MS))))) continue;
    if (pollSet.revents(SIGNALS)) throwIfInterrupted(syscall);
    // throws, and ends the stack
    if (pollSet.revents(DEATH)) owner.pointer(syscall);
    const revents = pollSet.revents(SOCKET);
    if (revents & POLLNVAL) throw new IothError('EBADF', { syscall: 'poll' });
    if (revents) return true;
  }
  return false;
}
