import { isMainThread } from 'node:worker_threads';
import { libc, POLLIN, POLLNVAL } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { PREEMPTED_MS } from './epoll.js';
import { interruptFd, throwIfInterrupted, withInterrupts } from './interrupt.js';
import { eventsOf, isReceiveShutDown, PollSet, waitSync } from './poll-sync.js';
import { type Readiness, wouldBlock } from './readiness.js';
import { EXHAUSTED, type Operation, WAIT } from './wait-queue.js';

/** One of so many calls looks for signals, though it need not wait. */
const CALLS_PER_SIGNAL_CHECK = 256;
/**
 * How long one poll(2) takes at most, so that V8 can end what runs: vm's breakOnSigint and, more often, worker.terminate(),
 * for which the main thread waits.
 */
export const MAX_POLL_MS = isMainThread ? 1000 : 50;

/** The stack of a descriptor, as a blocking call needs it. */
export interface BlockingOwner {
  /** For how many microseconds a wait polls before it sleeps. */
  readonly busyPollUsecs: number;
  /** A descriptor that is readable once the stack is dead; -1 for a stack that cannot die. */
  readonly deathFd: number;
  /** @throws {IothError} ERR_STACK_DEAD once it is dead */
  pointer(syscall: string): unknown;
}

/** What a blocking call waits on. */
export interface BlockingDescriptor {
  readonly fd: number;
  readonly readiness: Readiness;
  readonly owner: BlockingOwner;
}

let calls = 0;

/**
 * Runs the operation now or when the descriptor is ready for it, blocking the thread in poll(2) meanwhile.
 * @param timeout how many milliseconds it may wait; null for ever, 0 not at all
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

/** Polls without a pause, for the owner's time or `limit` milliseconds. Returns whether the descriptor became ready. */
function busyPoll({ direction }: Operation<unknown>, { fd, owner }: BlockingDescriptor, limit: number): boolean {
  const duration = Math.min(limit, owner.busyPollUsecs / 1000);
  if (duration <= 0) return false;
  const end = performance.now() + duration;
  for (let last = end - duration; last < end; ) {
    if (waitSync(fd, direction, 0)) return true;
    libc().sched_yield();
    const now = performance.now();
    // somebody else had the processor: the peer may need it
    if (now - last > PREEMPTED_MS) return false;
    last = now;
  }
  return false;
}

const pollSet = new PollSet(3);
const [SOCKET, DEATH, SIGNALS] = [0, 1, 2] as const;

/**
 * poll(2) on the descriptor (where `isWatched`; else it only pauses), the stack's death and signals.
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
