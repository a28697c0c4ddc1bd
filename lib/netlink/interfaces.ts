import type { StackPointer } from '../../ffi/ioth.js';
import { familyName, ipBytes, ipText, isLinkLocalIPv6, netmaskOf } from '../address/ip.js';
import type { Address } from '../address/sockaddr.js';
import { addresses, type InterfaceAddress } from './address.js';
import { type InterfaceLink, links } from './link.js';

/** A link with its addresses. */
export interface Interface extends InterfaceLink {
  addresses: InterfaceAddress[];
}

/** Returns the interfaces of the stack, ordered by index. Makes two dumps. */
export function interfaces(stack: StackPointer): Interface[] {
  const found = links(stack).map((link): Interface => ({ ...link, addresses: [] }));
  const byIndex = new Map(found.map((each) => [each.ifindex, each]));
  for (const { ifindex, family, ...address } of addresses(stack)) {
    byIndex.get(ifindex)?.addresses.push({ family: familyName(family), ...address });
  }
  return found;
}

/** An address of an interface, in Node's form; `port` is 0. */
export interface IfAddress extends Address {
  family: 'IPv4' | 'IPv6' | 'Packet';
  /** The interface's index, for a link-local IPv6 address. */
  scopeid?: number;
  /** The interface's index, for family 'Packet'. */
  ifindex?: number;
  /** The type of hardware, ARPHRD_*, for family 'Packet'. */
  hatype?: number;
}

/** A `struct ifaddrs` of getifaddrs(3). */
export interface IfAddrs {
  name: string;
  /** The flags, IFF_*. */
  flags: number;
  addr: IfAddress;
  netmask: IfAddress | null;
  broadaddr?: IfAddress;
  /** The other end of a point-to-point link. */
  dstaddr?: IfAddress;
}

export function getifaddrs(stack: StackPointer): IfAddrs[] {
  const found = interfaces(stack);
  return [...found.map(packetEntry), ...found.flatMap((each) => each.addresses.map((one) => inetEntry(each, one)))];
}

function packetEntry({ name, flags, mac, ifindex, type }: Interface): IfAddrs {
  return { name, flags, addr: { family: 'Packet', address: mac ?? '', port: 0, ifindex, hatype: type }, netmask: null };
}

function inetEntry({ name, flags, ifindex }: Interface, one: InterfaceAddress): IfAddrs {
  const inet = (address: string): IfAddress => ({ family: one.family, address, port: 0 });
  const bytes = ipBytes(one.address);
  const addr = inet(one.address);
  if (isLinkLocalIPv6(bytes)) addr.scopeid = ifindex;
  const entry: IfAddrs = { name, flags, addr, netmask: inet(ipText(netmaskOf(bytes.length, one.prefixlen))) };
  if (one.broadcast !== undefined) entry.broadaddr = inet(one.broadcast);
  if (one.peer !== undefined) entry.dstaddr = inet(one.peer);
  return entry;
}
