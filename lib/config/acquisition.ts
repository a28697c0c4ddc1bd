import { AbortError, IothError } from '../core/errors.js';
import { type AddressEntry, addressKey } from './config-sources.js';
import type { RejectedEntry } from './interface-config.js';
import type { NetworkOptions } from './provider.js';

/** One acquisition of a configuration from the network, while somebody waits for it. */
export class Acquisition {
  readonly #promise: Promise<void>;
  #settle!: (error?: Error) => void;

  /** @param failure why there is no answer, when the time is over */
  constructor({ signal, timeout }: NetworkOptions, failure: () => Error) {
    this.#promise = new Promise((resolve, reject) => {
      const onAbort = () => this.#settle(new AbortError(signal?.reason));
      // this timer keeps the process alive while somebody waits; those of the clients do not
      const timer = setTimeout(() => this.#settle(failure()), timeout);
      this.#settle = (error) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      };
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
    });
  }

  /** Starts its protocol and waits. What cannot even start is not waited for. */
  run(start: () => void): Promise<void> {
    try {
      start();
    } catch (error) {
      this.#settle(error as Error);
    }
    return this.#promise;
  }

  /** It is there, unless the stack refused one of the addresses. */
  succeedUnless(refusals: RejectedEntry[], addresses: AddressEntry[]): void {
    const keys = addresses.map(addressKey);
    const refusal = refusals.find(({ key }) => keys.includes(key));
    this.#settle(refusal?.error);
  }

  /** Its protocol was taken off the interface, or the stack closed. */
  cancel(protocol: string): void {
    this.#settle(cancelledError(protocol));
  }
}

export function cancelledError(protocol: string): IothError {
  return new IothError('ECANCELED', { syscall: protocol, hint: 'it was taken off the interface meanwhile' });
}
