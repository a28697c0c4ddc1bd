import { AF_INET } from '../constants/socket.js';
import type { NetworkPlan } from './topology/config.js';
import { type Attachment, attachmentOn, type HostPlan } from './topology/host-plan.js';
import type { Topology } from './topology/topology.js';

/** The data that a host is made from. */
export interface BootPlan {
  readonly topology: Topology;
  readonly host: HostPlan;
  /** The directory of the lab. */
  readonly directory: string;
}

/** Servers have their addresses from the start, as have hosts on a network with an exit: slirp's own server gives others. */
export function isByDhcp({ topology, host }: BootPlan, network: NetworkPlan): boolean {
  const { dhcp, dns } = topology;
  if (!dhcp || dhcp === host || dns === host || network.hasExit) return false;
  return network.prefixes.some(({ family }) => family === AF_INET) && attachmentOn(dhcp, network) !== undefined;
}

/** Returns whether its kernel makes the IPv6 address of a host. A DNS server has it from the start. */
export function isBySlaac({ topology, host }: BootPlan, { slaac }: Attachment): boolean {
  return slaac === true && topology.dns !== host;
}

/** Returns whether a host gets its address of a family from the network. */
export function isAcquired(plan: BootPlan, attachment: Attachment, family: number): boolean {
  return family === AF_INET ? isByDhcp(plan, attachment.network) : isBySlaac(plan, attachment);
}
