import { AF_INET } from '../constants/socket.js';
import { writeSysctls } from '../programs/sysctl.js';
import type { Stack } from '../stack/stack.js';
import { type BootPlan, isBySlaac } from './boot-plan.js';
import type { Attachment, HostPlan } from './topology/host-plan.js';

/** A setting of sysctl(8), and its value. */
export type Setting = readonly [name: string, value: number];

/** Returns what must be set in a host before its interfaces are up. */
export function settingsOf(plan: BootPlan): Setting[] {
  const { topology, host } = plan;
  const settings = host.attachments.flatMap((attachment) => slaacSettings(plan, attachment));
  if (host.isRouter) {
    settings.push(['net.ipv4.ip_forward', 1]);
    if (hasIPv6(host)) settings.push(['net.ipv6.conf.all.forwarding', 1]);
  }
  const nat = topology.nats.get(host);
  if (nat) {
    const { name } = nat.outside.network;
    // packets from inside to the addresses of the NAT come back in from outside
    settings.push([`net.ipv4.conf.${name}.accept_local`, 1]);
    for (const which of ['all', name]) settings.push([`net.ipv4.conf.${which}.rp_filter`, 0]);
  }
  return settings;
}

function hasIPv6(host: HostPlan): boolean {
  return host.attachments.some(({ network }) => network.prefixes.some(({ family }) => family !== AF_INET));
}

/** Without duplicate address detection, which takes a second, as for the addresses that are set; and only one address each. */
function slaacSettings(plan: BootPlan, attachment: Attachment): Setting[] {
  const { name, ra } = attachment.network;
  if (!ra || plan.host.isRouter) return [];
  return [[`net.ipv6.conf.${name}.${isBySlaac(plan, attachment) ? 'accept_dad' : 'autoconf'}`, 0]];
}

/**
 * Sets what hosts need, by one program for all: in a large process it takes as long to start a program as to make a stack.
 * @throws {IothError} as Stack.sysctl
 */
export async function applySettings(hosts: readonly (readonly [Stack, readonly Setting[]])[]): Promise<void> {
  const needy = hosts.filter(([, settings]) => settings.length > 0);
  if (needy.length === 0) return;
  const written = writeSysctls(needy.map(([stack, settings]) => ({ pid: stack.daemonPid!, settings })));
  // a stack whose daemon has died cannot be entered
  if (await written.catch(() => false)) return;
  // reports which one failed, and why
  for (const [stack, settings] of needy) for (const [name, value] of settings) stack.sysctl(name, value);
}
