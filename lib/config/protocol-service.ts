import { untilAborted } from '../core/abort.js';
import { IothError } from '../core/errors.js';
import type { Clock } from './clock.js';
import { type AddressEntry, addressKey, emptySource, mtuKey, type RouteEntry, routeKey } from './config-sources.js';
import type { InterfaceConfig, RejectedEntry } from './interface-config.js';
import type { ConfigProtocol, LeaseEvent, NetworkOptions, ProviderListener, Unapplied } from './provider.js';

/** The client of a protocol, without any socket or timer of its own. */
export interface ProtocolClient {
  /** Why there is no configuration yet: what the last server said. */
  readonly failure: { code: 'ETIMEDOUT' | 'ECANCELED' | 'EADDRINUSE'; hint: string };
  start(): void;
  /** Ends it all; with `release` the server gets its addresses back. */
  stop(options?: { release: boolean }): void;
}

/** What a client of DHCP reports. */
export interface LeaseEvents<Lease> {
  /** A lease was granted: the first one, or another one after a loss. */
  onBound(lease: Lease): void;
  onRenewed(lease: Lease): void;
  /** The lease is over: its addresses must not be used any more. The client goes on looking for another. */
  onLost(lease: Lease, reason: 'expired' | 'refused'): void;
}

export interface ServiceOptions {
  clock: Clock;
  onLease: ProviderListener['onLease'];
  fqdn?: string;
  /** Whether routes, or servers and domains, of what is given are left to whoever hears of them. */
  noroutes?: boolean;
  nonames?: boolean;
}

/** What a lease puts on the interface, and what else is reported of it, besides names. */
export interface LeaseContent extends Pick<LeaseEvent, 'server' | 'routers' | 'leaseTime'> {
  addresses: AddressEntry[];
  routes: RouteEntry[];
  mtu: number | null;
}

/** A protocol at work on one interface: acquires a configuration, then keeps it alive. */
export abstract class ProtocolService<Lease extends { dns: string[]; domains: string[] } = never> {
  protected abstract readonly client: ProtocolClient;
  protected readonly leaseEvents: LeaseEvents<Lease> = {
    onBound: (lease) => this.update('lease', lease),
    onRenewed: (lease) => this.update('renew', lease),
    onLost: (lease, reason) => this.update('expire', lease, reason),
  };
  #stopped: Error | undefined;
  #isPending = false;
  #hasNothing = false;
  #unapplied: Unapplied[] = [];
  #settle: (error?: Error) => void = () => {};

  constructor(
    readonly protocol: ConfigProtocol,
    protected readonly config: InterfaceConfig,
    protected readonly options: ServiceOptions,
  ) {}

  protected abstract contentOf(lease: Lease): LeaseContent;

  /** Whether the acquisition ended because there is nothing to ask for on this link. */
  get hasNothing(): boolean {
    return this.#hasNothing;
  }

  /** What of the last lease the stack refused. */
  get unapplied(): readonly Unapplied[] {
    return this.#unapplied;
  }

  /** Whether an acquisition waits. */
  protected get isPending(): boolean {
    return this.#isPending;
  }

  protected begin(_options: NetworkOptions): void {
    this.client.start();
  }

  protected settleWithNothing(): void {
    this.#hasNothing = true;
    this.#settle();
  }

  /**
   * Resolves when the interface is configured. After a rejection the client has stopped.
   * @throws {IothError} ECANCELED where it was stopped meanwhile, or before
   */
  async acquire(options: NetworkOptions): Promise<void> {
    const { signal, timeout } = options;
    if (this.#stopped) throw this.#stopped;
    this.#isPending = true;
    let timer: NodeJS.Timeout | undefined;
    const acquired = new Promise<void>((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
      // this timer keeps the process alive while somebody waits; those of the clients do not
      timer = setTimeout(() => reject(this.#failure()), timeout);
      this.begin(options);
    });
    try {
      await untilAborted(acquired, signal);
    } catch (error) {
      this.client.stop();
      throw error;
    } finally {
      this.#isPending = false;
      clearTimeout(timer);
    }
  }

  /** @param reason what rejects {@link acquire}: ECANCELED unless it is given */
  stop(options: { release: boolean }, reason?: Error): void {
    this.#stopped = reason ?? this.#cancelledError();
    this.client.stop(options);
    this.#settle(this.#stopped);
  }

  #cancelledError(): IothError {
    return new IothError('ECANCELED', { syscall: this.#syscall, hint: 'it was taken off the interface meanwhile' });
  }

  /** Makes the interface what `lease` says, or takes that away for a `reason`. */
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
    this.#unapplied = unappliedOf(wanted, rejected);
    this.#settle(rejectionOf(addresses, rejected));
    this.options.onLease(name, {
      protocol: this.protocol,
      ifindex: this.config.ifindex,
      addresses: addresses.map(({ address, prefixlen }) => `${address}/${prefixlen}`),
      dns,
      domains,
      unapplied: this.#unapplied,
      ...event,
      ...(reason && { reason }),
    });
  }

  #failure(): IothError {
    const { code, hint } = this.client.failure;
    return new IothError(code, { syscall: this.#syscall, hint });
  }

  /** As the language names it. */
  get #syscall(): string {
    return this.protocol === 'dhcp4' ? 'dhcp' : this.protocol;
  }
}

/** Why an address of the lease is not on the interface. */
function rejectionOf(addresses: AddressEntry[], rejected: RejectedEntry[]): IothError | undefined {
  const keys = addresses.map(addressKey);
  return rejected.find(({ key }) => keys.includes(key))?.error;
}

/** What of `wanted`, and of what was there before it, the stack refused. */
function unappliedOf(
  { addresses, routes, mtu }: Pick<LeaseContent, 'addresses' | 'routes' | 'mtu'>,
  rejected: RejectedEntry[],
): Unapplied[] {
  const keys = [...addresses.map(addressKey), ...routes.map(routeKey), mtuKey(mtu)];
  return rejected
    .filter(({ action, key }) => action === 'remove' || keys.includes(key))
    .map(({ action, item, error }) => ({ action, item, error }));
}
