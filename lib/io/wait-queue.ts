import { onAbort } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import type { Direction } from './poll-handle.js';

/** What an attempt answers when the descriptor is not ready. */
export const WAIT: unique symbol = Symbol('wait');
/** A descriptor may be said to be ready so often, and not be, until a pause is made. */
const MAX_VAIN = 3;

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
  /** Whether poll(2) tells all about it: where the descriptor was found empty, a first try is spared. */
  readonly trustsPoll?: boolean;
  /** What C's blocking call returns where the receiving side is shut down and nothing is left; WAIT where it waits on. */
  whenShutDown?(): T | typeof WAIT;
  /** Undoes what a wait that was given up (timeout, abort) left half done. */
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
  arm(timeout: number | null, signal: AbortSignal | undefined, giveUp: (error: Error) => void): void {
    if (timeout !== null) {
      const { syscall, address, port } = this.operation;
      const hint = `no answer within ${timeout / 1000} s (settimeout)`;
      this.timer = setTimeout(
        () => giveUp(new IothError('ETIMEDOUT', { syscall, address, port, hint })),
        timeout,
      ).unref();
    }
    if (signal) this.stopListening = onAbort(signal, () => giveUp(new AbortError(signal.reason)));
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
  /** Whether the descriptor was said to be ready, and the call of the first one said that it is not. */
  stalled = false;
  /** How often it was said to be ready in vain since the last pause. */
  vain = 0;
  /** Whether the first one lets others have a turn of the loop before it is tried. */
  yields = false;

  /** Whether it waits for the descriptor to be ready. */
  get watches(): boolean {
    return this.waiters.length > 0 && !this.exhausted && !this.yields && !this.pauses;
  }

  /** Whether it was said to be ready in vain too often: it is tried again after a pause only. */
  get pauses(): boolean {
    return this.stalled && this.vain > MAX_VAIN;
  }

  get isStalled(): boolean {
    return this.stalled && this.waiters.length > 0;
  }

  /** Lets the first ones try until one has to wait on. Answers whether any was finished. */
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
        this.#finish(first);
        first.reject(error);
        continue;
      }
      if (result === WAIT) return finished;
      if (result === EXHAUSTED) {
        this.exhausted = true;
        return finished;
      }
      finished = true;
      this.#finish(first);
      first.resolve(result);
    }
    return finished;
  }

  /** Finishes the first ones that the end of the receiving side finishes. Answers whether any was. */
  finishShutDown(): boolean {
    let finished = false;
    for (let first = this.waiters[0]; first; first = this.waiters[0]) {
      const result = first.operation.whenShutDown?.() ?? WAIT;
      if (result === WAIT) break;
      finished = true;
      this.#finish(first);
      first.resolve(result);
    }
    return finished;
  }

  remove(waiter: Waiter<unknown>): void {
    const at = this.waiters.indexOf(waiter);
    if (at >= 0) this.waiters.splice(at, 1);
    if (this.waiters.length === 0) this.stalled = false;
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
    if (this.waiters.length === 0) this.stalled = false;
    waiter.disarm();
  }
}
