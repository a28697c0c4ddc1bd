import { onAbort } from '../../core/abort.js';
import { AbortError, IothError } from '../../core/errors.js';
import { checkMilliseconds, checkOptions, checkSignal } from '../../core/validate.js';
import type { WorkerThread } from '../worker-thread.js';
import type { HitRecord, InterceptEvent } from './events.js';
import type { PacketTest } from './match.js';
import { checkVerdict } from './plan.js';

/** A frame that an intercept acted on. */
export interface InterceptHit<P extends string = string> {
  /** The Ethernet frame as it came. */
  readonly frame: Buffer;
  /** The host or port that it came from. */
  readonly from: P;
  /** The host or port that it was for, the first one of several. */
  readonly to: P;
  /** The number of the hit, from 1. */
  readonly number: number;
  /** The time of the frame, in nanoseconds since 1970. */
  readonly time: bigint;
  /** What was done, as captures say it: 'intercepted: drop (1 of 2)'. */
  readonly comment: string;
}

/** Options of {@link Intercept.next}. */
export interface NextHitOptions {
  /** The time to wait, in milliseconds. Default 5000. */
  timeout?: number;
  signal?: AbortSignal;
}

interface Waiter {
  done(hit: InterceptHit): void;
  fail(error: Error): void;
}

const NEXT_TIMEOUT_MS = 5000;
/** The most hits that are kept for `next()`. Of more, the oldest are forgotten. */
const MAX_KEPT = 1000;
/** The other thread is told after so many. */
const TAKEN_AT_ONCE = 256;

/** An intercept: it acts on chosen frames of a network until it is stopped, has ended by itself, or the network is closed. */
export class Intercept<P extends string = string> {
  /** @internal The number of hits. The other thread writes it. */
  readonly count = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #thread: WorkerThread;
  readonly #where: [network: string, intercept: number];
  readonly #test: PacketTest | undefined;
  readonly #kept: InterceptHit[] = [];
  readonly #waiting: Waiter[] = [];
  #untold = 0;
  #hasEnded = false;
  #failure: { error: unknown } | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal use the intercept method of a network or link */
  constructor(thread: WorkerThread, where: [network: string, intercept: number], test: PacketTest | undefined) {
    this.#thread = thread;
    this.#where = where;
    this.#test = test;
    thread.intercepts.set(where[1], (event) => this.#onEvent(event));
  }

  /** The number of frames that it has acted on until now. */
  get hits(): number {
    return Atomics.load(this.count, 0);
  }

  /**
   * Returns the next frame that it acted on, and waits for it. Each hit is returned once; hits from before the call count. Up to 1000
   * are kept.
   * @throws {IothError} ETIMEDOUT; ERR_IOTH_FABRIC if it has ended and there are no more
   * @throws {AbortError}
   * @throws the error of `where`
   */
  async next(options?: NextHitOptions): Promise<InterceptHit<P>> {
    const { timeout = NEXT_TIMEOUT_MS, signal } = checkOptions(options, ['timeout', 'signal']);
    checkMilliseconds('options.timeout', timeout);
    const aborting = checkSignal(signal);
    if (aborting?.aborted) throw new AbortError(aborting.reason);
    const kept = this.#kept.shift();
    if (kept) return kept as InterceptHit<P>;
    if (this.#failure) throw this.#failure.error;
    if (this.#hasEnded) throw this.#endError();
    return (await this.#wait(timeout, aborting)) as InterceptHit<P>;
  }

  #wait(timeout: number, signal: AbortSignal | undefined): Promise<InterceptHit> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        stopListening?.();
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
      const waiter: Waiter = {
        done: (hit) => {
          settle();
          resolve(hit);
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        const hint = `no frame matched within ${timeout} ms; ${this.hits} did before`;
        waiter.fail(new IothError('ETIMEDOUT', { syscall: 'intercept', hint }));
      }, timeout);
      const stopListening = signal && onAbort(signal, () => waiter.fail(new AbortError(signal.reason)));
      this.#waiting.push(waiter);
    });
  }

  /** Ends it. Frames that wait for an answer go on. Stopping twice is fine. @throws the error of `where` */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
    if (this.#failure) throw this.#failure.error;
  }

  async #stop(): Promise<void> {
    try {
      await this.#thread.call('stopIntercept', ...this.#where);
    } catch {
      // the thread is gone: everything that it sent has arrived
    }
    this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #onEvent(event: InterceptEvent | undefined): void {
    if (event?.what === 'hit') this.#onHit(event.hit, bufferOf(event.frame));
    else if (event?.what === 'ask') void this.#answer(event);
    else this.#end();
  }

  #onHit(record: HitRecord, frame: Buffer): void {
    const hit = { ...record, frame };
    const [waiter] = this.#waiting;
    if (waiter) waiter.done(hit);
    else this.#kept.push(hit);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    if (++this.#untold < TAKEN_AT_ONCE) return;
    this.#thread.call('hitsTaken', ...this.#where, this.#untold).catch(() => {});
    this.#untold = 0;
  }

  /** Asks the function of the program about a frame. */
  async #answer({ question, frame, from, to }: Extract<InterceptEvent, { what: 'ask' }>): Promise<void> {
    if (this.#failure) return;
    try {
      const verdict = checkVerdict(await this.#test!(bufferOf(frame), from, to));
      // it does not matter if the network is gone
      this.#thread.call('answerIntercept', ...this.#where, question, verdict).catch(() => {});
    } catch (error) {
      this.#failure ??= { error };
      void this.stop().catch(() => {});
    }
  }

  #end(): void {
    this.#hasEnded = true;
    this.#thread.intercepts.delete(this.#where[1]);
    const error = this.#failure ? this.#failure.error : this.#endError();
    for (const waiter of [...this.#waiting]) waiter.fail(error as Error);
  }

  #endError(): IothError {
    const hint = `the intercept has ended; its hits: ${this.hits}`;
    return new IothError('ERR_IOTH_FABRIC', { syscall: 'intercept', hint });
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
