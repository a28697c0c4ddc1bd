import { onAbort } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import type { Direction } from './poll-handle.js';

/** The result of an attempt when the descriptor is not ready. */
export const WAIT: unique symbol = Symbol('wait');
/** The result of an attempt when the process is out of descriptors: the socket is ready, but an immediate retry would fail. */
export const EXHAUSTED: unique symbol = Symbol('exhausted');

/** Pauses before the next try after more than this many spurious wake-ups in a row. */
const MAX_SPURIOUS_WAKEUPS = 3;

/** A call that may have to wait, used by the promises and by the `sync` view. */
export interface Operation<T> {
  /** The C name, for errors. */
  readonly syscall: string;
  readonly direction: Direction;
  /** The destination, for errors. */
  readonly address?: string;
  readonly port?: number;
  /** The name of the setting of the timeout, for errors; 'settimeout' by default. */
  readonly timeoutName?: string;
  /** Tries once. Returns the result, WAIT or EXHAUSTED; throws the call's error. May run many times. */
  attempt(): T | typeof WAIT | typeof EXHAUSTED;
  /** True if poll(2) always tells when the call is ready: on a drained descriptor the first try is skipped. */
  readonly trustsPoll?: boolean;
  /** Returns the result of C's blocking call when the receiving side is shut down and empty; WAIT if that call waits on. */
  whenShutDown?(): T | typeof WAIT;
  /** Undoes the half-done work of a wait that ended early (timeout, abort). */
  abandon?(): void;
  /** Releases what the operation holds, once it is over. */
  close?(): void;
}

/** Returns the error of an operation whose timeout, in milliseconds, is over. */
export function timedOut(operation: Omit<Operation<unknown>, 'direction' | 'attempt'>, timeout: number): IothError {
  const { syscall, address, port, timeoutName = 'settimeout' } = operation;
  const hint = `no answer within ${timeout / 1000} s (${timeoutName})`;
  return new IothError('ETIMEDOUT', { syscall, address, port, hint });
}

/** An operation that waits, and the promise that waits for it. */
export class Waiter<T> {
  timer: NodeJS.Timeout | undefined;
  stopListening: (() => void) | undefined;

  /** @param owner not garbage collected during the wait */
  constructor(
    readonly operation: Operation<T>,
    readonly owner: object,
    readonly resolve: (value: T) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  /** Arms the early end of the wait: a timeout in milliseconds, a signal, or both. */
  arm(timeout: number | null, signal: AbortSignal | undefined, endEarly: (error: Error) => void): void {
    if (timeout !== null) {
      const expire = () => endEarly(timedOut(this.operation, timeout));
      this.timer = setTimeout(expire, timeout).unref();
    }
    if (signal) this.stopListening = onAbort(signal, () => endEarly(new AbortError(signal.reason)));
  }

  disarm(): void {
    if (this.timer) clearTimeout(this.timer);
    this.stopListening?.();
  }
}

function attempt(operation: Operation<unknown>): unknown {
  return operation.attempt();
}

/** The try that finishes what ends when the receiving side is shut down: see {@link WaitQueue.advance}. */
export function whenShutDown(operation: Operation<unknown>): unknown {
  return operation.whenShutDown?.() ?? WAIT;
}

/** The queue of waiters of one direction of a descriptor, in the order in which they came. */
export class WaitQueue {
  readonly waiters: Waiter<unknown>[] = [];
  /** True if the first waiter waits for a free descriptor, not for readiness. */
  exhausted = false;
  /** True if the last wake-up was spurious: the descriptor was reported ready, but the call returned EAGAIN. */
  stalled = false;
  /** The number of spurious wake-ups since the last pause. */
  spuriousWakeups = 0;
  /** True if the first waiter yields one turn of the loop to other work before its first try. */
  yields = false;

  /** True if a waiter waits for the descriptor to be ready. */
  get watches(): boolean {
    return this.waiters.length > 0 && !this.exhausted && !this.yields && !this.pauses;
  }

  /** True if the next try comes only after a pause. */
  get pauses(): boolean {
    return this.stalled && this.spuriousWakeups > MAX_SPURIOUS_WAKEUPS;
  }

  get isStalled(): boolean {
    return this.stalled && this.waiters.length > 0;
  }

  /** Tries the waiters in order, until one has to wait on. Returns whether any was finished. */
  advance(tryOnce = attempt): boolean {
    if (this.yields) return false;
    this.exhausted = false;
    let finished = false;
    for (let first = this.waiters[0]; first; first = this.waiters[0]) {
      let result: unknown;
      try {
        result = tryOnce(first.operation);
      } catch (error) {
        finished = true;
        this.remove(first);
        first.reject(error);
        continue;
      }
      if (result === EXHAUSTED) this.exhausted = true;
      if (result === WAIT || result === EXHAUSTED) break;
      finished = true;
      this.remove(first);
      first.resolve(result);
    }
    return finished;
  }

  remove(waiter: Waiter<unknown>): void {
    if (this.waiters[0] === waiter) this.waiters.shift();
    else {
      const at = this.waiters.indexOf(waiter);
      if (at >= 0) this.waiters.splice(at, 1);
    }
    if (this.waiters.length === 0) this.stalled = false;
    waiter.disarm();
  }

  /** Ends all waits; without `error` their promises stay pending. */
  rejectAll(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    if (this.waiters.length === 0) return;
    for (const waiter of this.waiters.splice(0)) {
      waiter.disarm();
      if (error) waiter.reject(error(waiter.operation));
    }
  }
}
