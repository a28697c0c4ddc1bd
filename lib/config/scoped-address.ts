import { isLinkLocalIPv6, parseIPv6 } from './addresses.js';
import type { InterfaceConfig } from './interface-config.js';

/** A link-local name server means nothing without its interface: 'fe80::1%vde0'. */
export function withZone(server: string, { host, ifindex }: InterfaceConfig): string {
  if (!isLinkLocalIPv6(parseIPv6(server))) return server;
  const name = host.interfaces().find((link) => link.ifindex === ifindex)?.name;
  return `${server}%${name ?? ifindex}`;
}
