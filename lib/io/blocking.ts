import { isMainThread } from 'node:worker_threads';
import { libc, POLLIN, POLLNVAL } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import type { Descriptor } from '../socket/descriptor.js';
import { PREEMPTED_MS } from './epoll.js';
import { interruptFd, throwIfInterrupted, withInterrupts } from './interrupt.js';
import { eventsOf, PollSet, waitSync } from './poll-sync.js';
import { wouldBlock } from './readiness.js';
import { isReceiveShutDown } from './stall.js';
import { EXHAUSTED, type Operation, WAIT } from './wait-queue.js';

/** Of so many calls one looks for signals though it need not wait. */
const CALLS_PER_LOOK = 256;
/**
 * How long one poll(2) takes at most, so that V8 can end what runs: vm's breakOnSigint and, more often, worker.terminate(),
 * for which the main thread waits.
 */
const MAX_POLL_MS = isMainThread ? 1000 : 50;

let calls = 0;

/**
 * Runs the operation now or when the descriptor is ready for it, blocking the thread in poll(2) meanwhile.
 * @param timeout how many milliseconds it may wait; null for ever, 0 not at all
 * @throws {IothError} ETIMEDOUT, EAGAIN (timeout 0), EINTR (a signal), ERR_STACK_DEAD
 */
export function runBlocking<T>(operation: Operation<T>, descriptor: Descriptor, timeout: number | null): T {
  const { syscall, address, port } = operation;
  const { readiness } = descriptor;
  const deadline = timeout === null ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  if (++calls % CALLS_PER_LOOK === 0 && interruptFd() >= 0) throwIfInterrupted(syscall);
  let pause: GrowingPause | undefined;
  let spares = timeout !== 0 && readiness.isEmpty && operation.trustsPoll === true;
  for (let isReady = false; ; spares = false) {
    readiness.forgetEmpty();
    const sentBefore = readiness.sent;
    let result = spares ? WAIT : operation.attempt();
    if (result === WAIT && isReady && readiness.sent === sentBefore) {
      if (isReceiveShutDown(descriptor.fd)) result = operation.whenShutDown?.() ?? WAIT;
      pause ??= new GrowingPause();
    } else pause = undefined;
    if (result !== WAIT && result !== EXHAUSTED) return result;
    if (timeout === 0) throw wouldBlock(syscall);
    if (result === EXHAUSTED) throw new IothError('EMFILE', { syscall });
    const left = deadline - performance.now();
    if (left <= 0) throw new IothError('ETIMEDOUT', { syscall, address, port });
    if (!pause && spin(operation, descriptor, Math.min(left, descriptor.native.busyPollUsecs / 1000))) isReady = true;
    else if (pause) wait(descriptor, operation, false, Math.min(left, pause.take()));
    else isReady = wait(descriptor, operation, true, left);
  }
}

/** Asks for readiness again and again for so many milliseconds. Answers whether it came. */
function spin({ direction }: Operation<unknown>, { fd }: Descriptor, limit: number): boolean {
  if (limit <= 0) return false;
  const end = performance.now() + limit;
  for (let last = end - limit; last < end; ) {
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
const [SOCKET, DAEMON, SIGNALS] = [0, 1, 2] as const;

/**
 * poll(2) on the descriptor (where `isWatched`; else it only pauses), the daemon's life and signals.
 * @returns whether the descriptor is ready
 * @throws {IothError} EINTR, ERR_STACK_DEAD
 */
function wait({ fd, native }: Descriptor, operation: Operation<unknown>, isWatched: boolean, limit: number): boolean {
  const { direction, syscall } = operation;
  const until = performance.now() + limit;
  pollSet.set(SOCKET, isWatched ? fd : -1, eventsOf(direction));
  pollSet.set(DAEMON, native.daemon?.pidfd ?? -1, POLLIN);
  pollSet.set(SIGNALS, interruptFd(), POLLIN);
  for (let left = limit; left > 0; left = until - performance.now()) {
    if (!withInterrupts(() => pollSet.poll(Math.ceil(Math.min(left, MAX_POLL_MS))))) continue;
    if (pollSet.revents(SIGNALS)) throwIfInterrupted(syscall);
    // says that it is dead, and ends it
    if (pollSet.revents(DAEMON)) native.pointer(syscall);
    const revents = pollSet.revents(SOCKET);
    if (revents & POLLNVAL) throw new IothError('EBADF', { syscall: 'poll' });
    if (revents) return true;
  }
  return false;
}
