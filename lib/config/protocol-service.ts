import type { NetworkOptions } from './provider.js';

/** A protocol at work on one interface: acquires a configuration, then keeps it alive. */
export interface Service {
  /** Resolves when the interface is configured. After a rejection the service has stopped. */
  acquire(options: NetworkOptions): Promise<void>;
  /** Stops; with `release` the server is told. */
  stop(options: { release: boolean }): void;
}
