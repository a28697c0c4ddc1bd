import { ipBytes, isLinkLocalIPv6 } from '../address/ip.js';
import { untilAborted } from '../core/abort.js';
import { IothError } from '../core/errors.js';
import type { Clock } from './clock.js';
import { type AddressEntry, addressKey, emptySource, type RouteEntry } from './config-sources.js';
import type { InterfaceConfig, RejectedEntry } from './interface-config.js';
import type { ConfigProtocol, LeaseEvent, NetworkOptions, ProviderListener } from './provider.js';

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
  #stopped = false;
  #settle: (error?: Error) => void = () => {};

  constructor(
    readonly protocol: ConfigProtocol,
    protected readonly config: InterfaceConfig,
    protected readonly options: ServiceOptions,
  ) {}

  protected abstract contentOf(lease: Lease): LeaseContent;

  /**
   * Resolves when the interface is configured. After a rejection the client has stopped.
   * @throws {IothError} ECANCELED where it was stopped meanwhile, or before
   */
  async acquire({ signal, timeout }: NetworkOptions): Promise<void> {
    if (this.#stopped) throw this.#cancelledError();
    let timer: NodeJS.Timeout | undefined;
    const acquired = new Promise<void>((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
      // this timer keeps the process alive while somebody waits; those of the clients do not
      timer = setTimeout(() => reject(this.#failure()), timeout);
      this.client.start();
    });
    try {
      await untilAborted(acquired, signal);
    } catch (error) {
      this.client.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  stop(options: { release: boolean }): void {
    this.#stopped = true;
    this.client.stop(options);
    this.#settle(this.#cancelledError());
  }

  #cancelledError(): IothError {
    return new IothError('ECANCELED', { syscall: this.#syscall, hint: 'it was taken off the interface meanwhile' });
  }

  /** Makes the interface what `lease` says, or takes that away for a `reason`. */
  protected update(name: 'lease' | 'renew' | 'expire', lease: Lease, reason?: LeaseEvent['reason']): void {
    const { dns, domains } = lease;
    const { addresses, routes, mtu, ...event } = this.contentOf(lease);
    const source = () => ({ addresses, routes, mtu, servers: dns.map(this.#withZone, this), search: domains });
    const rejected = this.config.set(this.protocol, reason ? emptySource() : source());
    this.#settle(rejectionOf(addresses, rejected));
    this.options.onLease(name, {
      protocol: this.protocol,
      ifindex: this.config.ifindex,
      addresses: addresses.map(({ address, prefixlen }) => `${address}/${prefixlen}`),
      dns,
      domains,
      ...event,
      ...(reason && { reason }),
    });
  }

  /** A link-local name server means nothing without its interface: 'fe80::1%vde0'. */
  #withZone(server: string): string {
    const { host, ifindex } = this.config;
    return isLinkLocalIPv6(ipBytes(server)) ? `${server}%${host.link(ifindex)?.name ?? ifindex}` : server;
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
