import { AF_INET, AF_INET6 } from '../../constants/index.js';
import type { LinkFaults } from '../fabric/faults.js';
import type { Prefix } from './prefix.js';

/** A network, checked. */
export interface NetworkPlan {
  readonly name: string;
  /** Of the families that it has: IPv4 first. */
  readonly prefixes: readonly Prefix[];
  readonly faults: LinkFaults;
  readonly isIsolated: boolean;
  /** Whether there is a way out of the lab. */
  readonly hasExit: boolean;
}

/** What a host has on one network. */
export interface Attachment {
  readonly network: NetworkPlan;
  readonly mac: string;
  /** By family. */
  readonly addresses: ReadonlyMap<number, string>;
}

/** A host, checked, with its addresses. */
export interface HostPlan {
  readonly name: string;
  readonly attachments: readonly Attachment[];
  readonly isRouter: boolean;
}

/** A host's way to a network that it is not on. */
export interface RoutePlan {
  readonly prefix: Prefix;
  readonly gateway: string;
}

/** All of a lab before anything is made. */
export interface Topology {
  readonly networks: readonly NetworkPlan[];
  readonly hosts: readonly HostPlan[];
  readonly routes: ReadonlyMap<HostPlan, readonly RoutePlan[]>;
  readonly seed: number;
  readonly domain: string;
  readonly dns: HostPlan | undefined;
  readonly dhcp: HostPlan | undefined;
}

/** What libslirp's network is, who is its router, and its name server. */
export const EXIT = { vnl: 'slirp://', prefix: '10.0.2.0/24', router: '10.0.2.2', nameserver: '10.0.2.3' } as const;

export const FAMILIES = [AF_INET, AF_INET6] as const;

/** Who is on a network, in the order of their names as given. */
export function membersOf(network: NetworkPlan, hosts: readonly HostPlan[]): HostPlan[] {
  return hosts.filter((host) => host.attachments.some((attachment) => attachment.network === network));
}
