import { AbortError } from './errors.js';

/**
 * Calls `then` when the signal is aborted; at once where it is already.
 * @returns stops listening
 */
export function onAbort(signal: AbortSignal, then: () => void): () => void {
  if (signal.aborted) {
    then();
    return () => {};
  }
  signal.addEventListener('abort', then, { once: true });
  return () => signal.removeEventListener('abort', then);
}

/** What `promise` gives, unless the signal comes first. The work behind it goes on; the signal is not listened to after. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(new AbortError(signal.reason)));
    promise.then(resolve, reject).finally(stopListening);
  });
}
