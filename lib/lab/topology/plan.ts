import { AF_INET, AF_INET6 } from '../../constants/index.js';
import type { LinkFaults } from '../../fabric/faults.js';
import type { Prefix } from './prefix.js';

/** A checked network. */
export interface NetworkPlan {
  readonly name: string;
  /** One prefix of each family that it has, IPv4 first. */
  readonly prefixes: readonly Prefix[];
  readonly faults: LinkFaults;
  readonly isIsolated: boolean;
  /** True if it has a way out of the lab. */
  readonly hasExit: boolean;
}

/** The interface of a host on one network. */
export interface Attachment {
  readonly network: NetworkPlan;
  readonly mac: string;
  /** Addresses by family: AF_INET, AF_INET6. */
  readonly addresses: ReadonlyMap<number, string>;
}

/** A checked host with its addresses. */
export interface HostPlan {
  readonly name: string;
  readonly attachments: readonly Attachment[];
  readonly isRouter: boolean;
}

/** The route of a host to a network that it is not on. */
export interface RoutePlan {
  readonly prefix: Prefix;
  readonly gateway: string;
}

/** The plan of a whole lab, before anything is made. */
export interface Topology {
  readonly networks: readonly NetworkPlan[];
  readonly hosts: readonly HostPlan[];
  readonly routes: ReadonlyMap<HostPlan, readonly RoutePlan[]>;
  readonly seed: number;
  readonly domain: string;
  readonly dns: HostPlan | undefined;
  readonly dhcp: HostPlan | undefined;
}

/** The locator, the prefix, the router and the name server of libslirp's network. */
export const EXIT = { vnl: 'slirp://', prefix: '10.0.2.0/24', router: '10.0.2.2', nameserver: '10.0.2.3' } as const;

export const FAMILIES = [AF_INET, AF_INET6] as const;

/** Returns the hosts on a network, in the order of the configuration. */
export function membersOf(network: NetworkPlan, hosts: readonly HostPlan[]): HostPlan[] {
  return hosts.filter((host) => host.attachments.some((attachment) => attachment.network === network));
}
