/**
 * Calls of C on libuv's worker threads. Koffi refuses more than 256 at once ("Too many asynchronous calls are running"):
 * so only as many are started as there are threads, and the others wait. A call's time limit therefore counts from its
 * `start`.
 */

import { errno } from '../../ffi/libc.js';

/** What koffi calls back with. */
export type NativeCallback<T> = (error: Error | null, result: T) => void;

/** Starts a call of C: `func.async(…, callback)`. */
export type NativeStart<T> = (callback: NativeCallback<T>) => void;

/** The result of a call of C, and the errno(3) of its thread, which says nothing where the call did not fail. */
export interface NativeResult<T> {
  result: T;
  errno: number;
}

const DEFAULT_THREADPOOL_SIZE = 4;
/** Well below what koffi takes: other code of the process may use koffi too. */
const MAX_CALLS = 64;

/** `slow`: it may block for seconds. One thread is kept free of those, for the others and for the program's own files. */
export type NativeCallKind = 'quick' | 'slow';

const waiting: Record<NativeCallKind, (() => void)[]> = { quick: [], slow: [] };
const running: Record<NativeCallKind, number> = { quick: 0, slow: 0 };

/**
 * Runs a call of C on a worker thread as soon as one is free. `start` is called at once where nothing waits, else later,
 * in the order of the calls of its kind. What `start` throws and what koffi reports rejects the promise.
 */
export function runNativeAsync<T>(start: NativeStart<T>, kind: NativeCallKind = 'quick'): Promise<NativeResult<T>> {
  return new Promise((resolve, reject) => {
    waiting[kind].push(() => {
      running[kind]++;
      try {
        start((error, result) => {
          const errnoOfCall = errno();
          running[kind]--;
          startWaiting();
          if (error) reject(error);
          else resolve({ result, errno: errnoOfCall });
        });
      } catch (error) {
        running[kind]--;
        reject(error);
      }
    });
    startWaiting();
  });
}

function startWaiting(): void {
  const limit = callLimit();
  while (running.quick + running.slow < limit) {
    const maySlow = running.slow < Math.max(1, limit - 1);
    const start = waiting.quick.shift() ?? (maySlow ? waiting.slow.shift() : undefined);
    if (!start) return;
    start();
  }
}

/** libuv's threads: what is started beyond them would only wait in libuv's own queue. */
function callLimit(): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE || DEFAULT_THREADPOOL_SIZE);
  return Math.min(Math.max(Math.trunc(threads) || 1, 1), MAX_CALLS);
}
