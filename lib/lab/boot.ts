import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GONE_ALREADY } from '../config/interface-config.js';
import { readyLinkLocal } from '../config/link-local.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import type { IothError } from '../core/errors.js';
import { ALIAS_PREFIX } from '../fabric/nat/nat.js';
import { nat64Route } from '../fabric/nat64/nat64.js';
import { inOneBatch } from '../netlink/request.js';
import { Stack } from '../stack/stack.js';
import { type BootPlan, isAcquired, isByDhcp, isBySlaac } from './boot-plan.js';
import { addNeighbours } from './neighbours.js';
import { serveDhcp } from './services/dhcp-server.js';
import { serveDns } from './services/dns-server.js';
import { DnsZone } from './services/dns-zone.js';
import { advertiseRouter } from './services/router-advertiser.js';
import { awaitSlaac } from './slaac.js';
import { ETHERNET_MTU, EXIT } from './topology/config.js';
import { type Attachment, attachmentOn, cablesOf, type HostPlan, nat64NetworksOf } from './topology/host-plan.js';

/** The index of 'lo' in each network namespace: linux/netdevice.h. */
const LOOPBACK_IFINDEX = 1;
/** The kernel sends the packet, and loses it. Any other default route is preferred. */
const NOWHERE = 'default dev lo metric 4294967295';

/** Returns the locator of a host's cable to a network. */
export function cableOf({ topology, host, directory }: BootPlan, { network }: Attachment): string {
  // the path of a socket has 107 bytes at most: numbers are short
  return `ptp://${directory}/${topology.networks.indexOf(network)}-${topology.hosts.indexOf(host)}`;
}

/** Creates the stack of a host, with its interfaces. */
export function makeStack(plan: BootPlan): Stack {
  const { host } = plan;
  return new Stack({
    stack: 'vdestack',
    hostname: host.name,
    vnl: cablesOf(host).map((attachment) => `${attachment.network.name}:${cableOf(plan, attachment)}`),
    config_dns: resolverOf(plan),
  });
}

/** Gives the stack of a host its addresses, routes, names and services. */
export async function boot(stack: Stack, plan: BootPlan): Promise<void> {
  const { topology, host } = plan;
  stack.iothdns_setpath('hosts', writeHostsTable(plan));
  inOneBatch(stack.pointer('boot'), () => configure(stack, plan));
  await serveNames(stack, plan);
  if (topology.dhcp === host) serveDhcp(stack, host, topology);
  if (host.isRouter) advertiseRouter(stack, host, topology);
}

/** Starts the DNS server of the lab, or the DNS64 of a NAT64 on its networks with IPv6 only: RFC 6147. */
async function serveNames(stack: Stack, { topology, host }: BootPlan): Promise<void> {
  if (!topology.dns) return;
  const nat64Networks = nat64NetworksOf(host);
  const isNat64 = ({ network }: Attachment) => nat64Networks.includes(network);
  if (topology.dns === host) {
    const plain = host.attachments.filter((attachment) => !isNat64(attachment));
    await serveDns(stack, plain, new DnsZone(topology, host));
  }
  if (nat64Networks.length > 0) {
    await serveDns(stack, host.attachments.filter(isNat64), new DnsZone(topology, host, { isDns64: true }));
  }
}

/** Writes the table of names of a host, and returns its path. */
export function writeHostsTable({ topology, host, directory }: BootPlan): string {
  const table = join(directory, `hosts-${topology.hosts.indexOf(host)}`);
  writeFileSync(table, topology.hostsTable(host));
  return table;
}

/** Waits for the addresses that {@link boot} did not set: asks the DHCP server, and waits for router advertisements. */
export async function acquireAddresses(stack: Stack, plan: BootPlan, signal: AbortSignal): Promise<void> {
  const { attachments } = plan.host;
  await Promise.all([
    ...attachments
      .filter(({ network }) => isByDhcp(plan, network))
      .map(({ network }) => stack.iothconfig(`iface=${network.name},dhcp`, { signal })),
    ...slaacAttachments(plan).map((each) => awaitSlaac(stack, each, signal)),
  ]);
}

function configure(stack: Stack, plan: BootPlan): void {
  const { host } = plan;
  for (const { network, mac } of cablesOf(host)) {
    stack.linksetaddr(network.name, mac);
    if (network.mtu !== undefined) stack.linksetmtu(network.name, network.mtu);
  }
  stack.linksetupdown(LOOPBACK_IFINDEX, true);
  for (const attachment of host.attachments) configureInterface(stack, plan, attachment);
  addNeighbours(stack, plan.topology, host);
  routeMulticast(stack, plan);
  configureNat(stack, plan);
  configureRoutes(stack, plan);
}

