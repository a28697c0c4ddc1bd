import type { StackPointer } from '../../ffi/ioth.js';
import { checkIfname, checkInterface } from '../address/interface-name.js';
import { formatMac, parseMac } from '../address/mac.js';
import {
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINK_NETNSID,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MTU,
  IFLA_OPERSTATE,
} from '../constants/link.js';
import { IFF_RUNNING, IFF_UP } from '../constants/packet.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { IothError } from '../core/errors.js';
import { checkBoolean, checkIfindex, checkInteger, INT_MAX } from '../core/validate.js';
import { withoutUndefined } from '../core/without-undefined.js';
import { RTM } from './constants.js';
import { type Attribute, decodeAttributes, ifinfomsg, type Message, splitPayload, stringOf, u32Of } from './message.js';
import { dump, knownIndex, request } from './request.js';

const IFINFOMSG_SIZE = 16;
// below this IPv4 does not work: RFC 791, section 3.2
const MTU_MIN = 68;

/** The names of IF_OPER_*, by number: linux/if.h. */
const OPER_STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'] as const;

/** An interface, by index or name. */
export type InterfaceRef = number | string;

/** A link, without its addresses. */
export interface InterfaceLink {
  ifindex: number;
  name: string;
  /** The MAC address, 'aa:bb:cc:dd:ee:ff'; null if the kind of link has none. */
  mac: string | null;
  /** The MTU in bytes. */
  mtu: number;
  /** The flags, IFF_*; see netdevice(7). */
  flags: number;
  /** True if the link was brought up: IFF_UP. */
  up: boolean;
  /** True if the link works: IFF_RUNNING. */
  running: boolean;
  /** The state of RFC 2863, by its name in ip-link(8); missing if the stack has none. */
  operstate?: (typeof OPER_STATES)[number];
  /** The type of hardware, ARPHRD_*: 1 is Ethernet, 772 loopback. */
  type: number;
  /** The kind of link: 'bridge', 'veth'…; missing for a link that was not made by iplink_add or the like. */
  kind?: string;
  /** The index of the bridge or bond that it belongs to. */
  master?: number;
  /** The index of the lower link, or of the peer. */
  link?: number;
  /** The id of the network namespace of `link`, if that is another one. */
  link_netnsid?: number;
}

/** Decodes an RTM_NEWLINK message. Returns undefined for any other message. */
export function decodeLink({ type, payload }: Message, syscall: string): InterfaceLink | undefined {
  if (type !== RTM.RTM_NEWLINK) return undefined;
  const [info, attributes] = splitPayload(payload, IFINFOMSG_SIZE, syscall);
  const flags = info.getUint32(8, IS_LITTLE_ENDIAN);
  const mac = attributes.get(IFLA_ADDRESS);
  const linkinfo = attributes.get(IFLA_LINKINFO);
  return withoutUndefined<InterfaceLink>({
    ifindex: info.getInt32(4, IS_LITTLE_ENDIAN),
    name: stringOf(attributes.get(IFLA_IFNAME)) ?? '',
    mac: mac && mac.length > 0 ? formatMac(mac) : null,
    mtu: u32Of(attributes.get(IFLA_MTU), syscall) ?? 0,
    flags,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    type: info.getUint16(2, IS_LITTLE_ENDIAN),
    kind: linkinfo && stringOf(decodeAttributes(linkinfo, syscall).get(IFLA_INFO_KIND)),
    master: u32Of(attributes.get(IFLA_MASTER), syscall),
    link: u32Of(attributes.get(IFLA_LINK), syscall),
    link_netnsid: u32Of(attributes.get(IFLA_LINK_NETNSID), syscall),
    operstate: OPER_STATES[attributes.get(IFLA_OPERSTATE)?.[0] ?? -1],
  });
}

/**
 * The index of the first end of a veth pair that belongs to a wire (lib/wire), not to the stack. Those of others count up, and an
 * interface that is added later gets an index below.
 */
export const FIRST_WIRE_INDEX = 1 << 24;

/** Returns whether a link is an end of such a pair, or has it as its peer. */
export function isOfWire({ kind, ifindex, link = 0 }: InterfaceLink): boolean {
  return kind === 'veth' && Math.max(ifindex, link) >= FIRST_WIRE_INDEX;
}

/** Returns the links of the stack, ordered by index, without those of its wires. */
export function links(stack: StackPointer): InterfaceLink[] {
  return dump(stack, 'RTM_GETLINK', ifinfomsg())
    .flatMap((message) => decodeLink(message, 'RTM_GETLINK') ?? [])
    .filter((link) => !isOfWire(link) || link.ifindex < FIRST_WIRE_INDEX)
    .sort((a, b) => a.ifindex - b.ifindex);
}

