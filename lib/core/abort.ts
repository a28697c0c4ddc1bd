import { AbortError } from './errors.js';

/** The callbacks of one signal, behind a single listener: Node warns of more than ten listeners. */
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
 * Calls `then` when the signal is aborted, or at once if it already is. `then` must not throw.
 * @returns a function that stops listening
 */
export function onAbort(signal: AbortSignal, then: () => void): () => void {
  if (signal.aborted) {
    then();
    return () => {};
  }
  const audience = audiences.get(signal) ?? new Audience(signal);
  // a new function each time, so that a callback registered twice is called twice
  const callback = () => then();
  audience.callbacks.add(callback);
  return () => audience.remove(callback);
}

/** Settles as `promise` does, or rejects with an AbortError if the signal comes first. The work behind it goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(new AbortError(signal.reason)));
    promise.then(resolve, reject).finally(stopListening);
  });
}