function configureInterface(stack: Stack, plan: BootPlan, attachment: Attachment): void {
  const { network, addresses } = attachment;
  const { name, prefixes } = network;
  stack.linksetupdown(name, true);
  for (const { family, length } of prefixes) {
    if (isAcquired(plan, attachment, family)) continue;
    stack.ipaddr_add(`${addresses.get(family)}/${length}`, name);
    // a router asks for the MACs of neighbours from this address, and could not while it is tentative, for a second
    if (family === AF_INET6) readyLinkLocal(stack, stack.if_nametoindex(name));
  }
}

/**
 * Lets programs send to groups and to all without choosing an interface, as on hosts with a default route: over the first
 * network.
 */
function routeMulticast(stack: Stack, { host }: BootPlan): void {
  const first = host.attachments.find(({ addresses }) => addresses.has(AF_INET));
  if (!first) return;
  for (const group of ['224.0.0.0/4', '255.255.255.255']) stack.iproute_add(`${group} dev ${first.network.name}`);
}

function configureRoutes(stack: Stack, plan: BootPlan): void {
  if (hasExit(plan.host)) stack.iproute_add(`default via ${EXIT.router}`);
  for (const { prefix, gateway, network } of plan.topology.routes.get(plan.host) ?? []) {
    // the DHCP lease has the route, the router advertisement a default route
    if (isAcquired(plan, attachmentOn(plan.host, network)!, prefix.family)) continue;
    stack.iproute_add(`${prefix.text} via ${gateway}`);
  }
  if (plan.topology.isOutside(plan.host)) stack.iproute_add(NOWHERE);
}

/** Configures a stack for the network that its host has moved to. */
export function arrive(stack: Stack, plan: BootPlan): void {
  inOneBatch(stack.pointer('move'), () => arriveAt(stack, plan));
  const resolver = resolverOf(plan);
  if (resolver !== null) stack.iothdns_update(resolver);
}

function arriveAt(stack: Stack, plan: BootPlan): void {
  for (const attachment of plan.host.attachments) configureInterface(stack, plan, attachment);
  routeMulticast(stack, plan);
  configureRoutes(stack, plan);
}

/** Takes all from an interface whose network its host leaves. */
export async function leave(stack: Stack, plan: BootPlan, attachment: Attachment): Promise<void> {
  const { network, addresses } = attachment;
  const { name, prefixes } = network;
  if (plan.topology.isOutside(plan.host)) unlessGone(() => stack.iproute_del(NOWHERE));
  if (isByDhcp(plan, network)) await stack.iothconfig(`iface=${name},-dhcp`);
  for (const { family, length } of prefixes) {
    if (isAcquired(plan, attachment, family)) continue;
    unlessGone(() => stack.ipaddr_del(`${addresses.get(family)}/${length}`, name));
  }
  // the kernel removes the routes over it, and what it made of advertisements
  stack.linksetupdown(name, false);
}

/** Removes what may be gone: the kernel drops IPv6 addresses with their link, and programs may have removed something. */
function unlessGone(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!GONE_ALREADY.includes((error as IothError).code)) throw error;
  }
}

/** Gives a router the addresses of its NAT. */
function configureNat(stack: Stack, { topology, host }: BootPlan): void {
  const nat = topology.nats.get(host);
  if (!nat) return;
  const { name } = nat.outside.network;
  for (const address of nat.addresses.slice(1)) stack.ipaddr_add(`${address}/32`, name);
  stack.iproute_add(`${ALIAS_PREFIX} dev ${name}`);
  nat.nat64Networks.forEach(({ name, mtu = ETHERNET_MTU }, place) => {
    stack.iproute_add(nat64Route(place, name, mtu));
  });
}

function hasExit(host: HostPlan): boolean {
  return host.attachments.some(({ network }) => network.hasExit);
}

/** Returns the interfaces on which the kernel makes the IPv6 address of a host. */
export function slaacAttachments(plan: BootPlan): Attachment[] {
  return plan.host.attachments.filter((each) => isBySlaac(plan, each));
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
  const servers = topology.nameServersOf(host);
  return search + servers.map((address) => `nameserver ${address}\n`).join('');
}
