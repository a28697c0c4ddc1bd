import type { IothError } from '../core/errors.js';
import type { NetworkSettings } from '../dns/settings.js';
import type { SourceName } from './config-sources.js';
import type { ConfigRequest } from './language.js';

/** A protocol that has a configuration from the network. */
export type ConfigProtocol = Exclude<SourceName, 'static'>;

/** How to wait for servers and routers. */
export interface NetworkOptions {
  signal?: AbortSignal;
  /** Milliseconds that each protocol has. */
  timeout: number;
}

/** What became of a request: a mask of IOTHCONF_*, and why the rest of what was asked for is not in it. */
export interface ApplyResult {
  done: number;
  failures: Error[];
}

/** A part of a lease that the stack did not take, or did not give back. */
export interface Unapplied {
  action: 'add' | 'remove';
  /** '10.0.0.5/24', 'default via 10.0.0.1', '192.168.7.0/24 via 10.0.0.2', 'mtu 1400'. */
  item: string;
  error: IothError;
}

/** What a protocol gave an interface, or took from it. */
export interface LeaseEvent {
  protocol: ConfigProtocol;
  ifindex: number;
  /** '10.0.0.5/24'. */
  addresses: string[];
  /** An address (DHCP), a DUID (DHCPv6), null where there may be several (router discovery). */
  server: string | null;
  routers: string[];
  dns: string[];
  domains: string[];
  /** Seconds; Infinity for ever; null for router discovery, of which each part has its own. */
  leaseTime: number | null;
  /** What of it is not on the interface, or still is, and why; mostly empty. */
  unapplied: Unapplied[];
  /** Of 'expire': the time ran out, or the server took the address back. */
  reason?: 'expired' | 'refused';
}

export interface ConfigEvent {
  ifindex: number;
  /** resolv.conf(5) of the interface, as it is now. */
  resolvconf: string;
}

export interface ConfigEvents {
  lease: LeaseEvent;
  renew: LeaseEvent;
  expire: LeaseEvent;
  config: ConfigEvent;
}

/** What a provider reports while it works. */
export interface ProviderListener {
  onLease(name: 'lease' | 'renew' | 'expire', event: LeaseEvent): void;
  /** After every change: the name servers and domains of an interface, as they are now. */
  onChange(ifindex: number, settings: NetworkSettings): void;
}

/** One of the two ways to configure a stack. */
export interface ConfigProvider {
  /** All that needs no other host, before it returns: removals, `eth`, static items. */
  applyNow(request: ConfigRequest): ApplyResult;
  /** The protocols of a request that {@link applyNow} has seen. */
  applyNetwork(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult>;
  /** Both, without blocking. */
  apply(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult>;
  /** Null where it is what it was at the last call. */
  resolvconf(request: ConfigRequest): string | null;
  /** Gives leases back and forgets the stack, before the stack is closed. */
  close(): Promise<void>;
  closeSync(): void;
}
