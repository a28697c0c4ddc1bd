/** What a stack has: its links and their addresses, from two dumps. */

import type { StackPointer } from '../../ffi/ioth.js';
import { formatMac } from '../address/mac.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IFF_RUNNING,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MTU,
} from '../constants/index.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { IFA_ADDRESS, IFA_BROADCAST, IFA_F_TENTATIVE, IFA_FLAGS, IFA_LABEL, IFA_LOCAL, RTM } from './constants.js';
import {
  addressOf,
  decodeAttributes,
  ifaddrmsg,
  ifinfomsg,
  type Message,
  splitPayload,
  stringOf,
  u32Of,
} from './message.js';
import { dump } from './request.js';

const IFINFOMSG_SIZE = 16;
const IFADDRMSG_SIZE = 8;

/** A link, without its addresses. */
export interface Link {
  ifindex: number;
  name: string;
  /** 'aa:bb:cc:dd:ee:ff'; null where the kind of link has none. */
  mac: string | null;
  /** In bytes. */
  mtu: number;
  /** IFF_*, as in netdevice(7). */
  flags: number;
  /** IFF_UP: whether it was brought up. */
  up: boolean;
  /** IFF_RUNNING: whether it works. */
  running: boolean;
  /** ARPHRD_*: 1 is Ethernet, 772 loopback. */
  type: number;
  /** 'bridge', 'veth'…; missing where it was not made by iplink_add or the like. */
  kind?: string;
  /** The index of the bridge or bond that it belongs to. */
  master?: number;
  /** The index of the link under it, or of its peer. */
  link?: number;
}

export interface InterfaceAddress {
  family: 'IPv4' | 'IPv6';
  address: string;
  prefixlen: number;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  scope: number;
  /** IFA_F_*. */
  flags: number;
  /** Whether duplicate address detection still runs: it cannot be used yet. */
  tentative: boolean;
  /** The other end of a point-to-point link. */
  peer?: string;
  broadcast?: string;
  label?: string;
}

/** A link with its addresses. */
export interface Interface extends Link {
  addresses: InterfaceAddress[];
}

/**
 * The interfaces of the stack, by index.
 * @throws {IothError} as every netlink dialog: the stack's own error, ETIMEDOUT, EBADMSG
 */
export function interfaces(stack: StackPointer): Interface[] {
  const found = links(stack).map((link): Interface => ({ ...link, addresses: [] }));
  const byIndex = new Map(found.map((each) => [each.ifindex, each]));
  for (const message of dump(stack, 'RTM_GETADDR', ifaddrmsg(AF_UNSPEC))) {
    const decoded = decodeAddress(message, 'RTM_GETADDR');
    if (decoded) byIndex.get(decoded.ifindex)?.addresses.push(decoded.address);
  }
  return found;
}

/** The addresses of one interface. Only stacks that know NETLINK_GET_STRICT_CHK leave the others out themselves. */
export function addressesOf(stack: StackPointer, ifindex: number): InterfaceAddress[] {
  return dump(stack, 'RTM_GETADDR', ifaddrmsg(AF_UNSPEC, 0, 0, 0, ifindex))
    .map((message) => decodeAddress(message, 'RTM_GETADDR'))
    .flatMap((decoded) => (decoded?.ifindex === ifindex ? [decoded.address] : []));
}

/** Index and name of each interface: if_nameindex(3). */
export function if_nameindex(stack: StackPointer): [ifindex: number, name: string][] {
  return links(stack).map(({ ifindex, name }) => [ifindex, name]);
}

/** Every link, by index. */
export function links(stack: StackPointer): Link[] {
  return dump(stack, 'RTM_GETLINK', ifinfomsg())
    .map((message) => decodeLink(message, 'RTM_GETLINK'))
    .filter((link) => link !== undefined)
    .sort((a, b) => a.ifindex - b.ifindex);
}

/**
 * An RTM_NEWLINK message; undefined for any other.
 * @throws {IothError} EBADMSG
 */
export function decodeLink({ type, payload }: Message, request: string): Link | undefined {
  if (type !== RTM.RTM_NEWLINK) return undefined;
  const [info, attributes] = splitPayload(payload, IFINFOMSG_SIZE, request);
  const flags = info.getUint32(8, IS_LITTLE_ENDIAN);
  const mac = attributes.get(IFLA_ADDRESS);
  const link: Link = {
    ifindex: info.getInt32(4, IS_LITTLE_ENDIAN),
    name: stringOf(attributes.get(IFLA_IFNAME)) ?? '',
    mac: mac && mac.length > 0 ? formatMac(mac) : null,
    mtu: u32Of(attributes.get(IFLA_MTU), request) ?? 0,
    flags,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    type: info.getUint16(2, IS_LITTLE_ENDIAN),
  };
  const linkinfo = attributes.get(IFLA_LINKINFO);
  const kind = linkinfo && stringOf(decodeAttributes(linkinfo, request).get(IFLA_INFO_KIND));
  const master = u32Of(attributes.get(IFLA_MASTER), request);
  const under = u32Of(attributes.get(IFLA_LINK), request);
  if (kind !== undefined) link.kind = kind;
  if (master !== undefined) link.master = master;
  if (under !== undefined) link.link = under;
  return link;
}

/**
 * An RTM_NEWADDR message; undefined for any other, and for a family other than IPv4 and IPv6.
 * @throws {IothError} EBADMSG
 */
export function decodeAddress(
  { type, payload }: Message,
  request: string,
): { ifindex: number; address: InterfaceAddress } | undefined {
  if (type !== RTM.RTM_NEWADDR) return undefined;
  const [info, attributes] = splitPayload(payload, IFADDRMSG_SIZE, request);
  const family = info.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const text = (tag: number) => addressOf(family, attributes.get(tag), request);
  // IFA_ADDRESS is the peer's where IFA_LOCAL is another: linux/if_addr.h
  const prefix = text(IFA_ADDRESS);
  const local = text(IFA_LOCAL) ?? prefix;
  if (local === undefined) return undefined;
  const flags = u32Of(attributes.get(IFA_FLAGS), request) ?? info.getUint8(2);
  const address: InterfaceAddress = {
    family: family === AF_INET ? 'IPv4' : 'IPv6',
    address: local,
    prefixlen: info.getUint8(1),
    scope: info.getUint8(3),
    flags,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
  };
  const broadcast = text(IFA_BROADCAST);
  const label = stringOf(attributes.get(IFA_LABEL));
  if (prefix !== undefined && prefix !== local) address.peer = prefix;
  if (broadcast !== undefined) address.broadcast = broadcast;
  if (label !== undefined) address.label = label;
  return { ifindex: info.getUint32(4, IS_LITTLE_ENDIAN), address };
}
