import type { ProviderName } from '../core/provider.js';
import type { SourceName } from './config-sources.js';
import type { ConfigRequest } from './language.js';

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

/** What is told to whoever listens to the stack. */
export interface LeaseEvent {
  protocol: Exclude<SourceName, 'static'>;
  ifindex: number;
  /** '10.0.0.5/24'. */
  addresses: string[];
  /** An address (DHCP), a DUID (DHCPv6), null where there may be several (router discovery). */
  server: string | null;
  routers: string[];
  dns: string[];
  domains: string[];
  /** Seconds; Infinity for ever. For router discovery the shortest of its lifetimes is not told: null. */
  leaseTime: number | null;
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

export type Notify = <Name extends keyof ConfigEvents>(name: Name, event: ConfigEvents[Name]) => void;

/** One of the two ways to configure a stack. */
export interface ConfigProvider {
  readonly name: ProviderName;
  /** All that needs no other host, before it returns: removals, `eth`, static items. */
  applyNow(request: ConfigRequest): ApplyResult;
  /** The protocols of a request that {@link applyNow} has seen. */
  applyNetwork(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult>;
  /** Both, without blocking. */
  apply(request: ConfigRequest, options: NetworkOptions): Promise<ApplyResult>;
  resolvconf(request: ConfigRequest): string | null;
  /** Gives leases back and forgets the stack, before the stack is closed. */
  close(): Promise<void>;
  closeSync(): void;
}
