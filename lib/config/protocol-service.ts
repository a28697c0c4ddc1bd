import { untilAborted } from '../core/abort.js';
import { IothError } from '../core/errors.js';
import type { Clock } from './clock.js';
import { addressKey, emptySource, mtuKey, routeKey, type SourceConfig } from './config-sources.js';
import type { InterfaceConfig, RejectedEntry } from './interface-config.js';
import type { ConfigProtocol, LeaseEvent, NetworkOptions, ProviderListener, Unapplied } from './provider.js';

/** Client of a protocol. Owns no socket and no clock: both are passed in. */
export interface ProtocolClient {
  /** The reason why there is no configuration yet, from the last server. */
  readonly failure: { code: 'ETIMEDOUT' | 'ECANCELED' | 'EADDRINUSE'; hint: string };
  start(): void;
  /** Stops the client; with `release` gives the addresses back to the server. */
  stop(options?: { release: boolean }): void;
}

/** Events of a DHCP client. */
export interface LeaseEvents<Lease> {
  /** Called when a lease is granted: the first one, or another one after a loss. */
  onBound(lease: Lease): void;
  onRenewed(lease: Lease): void;
  /** Called when the lease ends: its addresses must not be used any more. The client looks for another lease. */
  onLost(lease: Lease, reason: 'expired' | 'refused'): void;
}

export interface ServiceOptions {
  clock: Clock;
  onLease: ProviderListener['onLease'];
  fqdn?: string;
  /** True to report routers without adding routes; `nonames`: to report name servers and domains without using them. */
  noroutes?: boolean;
  nonames?: boolean;
}

/** Content of a lease without names: the entries for the interface, and the fields of its event. */
export type LeaseContent = Pick<SourceConfig, 'addresses' | 'routes' | 'mtu'> &
  Pick<LeaseEvent, 'server' | 'routers' | 'leaseTime'>;

/** Service of a protocol on one interface: acquires a configuration, then renews it. */
export abstract class ProtocolService<Lease extends { dns: string[]; domains: string[] } = never> {
  protected abstract readonly client: ProtocolClient;
  protected readonly leaseEvents: LeaseEvents<Lease> = {
    onBound: (lease) => this.update('lease', lease),
    onRenewed: (lease) => this.update('renew', lease),
    onLost: (lease, reason) => this.update('expire', lease, reason),
  };
  /** True if the acquisition ended because there is nothing to ask for on this link. */
  hasNothing = false;
  /** The parts of the last lease that the stack refused. */
  unapplied: Unapplied[] = [];
  /** True while an acquisition waits. */
  protected isPending = false;
  #stopped: Error | undefined;
  #settle: (error?: Error) => void = () => {};

  constructor(
    readonly protocol: ConfigProtocol,
    protected readonly config: InterfaceConfig,
    protected readonly options: ServiceOptions,
  ) {}

  protected abstract contentOf(lease: Lease): LeaseContent;

  protected begin(_options: NetworkOptions): void {
    this.client.start();
  }

  protected settleWithNothing(): void {
    this.hasNothing = true;
    this.#settle();
  }

  /**
   * Waits until the interface is configured. After a rejection the client has stopped.
   * @param turn settles when the client may start. The timeout begins before
   * @throws {IothError} ECANCELED if it was stopped during the wait or before
   */
  async acquire(options: NetworkOptions, turn?: Promise<unknown>): Promise<void> {
    const { signal, timeout } = options;
    if (this.#stopped) throw this.#stopped;
    this.isPending = true;
    let timer: NodeJS.Timeout | undefined;
    const acquired = new Promise<void>((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
      // this timer keeps the process alive during the wait; those of the clients do not
      timer = setTimeout(() => reject(this.#error(this.client.failure)), timeout);
      if (turn) turn.then(() => this.isPending && this.begin(options)).catch(reject);
      else this.begin(options);
    });
    try {
      await untilAborted(acquired, signal);
    } catch (error) {
      this.client.stop();
      throw error;
    } finally {
      this.isPending = false;
      clearTimeout(timer);
    }
  }

  /** Stops the service. @param reason the error that rejects {@link acquire}, default ECANCELED */
  stop(options: { release: boolean }, reason?: Error): void {
    this.isPending = false;
    this.#stopped = reason ?? this.#error({ code: 'ECANCELED', hint: 'it was removed from the interface' });
    this.client.stop(options);
    this.#settle(this.#stopped);
  }

  /** Puts `lease` on the interface or, with a `reason`, removes it. */
  protected update(name: 'lease' | 'renew' | 'expire', lease: Lease, reason?: LeaseEvent['reason']): void {
    const { dns, domains } = lease;
    const { addresses, routes, mtu, ...event } = this.contentOf(lease);
    const { noroutes, nonames } = this.options;
    const wanted = {
      addresses,
      mtu,
      routes: noroutes ? [] : routes,
      servers: nonames ? [] : dns,
      search: nonames ? [] : domains,
    };
    const rejected = this.config.set(this.protocol, reason ? emptySource() : wanted);
    this.unapplied = unappliedOf(wanted, rejected);
    // an address of the lease that is not on the interface ends the acquisition
    const keys = addresses.map(addressKey);
    this.#settle(rejected.find(({ key }) => keys.includes(key))?.error);
    this.options.onLease(name, {
      protocol: this.protocol,
      ifindex: this.config.ifindex,
      addresses: addresses.map(({ address, prefixlen }) => `${address}/${prefixlen}`),
      dns,
      domains,
      unapplied: this.unapplied,
      ...event,
      ...(reason && { reason }),
    });
  }

  #error({ code, hint }: ProtocolClient['failure']): IothError {
    // the name of the protocol in the configuration language
    const syscall = this.protocol === 'dhcp4' ? 'dhcp' : this.protocol;
    return new IothError(code, { syscall, hint });
  }
}

/** Returns the parts that the stack refused, of `wanted` and of the removal of the earlier lease. */
function unappliedOf({ addresses, routes, mtu }: SourceConfig, rejected: RejectedEntry[]): Unapplied[] {
  const keys = [...addresses.map(addressKey), ...routes.map(routeKey), mtuKey(mtu)];
  return rejected
    .filter(({ action, key }) => action === 'remove' || keys.includes(key))
    .map(({ action, item, error }) => ({ action, item, error }));
}
