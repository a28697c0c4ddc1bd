import { IothError } from '../core/errors.js';
import { type NativeStart, runNativeAsync } from '../io/async-calls.js';
import type { StackInterface } from './stack-interface.js';

/** C waits up to a second for each of three servers. */
const CALL_LIMIT_MS = 10_000;

/**
 * Queue of libiothdns calls for one stack: runs one at a time, on worker threads. A call that takes longer than its limit
 * hangs in C for ever (a compression loop in an answer causes that). After that, all further calls are refused.
 */
export class NativeQueue {
  isHung = false;
  #queue: Promise<unknown> = Promise.resolve();
  /** Running calls: keeps the memory that C writes to alive. */
  readonly #running = new Set<unknown>();

  constructor(
    readonly stack: Pick<StackInterface, 'closed' | 'beginNativeCall'>,
    readonly limitMs = CALL_LIMIT_MS,
  ) {}

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Runs `work` after all earlier work. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Waits until all queued work is done; returns at once if C hangs. */
  async idle(): Promise<void> {
    if (!this.isHung) await this.#queue;
  }

  /** Runs one call of C. Its time limit starts when the call starts, not when it begins to wait for a thread. */
  run<T>(start: NativeStart<T>): Promise<T> {
    if (this.isHung) return Promise.reject(timedOut('libiothdns hangs in an earlier call: set IOTH_DNS=builtin'));
    this.#running.add(start);
    const endNativeCall = this.stack.beginNativeCall();
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const onLimit = () => {
        this.isHung = true;
        reject(timedOut('libiothdns does not return'));
      };
      const call = runNativeAsync<T>((done) => {
        // the stack may have been closed during the wait for a thread
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
