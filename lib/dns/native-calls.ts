import { IothError } from '../core/errors.js';
import { type NativeStart, runNativeAsync } from '../io/async-calls.js';
import type { ResolverStack } from './resolver-stack.js';

/** C waits a second for each of three servers. */
const CALL_LIMIT_MS = 10_000;

/**
 * The calls of libiothdns for one stack: one at a time, on worker threads. A call that takes longer than its limit hangs
 * in C for good (a compression loop in an answer does that), and nothing more is asked of the library.
 */
export class NativeCalls {
  #queue: Promise<unknown> = Promise.resolve();
  /** They hold the memory that C writes to. */
  readonly #running = new Set<unknown>();
  #isHung = false;

  constructor(
    readonly stack: Pick<ResolverStack, 'closed' | 'beginNativeCall'>,
    readonly limitMs = CALL_LIMIT_MS,
  ) {}

  get isHung(): boolean {
    return this.#isHung;
  }

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Does `work` when that before it is done. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Fulfilled when all that is queued is done; at once where C hangs. */
  async idle(): Promise<void> {
    if (!this.#isHung) await this.#queue;
  }

  /** One call of C; its time counts from its start, not from when it began to wait for a thread. */
  run<T>(start: NativeStart<T>): Promise<T> {
    if (this.#isHung) return Promise.reject(timedOut('libiothdns hangs in an earlier call: IOTH_DNS=builtin'));
    this.#running.add(start);
    const endNativeCall = this.stack.beginNativeCall();
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const onLimit = () => {
        this.#isHung = true;
        reject(timedOut('libiothdns does not return'));
      };
      const call = runNativeAsync<T>((done) => {
        // the stack may have been closed meanwhile
        if (this.stack.closed) throw new IothError('ECANCELED', { syscall: 'iothdns' });
        timer = setTimeout(onLimit, this.limitMs);
        start(done);
      }, 'slow');
      call
        .finally(() => {
          clearTimeout(timer);
          this.#running.delete(start);
          endNativeCall();
        })
        .then(({ result }) => resolve(result), reject);
    });
  }
}

function timedOut(hint: string): IothError {
  return new IothError('ETIMEDOUT', { syscall: 'iothdns', hint });
}