/** Returns the link with this index or name. @throws {IothError} ENODEV without one */
function linkOf(stack: StackPointer, which: InterfaceRef): InterfaceLink {
  const isIndex = typeof which === 'number';
  const hints = { ENODEV: () => missingLink(stack, which) };
  const attributes: Attribute[] = isIndex ? [] : [[IFLA_IFNAME, which]];
  const reply = request(stack, 'RTM_GETLINK', ifinfomsg(isIndex ? which : 0), { attributes, hints });
  const link = reply && decodeLink(reply, 'RTM_GETLINK');
  if (!link) throw new IothError('ENODEV', { syscall: 'RTM_GETLINK', hint: hints.ENODEV() });
  return link;
}

/** Returns the link with this index or name; undefined without one. */
export function findLink(stack: StackPointer, which: InterfaceRef): InterfaceLink | undefined {
  try {
    return linkOf(stack, which);
  } catch (error) {
    if (error instanceof IothError && error.code === 'ENODEV') return undefined;
    throw error;
  }
}

/** Returns the index of an interface that {@link checkInterface} accepted. @throws {IothError} ENODEV for an unknown name */
export function indexOf(stack: StackPointer, which: InterfaceRef): number {
  return typeof which === 'number' ? which : knownIndex(stack, which, () => linkOf(stack, which).ifindex);
}

/** Returns the advice for an index or a name that no interface has, which may be that the stack joined no network. */
function missingLink(stack: StackPointer, which: InterfaceRef): string {
  if (links(stack).length > 1) return missingLinkHints(which).ENODEV;
  return `${missing(which)}: the stack has only lo, as no vnl was given`;
}

/** Returns the advice for an index or a name that no interface has. */
export function missingLinkHints(which: InterfaceRef): { ENODEV: string } {
  return { ENODEV: `${missing(which)}; if_nameindex() lists them` };
}

function missing(which: InterfaceRef): string {
  return typeof which === 'number' ? `no interface has index ${which}` : `no interface is named '${which}'`;
}

export function if_nametoindex(stack: StackPointer, ifname: string): number {
  return indexOf(stack, checkIfname(ifname));
}

export function if_indextoname(stack: StackPointer, ifindex: number): string {
  return linkOf(stack, checkIfindex('ifindex', ifindex)).name;
}

export function if_nameindex(stack: StackPointer): [ifindex: number, name: string][] {
  return links(stack).map(({ ifindex, name }) => [ifindex, name]);
}

export function linkgetaddr(stack: StackPointer, ifindex: InterfaceRef): string {
  const { mac } = linkOf(stack, checkInterface(ifindex));
  if (mac === null) throw new IothError('ENOENT', { syscall: 'RTM_GETLINK', hint: 'the interface has no MAC address' });
  return mac;
}

export function linksetupdown(stack: StackPointer, ifindex: InterfaceRef, up: boolean | 0 | 1): void {
  checkInterface(ifindex);
  const flags = checkBoolean('up', up) ? IFF_UP : 0;
  // not RTM_NEWLINK, which fails with ENODEV on picox
  const body = ifinfomsg(indexOf(stack, ifindex), flags, IFF_UP);
  request(stack, 'RTM_SETLINK', body, { hints: missingLinkHints(ifindex) });
}

export function linksetaddr(stack: StackPointer, ifindex: InterfaceRef, mac: string | Uint8Array): void {
  checkInterface(ifindex);
  const attributes = [[IFLA_ADDRESS, parseMac(mac)]] as const;
  const multicast = 'the MAC address of an interface must have an even first byte (unicast), and not be all zeros';
  const hints = { ...missingLinkHints(ifindex), EADDRNOTAVAIL: multicast };
  request(stack, 'RTM_NEWLINK', ifinfomsg(indexOf(stack, ifindex)), { attributes, hints });
}

/** VDE_MAXMTU: libvdeplug passes on frames of this many bytes, their Ethernet header and a VLAN tag; longer ones vanish. */
export const VDE_MTU_MAX = 9216;

/** Sets the MTU in bytes. @param onVde the names of the interfaces that joined a VDE network */
export function linksetmtu(
  stack: StackPointer,
  ifindex: InterfaceRef,
  mtu: number,
  onVde: readonly string[] = [],
): void {
  checkInterface(ifindex);
  if (mtu > VDE_MTU_MAX && onVde.includes(linkOf(stack, ifindex).name)) {
    const hint = `mtu must be at most ${VDE_MTU_MAX} on an interface of a VDE network, which drops longer frames`;
    throw new IothError('EINVAL', { syscall: 'RTM_NEWLINK', hint });
  }
  const attributes = [[IFLA_MTU, checkInteger('mtu', mtu, MTU_MIN, INT_MAX)]] as const;
  const hints = missingLinkHints(ifindex);
  request(stack, 'RTM_NEWLINK', ifinfomsg(indexOf(stack, ifindex)), { attributes, hints });
}
