import type { IothError } from '../core/errors.js';
import type { NetworkSettings } from '../dns/settings.js';
import type { SourceName } from './config-sources.js';
import type { ConfigRequest } from './language.js';

/** Protocol that gets a configuration from the network. */
export type ConfigProtocol = Exclude<SourceName, 'static'>;

/** Options of waiting for servers and routers. */
export interface NetworkOptions {
  signal?: AbortSignal;
  /** The timeout of each protocol, in milliseconds. */
  timeout: number;
}

/** Result of a request: the mask of IOTHCONF_* that was done, and the errors of the rest. */
export interface ApplyResult {
  done: number;
  failures: Error[];
}

/** Part of a lease that the stack refused to add or to remove. */
export interface Unapplied {
  action: 'add' | 'remove';
  /** For example '10.0.0.5/24', 'default via 10.0.0.1', '192.168.7.0/24 via 10.0.0.2' or 'mtu 1400'. */
  item: string;
  error: IothError;
}

/** Configuration that a protocol gave to an interface, or removed from it. */
export interface LeaseEvent {
  protocol: ConfigProtocol;
  ifindex: number;
  /** Addresses with their prefix lengths: '10.0.0.5/24'. */
  addresses: string[];
  /** The server: an address (DHCP), a DUID (DHCPv6), or null, since there may be several (router discovery). */
  server: string | null;
  routers: string[];
  dns: string[];
  domains: string[];
  /** Seconds; Infinity means no end; null for router discovery, where each part has its own lifetime. */
  leaseTime: number | null;
  /** The parts that could not be added to the interface, or removed from it, and why; usually empty. */
  unapplied: Unapplied[];
  /** The reason of 'expire': the time ran out, or the server took the address back. */
  reason?: 'expired' | 'refused';
}

export interface ConfigEvent {
  ifindex: number;
  /** The current resolv.conf(5) text of the interface. */
  resolvconf: string;
}

export interface ConfigEvents {
  lease: LeaseEvent;
  renew: LeaseEvent;
  expire: LeaseEvent;
  config: ConfigEvent;
}

/** Listener for the events of a provider. */
export interface ProviderListener {
  onLease(name: 'lease' | 'renew' | 'expire', event: LeaseEvent): void;
  /** Gets the current name servers and domains of an interface, after every change. */
  onChange(ifindex: number, settings: NetworkSettings): void;
}

/** Implementation of the configuration: builtin or native. */
export interface ConfigProvider {
  /** Applies, before it returns, everything that needs no other host: removals, `eth`, static items. */
  applyNow(request: ConfigRequest): ApplyResult;
  /** Runs the protocols of a request that {@link applyNow} has already got. */
  applyNetwork(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult>;
  /** Applies a whole request without blocking. */
  apply(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult>;
  /** Returns the resolv.conf(5) text, or null if it is unchanged since the last call. */
  resolvconf(request: ConfigRequest): string | null;
  /** Releases the leases and forgets the stack; call it before the stack is closed. */
  close(): Promise<void>;
  closeSync(): void;
}
