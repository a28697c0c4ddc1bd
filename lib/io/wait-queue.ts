import { onAbort } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import type { Direction } from './poll-handle.js';

/** What an attempt returns when the descriptor is not ready. */
export const WAIT: unique symbol = Symbol('wait');
/** What an attempt returns when the process is out of descriptors: ready, and no use in trying at once. */
export const EXHAUSTED: unique symbol = Symbol('exhausted');

/** After so many spurious wake-ups in a row the next try follows a pause. */
const MAX_SPURIOUS_WAKEUPS = 3;

/** One call that may have to wait: the same for the promises and for the `sync` view. */
export interface Operation<T> {
  /** Its C name, for errors. */
  readonly syscall: string;
  readonly direction: Direction;
  /** Its destination, for errors. */
  readonly address?: string;
  readonly port?: number;
  /** What says how long it may wait, for errors: settimeout, unless it is another. */
  readonly timeoutName?: string;
  /** One try: the result, WAIT or EXHAUSTED; it throws the call's error. It may run many times. */
  attempt(): T | typeof WAIT | typeof EXHAUSTED;
  /** Whether poll(2) says all about it: where the descriptor is drained, the first try is skipped. */
  readonly trustsPoll?: boolean;
  /** What C's blocking call returns where the receiving side is shut down and nothing is left; WAIT where it waits on. */
  whenShutDown?(): T | typeof WAIT;
  /** Undoes what a wait that ended early (timeout, abort) left half done. */
  abandon?(): void;
}

/** An operation that waits, and the promise that waits for it. */
export class Waiter<T> {
  timer: NodeJS.Timeout | undefined;
  stopListening: (() => void) | undefined;

  /** @param owner kept from being collected meanwhile */
  constructor(
    readonly operation: Operation<T>,
    readonly owner: object,
    readonly resolve: (value: T) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  /** Arms what ends the wait early: a time in milliseconds, or a signal. */
  arm(timeout: number | null, signal: AbortSignal | undefined, endEarly: (error: Error) => void): void {
    if (timeout !== null) {
      const { syscall, address, port, timeoutName = 'settimeout' } = this.operation;
      const hint = `no answer within ${timeout / 1000} s (${timeoutName})`;
      this.timer = setTimeout(
        () => endEarly(new IothError('ETIMEDOUT', { syscall, address, port, hint })),
        timeout,
      ).unref();
    }
    if (signal) this.stopListening = onAbort(signal, () => endEarly(new AbortError(signal.reason)));
  }

  disarm(): void {
    if (this.timer) clearTimeout(this.timer);
    this.stopListening?.();
  }
}

/** The waiters of one direction of a descriptor, first come first served. */
export class WaitQueue {
  readonly waiters: Waiter<unknown>[] = [];
  /** Whether the first one waits for a descriptor to become free rather than for readiness. */
  exhausted = false;
  /** Whether the last wake-up was spurious: the descriptor was reported ready, and the call returned EAGAIN. */
  stalled = false;
  /** Spurious wake-ups since the last pause. */
  spuriousWakeups = 0;
  /** Whether the first one yields one turn of the loop to others before its first try. */
  yields = false;

  /** Whether it waits for the descriptor to be ready. */
  get watches(): boolean {
    return this.waiters.length > 0 && !this.exhausted && !this.yields && !this.pauses;
  }

  /** Whether the next try follows a pause only. */
  get pauses(): boolean {
    return this.stalled && this.spuriousWakeups > MAX_SPURIOUS_WAKEUPS;
  }

  get isStalled(): boolean {
    return this.stalled && this.waiters.length > 0;
  }

  /** Tries the waiters in order, until one has to wait on. Returns whether any was finished. */
  advance(): boolean {
    if (this.yields) return false;
    this.exhausted = false;
    let finished = false;
    for (let first = this.waiters[0]; first; first = this.waiters[0]) {
      let result: unknown;
      try {
        result = first.operation.attempt();
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

  /** Finishes the waiters that end with the receiving side. Returns whether any was finished. */
  finishShutDown(): boolean {
    let finished = false;
    for (let first = this.waiters[0]; first; first = this.waiters[0]) {
      const result = first.operation.whenShutDown?.() ?? WAIT;
      if (result === WAIT) break;
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
