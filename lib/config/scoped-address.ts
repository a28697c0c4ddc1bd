import { ipBytes, isLinkLocalIPv6 } from '../address/ip.js';
import type { InterfaceConfig } from './interface-config.js';

/** A link-local name server means nothing without its interface: 'fe80::1%vde0'. */
export function withZone(server: string, { host, ifindex }: InterfaceConfig): string {
  if (!isLinkLocalIPv6(ipBytes(server))) return server;
  const name = host.link(ifindex)?.name;
  return `${server}%${name ?? ifindex}`;
}
