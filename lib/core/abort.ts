import { AbortError } from './errors.js';

/** What `promise` gives, unless the signal comes first. The work behind it goes on; the signal is not listened to after. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new AbortError(signal.reason));
    const stopListening = () => signal.removeEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(stopListening);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
