import type { StackPointer } from '../../ffi/ioth.js';
import { inet_ntop } from '../address/inet.js';
import { ipBytes, isLinkLocalIPv6 } from '../address/ip.js';
import type { Address } from '../address/sockaddr.js';
import { AF_INET, AF_INET6 } from '../constants/index.js';
import { type Interface, type InterfaceAddress, interfaces } from './interfaces.js';

/** An address of an interface, in Node's form; `port` is 0. */
export interface IfAddress extends Address {
  family: 'IPv4' | 'IPv6' | 'Packet';
  /** Of a link-local IPv6 address: the interface's index. */
  scopeid?: number;
  /** Of family 'Packet': the interface's index. */
  ifindex?: number;
  /** Of family 'Packet': ARPHRD_*. */
  hatype?: number;
}

/** struct ifaddrs of getifaddrs(3). */
export interface IfAddrs {
  name: string;
  /** IFF_*. */
  flags: number;
  addr: IfAddress;
  netmask: IfAddress | null;
  broadaddr?: IfAddress;
  /** The other end of a point-to-point link. */
  dstaddr?: IfAddress;
}

/** Interfaces, then their addresses, as getifaddrs(3) lists them: an entry of family 'Packet' for each interface. */
export function getifaddrs(stack: StackPointer): IfAddrs[] {
  const found = interfaces(stack);
  return [...found.map(packetEntry), ...found.flatMap((each) => each.addresses.map((a) => inetEntry(each, a)))];
}

function packetEntry({ name, flags, mac, ifindex, type }: Interface): IfAddrs {
  return { name, flags, addr: { family: 'Packet', address: mac ?? '', port: 0, ifindex, hatype: type }, netmask: null };
}

function inetEntry({ name, flags, ifindex }: Interface, found: InterfaceAddress): IfAddrs {
  const { family, address, prefixlen, peer, broadcast } = found;
  const addr: IfAddress = { family, address, port: 0 };
  if (family === 'IPv6' && isLinkLocalIPv6(ipBytes(address))) addr.scopeid = ifindex;
  const entry: IfAddrs = { name, flags, addr, netmask: { family, address: netmaskOf(family, prefixlen), port: 0 } };
  if (broadcast !== undefined) entry.broadaddr = { family, address: broadcast, port: 0 };
  if (peer !== undefined) entry.dstaddr = { family, address: peer, port: 0 };
  return entry;
}

function netmaskOf(family: 'IPv4' | 'IPv6', prefixlen: number): string {
  const bytes = Buffer.alloc(family === 'IPv4' ? 4 : 16);
  for (let i = 0; i < bytes.length; i++) {
    const ones = Math.min(8, Math.max(0, prefixlen - 8 * i));
    bytes[i] = 0xff00 >> ones;
  }
  return inet_ntop(family === 'IPv4' ? AF_INET : AF_INET6, bytes);
}
