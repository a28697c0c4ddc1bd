import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readyLinkLocal } from '../config/link-local.js';
import { AF_INET, AF_INET6 } from '../constants/index.js';
import { Stack } from '../stack/stack.js';
import { serveDhcp } from './services/dhcp-server.js';
import { serveDns } from './services/dns-server.js';
import { DnsZone } from './services/dns-zone.js';
import { EXIT, type NetworkPlan } from './topology/config.js';
import { type Attachment, attachmentOn, type HostPlan, type Topology } from './topology/topology.js';

/** The data that a host is made from. */
export interface BootPlan {
  readonly topology: Topology;
  readonly host: HostPlan;
  /** The directory of the lab. */
  readonly directory: string;
}

/** Returns the locator of a host's cable to a network. */
export function cableOf({ topology, host, directory }: BootPlan, { network }: Attachment): string {
  // the path of a socket has 107 bytes at most: numbers are short
  return `ptp://${directory}/${topology.networks.indexOf(network)}-${topology.hosts.indexOf(host)}`;
}

/** Creates the stack of a host with its interfaces, addresses, routes, names and services. */
export async function boot(plan: BootPlan): Promise<Stack> {
  const { topology, host, directory } = plan;
  const stack = new Stack({
    stack: 'vdestack',
    vnl: host.attachments.map((attachment) => `${attachment.network.name}:${cableOf(plan, attachment)}`),
    config_dns: resolverOf(plan),
  });
  try {
    const table = join(directory, `hosts-${topology.hosts.indexOf(host)}`);
    // with a DNS server in the lab names come from it, over its network
    writeFileSync(table, topology.dns ? '127.0.0.1 localhost\n::1 localhost\n' : topology.hostsTable(host));
    stack.iothdns_setpath('hosts', table);
    configure(stack, plan);
    if (topology.dns === host) await serveDns(stack, host, new DnsZone(topology, host));
    if (topology.dhcp === host) serveDhcp(stack, host, topology);
    return stack;
  } catch (error) {
    await stack.close({ linger: 0 });
    throw error;
  }
}

/** Asks the DHCP server for the addresses that {@link boot} did not set. */
export async function acquireAddresses(stack: Stack, plan: BootPlan): Promise<void> {
  const attachments = plan.host.attachments.filter(({ network }) => isByDhcp(plan, network));
  await Promise.all(attachments.map(({ network }) => stack.iothconfig(`iface=${network.name},dhcp`)));
}

function configure(stack: Stack, plan: BootPlan): void {
  const { topology, host } = plan;
  stack.linksetupdown('lo', true);
  if (host.isRouter) {
    stack.sysctl('net.ipv4.ip_forward', 1);
    if (hasIPv6(host)) stack.sysctl('net.ipv6.conf.all.forwarding', 1);
  }
  for (const attachment of host.attachments) {
    const { name, prefixes } = attachment.network;
    stack.linksetaddr(name, attachment.mac);
    stack.linksetupdown(name, true);
    for (const { family, length } of prefixes) {
      if (family === AF_INET && isByDhcp(plan, attachment.network)) continue;
      stack.ipaddr_add(`${attachment.addresses.get(family)}/${length}`, name);
      // a router asks for the MACs of neighbours from this address, and could not while it is tentative, for a second
      if (family === AF_INET6) readyLinkLocal(stack, stack.if_nametoindex(name));
    }
  }
  if (hasExit(host)) stack.iproute_add(`default via ${EXIT.router}`);
  for (const { prefix, gateway, network } of topology.routes.get(host) ?? []) {
    // the DHCP lease has the route
    if (prefix.family === AF_INET && isByDhcp(plan, network)) continue;
    stack.iproute_add(`${prefix.text} via ${gateway}`);
  }
}

function hasExit(host: HostPlan): boolean {
  return host.attachments.some(({ network }) => network.hasExit);
}

function isByDhcp({ topology, host }: BootPlan, network: NetworkPlan): boolean {
  const { dhcp } = topology;
  if (!dhcp || dhcp === host) return false;
  return network.prefixes.some(({ family }) => family === AF_INET) && attachmentOn(dhcp, network) !== undefined;
}

function hasIPv6(host: HostPlan): boolean {
  return host.attachments.some(({ network }) => network.prefixes.some(({ family }) => family !== AF_INET));
}

/**
 * Returns the text of resolv.conf(5), or null if the DHCP lease sets it. Does not read the files of the machine: its name servers
 * are not in the lab.
 */
function resolverOf(plan: BootPlan): string | null {
  const { topology, host } = plan;
  const search = `search ${topology.domain}\n`;
  if (!topology.dns) return hasExit(host) ? `${search}nameserver ${EXIT.nameserver}\n` : search;
  if (host.attachments.some(({ network }) => isByDhcp(plan, network))) return null;
  const servers = topology.addressesFor(host, topology.dns);
  return search + servers.map((address) => `nameserver ${address}\n`).join('');
}
