/**
 * Calls of C on libuv's worker threads. Koffi refuses more than 256 at once ("Too many asynchronous calls are running").
 * So only as many calls run as there are threads, and the others are queued. The timeout of a call therefore counts from
 * its `start`.
 */

import { errno } from '../../ffi/libc.js';

/** The callback of an asynchronous call of koffi. */
export type NativeCallback<T> = (error: Error | null, result: T) => void;

/** Starts a call of C: `func.async(…, callback)`. */
export type NativeStart<T> = (callback: NativeCallback<T>) => void;

/** The result of a call of C, and the errno(3) of its thread, which is meaningless unless the call failed. */
export interface NativeResult<T> {
  result: T;
  errno: number;
}

const DEFAULT_THREADPOOL_SIZE = 4;
/** The most calls at once. It is well below koffi's limit, since other code of the process may use koffi too. */
const MAX_CALLS = 64;

/** The kind of a call. A `slow` one may block for seconds: one thread is kept free of them, also for the program's files. */
export type NativeCallKind = 'quick' | 'slow';

const waiting: Record<NativeCallKind, (() => void)[]> = { quick: [], slow: [] };
const running: Record<NativeCallKind, number> = { quick: 0, slow: 0 };

/**
 * Runs a call of C on a worker thread as soon as one is free. Calls `start` at once if no call is queued, else later, in the
 * order of the calls of its kind. Rejects with an error that `start` throws or koffi reports.
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

/** Returns the number of libuv's threads. Further calls would only wait in libuv's own queue. */
function callLimit(): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE || DEFAULT_THREADPOOL_SIZE);
  return Math.min(Math.max(Math.trunc(threads) || 1, 1), MAX_CALLS);
}
