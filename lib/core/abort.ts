import { AbortError } from './errors.js';

/** Those who wait for a signal. It has one listener for all of them: Node warns of more than ten. */
class Audience {
  readonly callbacks = new Set<() => void>();

  constructor(readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.tell, { once: true });
    audiences.set(signal, this);
  }

  readonly tell = (): void => {
    audiences.delete(this.signal);
    for (const callback of this.callbacks) callback();
  };

  remove(callback: () => void): void {
    if (!this.callbacks.delete(callback) || this.callbacks.size > 0 || audiences.get(this.signal) !== this) return;
    audiences.delete(this.signal);
    this.signal.removeEventListener('abort', this.tell);
  }
}

const audiences = new WeakMap<AbortSignal, Audience>();

/**
 * Calls `then` when the signal is aborted; at once where it is already. It must not throw.
 * @returns stops listening
 */
export function onAbort(signal: AbortSignal, then: () => void): () => void {
  if (signal.aborted) {
    then();
    return () => {};
  }
  const audience = audiences.get(signal) ?? new Audience(signal);
  // a function of its own each time: one that waits twice is told twice
  const callback = () => then();
  audience.callbacks.add(callback);
  return () => audience.remove(callback);
}

/** What `promise` gives, unless the signal comes first. The work behind it goes on; the signal is not listened to after. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(new AbortError(signal.reason)));
    promise.then(resolve, reject).finally(stopListening);
  });
}
