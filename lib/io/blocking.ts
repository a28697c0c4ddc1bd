import { libc } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { GrowingPause } from '../core/waiting.js';
import { PREEMPTED_MS } from './epoll.js';
import { interruptFd, throwIfInterrupted } from './interrupt.js';
import { type BlockingOwner, waitInterruptibly } from './interruptible-wait.js';
import { isReceiveShutDown, waitSync } from './poll-sync.js';
import { type Readiness, wouldBlock } from './readiness.js';
import { EXHAUSTED, type Operation, WAIT } from './wait-queue.js';

/** Looks for signals at one of this many calls, even if it need not wait. */
const CALLS_PER_SIGNAL_CHECK = 256;

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
  const { syscall, direction, address, port } = operation;
  const { fd, readiness, owner } = descriptor;
  const deadline = timeout === null ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  if (++calls % CALLS_PER_SIGNAL_CHECK === 0 && interruptFd() >= 0) throwIfInterrupted(syscall);
  let pause: GrowingPause | undefined;
  let skipsFirstTry = timeout !== 0 && readiness.wasDrained && operation.trustsPoll === true;
  for (let isReady = false; ; skipsFirstTry = false) {
    readiness.unmarkDrained();
    const sentBefore = readiness.sent;
    let result = skipsFirstTry ? WAIT : operation.attempt();
    if (result === WAIT && isReady && readiness.sent === sentBefore) {
      if (isReceiveShutDown(fd)) result = operation.whenShutDown?.() ?? WAIT;
      pause ??= new GrowingPause();
    } else pause = undefined;
    if (result !== WAIT && result !== EXHAUSTED) return result;
    if (timeout === 0) throw wouldBlock(syscall);
    if (result === EXHAUSTED) throw new IothError('EMFILE', { syscall });
    const left = deadline - performance.now();
    if (left <= 0) throw new IothError('ETIMEDOUT', { syscall, address, port });
    if (pause) waitInterruptibly(-1, direction, Math.min(left, pause.take()), syscall, owner);
    else isReady = busyPoll(operation, descriptor, left) || waitInterruptibly(fd, direction, left, syscall, owner);
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
