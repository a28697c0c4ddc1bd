import type { Direction } from '../ffi/poll.js';
import { AbortError, IothError } from './errors.js';

/** What an attempt answers when the descriptor is not ready. */
export const WAIT: unique symbol = Symbol('wait');
/** What an attempt answers when the process is out of descriptors: ready, and no use in trying at once. */
export const EXHAUSTED: unique symbol = Symbol('exhausted');

/** One call that may have to wait: the same for the promises and for the `sync` view. */
export interface Operation<T> {
  /** Its C name, for errors. */
  readonly syscall: string;
  readonly direction: Direction;
  /** Where it goes to, for errors. */
  readonly address?: string;
  readonly port?: number;
  /** One try: the result, WAIT or EXHAUSTED; it throws the call's error. It may run many times. */
  attempt(): T | typeof WAIT | typeof EXHAUSTED;
  /** Undoes what a wait that was given up (timeout, abort) left half done. */
  abandon?(): void;
}

/** An operation that waits, and the promise that waits for it. */
export class Waiter<T> {
  timer: NodeJS.Timeout | undefined;
  onAbort: (() => void) | undefined;
  signal: AbortSignal | undefined;

  /** @param owner kept from being collected meanwhile */
  constructor(
    readonly operation: Operation<T>,
    readonly owner: object,
    readonly resolve: (value: T) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  /** Arms what ends the wait early: a time in milliseconds, or a signal. */
  arm(timeout: number | null, signal: AbortSignal | undefined, giveUp: (error: Error) => void): void {
    if (timeout !== null) {
      const { syscall, address, port } = this.operation;
      const hint = `no answer within ${timeout / 1000} s (settimeout)`;
      this.timer = setTimeout(
        () => giveUp(new IothError('ETIMEDOUT', { syscall, address, port, hint })),
        timeout,
      ).unref();
    }
    if (signal?.aborted) {
      giveUp(new AbortError(signal.reason));
    } else if (signal) {
      this.signal = signal;
      this.onAbort = () => giveUp(new AbortError(signal.reason));
      signal.addEventListener('abort', this.onAbort, { once: true });
    }
  }

  disarm(): void {
    if (this.timer) clearTimeout(this.timer);
    if (this.onAbort) this.signal?.removeEventListener('abort', this.onAbort);
  }
}

/** The waiters of one direction of a descriptor, first come first served. */
export class Line {
  readonly waiters: Waiter<unknown>[] = [];
  /** Whether the first one waits for a descriptor to become free rather than for readiness. */
  exhausted = false;
  /** Whether the first one lets others have a turn of the loop before it is tried. */
  yields = false;

  /** Whether it waits for the descriptor to be ready. */
  get watches(): boolean {
    return this.waiters.length > 0 && !this.exhausted && !this.yields;
  }

  /** Lets the first ones try until one has to wait on. */
  advance(): void {
    if (this.yields) return;
    this.exhausted = false;
    for (let first = this.waiters[0]; first; first = this.waiters[0]) {
      let result: unknown;
      try {
        result = first.operation.attempt();
      } catch (error) {
        this.#finish(first);
        first.reject(error);
        continue;
      }
      if (result === WAIT) return;
      if (result === EXHAUSTED) {
        this.exhausted = true;
        return;
      }
      this.#finish(first);
      first.resolve(result);
    }
  }

  remove(waiter: Waiter<unknown>): void {
    const at = this.waiters.indexOf(waiter);
    if (at >= 0) this.waiters.splice(at, 1);
    waiter.disarm();
  }

  /** Ends all waits; without `error` nobody hears of it. */
  rejectAll(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    if (this.waiters.length === 0) return;
    for (const waiter of this.waiters.splice(0)) {
      waiter.disarm();
      if (error) waiter.reject(error(waiter.operation));
    }
  }

  #finish(waiter: Waiter<unknown>): void {
    this.waiters.shift();
    waiter.disarm();
  }
}
