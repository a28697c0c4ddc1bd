import type { StackPointer } from '../../ffi/ioth.js';
import { parseMac } from '../address/mac.js';
import { IFF_UP, IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { checkBoolean, checkIfindex, checkInteger, INT_MAX } from '../core/validate.js';
import { checkIfname } from './check.js';
import { decodeLink, type Link } from './interfaces.js';
import { ifinfomsg } from './message.js';
import { hintOf, type RequestOptions, request } from './request.js';

// below this IPv4 does not work: RFC 791, section 3.2
const MTU_MIN = 68;

/** What to do about an index that no interface has. */
export function ifindexHints(ifindex: number): Record<string, string> {
  return { ENODEV: noIfindex(ifindex) };
}

export function noIfindex(ifindex: number): string {
  return `no interface has index ${ifindex}; if_nameindex() lists them`;
}

/** The interface with this index, without its addresses; undefined where there is none. */
export function findLink(stack: StackPointer, ifindex: number): Link | undefined {
  try {
    return linkOf(stack, ifindex);
  } catch (error) {
    if (error instanceof IothError && error.code === 'ENODEV') return undefined;
    throw error;
  }
}

/**
 * The index of an interface: if_nametoindex(3), ioth_if_nametoindex(3).
 * @throws {IothError} ENODEV where no interface has the name
 */
export function if_nametoindex(stack: StackPointer, ifname: string): number {
  checkIfname(ifname);
  return getLink(stack, ifinfomsg(), {
    attributes: [[IFLA_IFNAME, ifname]],
    hints: { ENODEV: `no interface is named '${ifname}'; if_nameindex() lists them` },
  }).ifindex;
}

/**
 * The name of an interface: if_indextoname(3).
 * @throws {IothError} ENODEV where no interface has the index
 */
export function if_indextoname(stack: StackPointer, ifindex: number): string {
  return linkOf(stack, ifindex).name;
}

/**
 * Brings an interface up, or takes it down: ioth_linksetupdown(3).
 * @throws {IothError} ENODEV
 */
export function linksetupdown(stack: StackPointer, ifindex: number, up: boolean): void {
  checkIfindex('ifindex', ifindex);
  const flags = checkBoolean('up', up) ? IFF_UP : 0;
  // not RTM_NEWLINK: picox answers that with ENODEV
  request(stack, 'RTM_SETLINK', ifinfomsg(ifindex, flags, IFF_UP), { hints: ifindexHints(ifindex) });
}

/**
 * The MAC address, as 'aa:bb:cc:dd:ee:ff': ioth_linkgetaddr(3).
 * @throws {IothError} ENODEV; ENOENT where the interface has none
 */
export function linkgetaddr(stack: StackPointer, ifindex: number): string {
  const { mac } = linkOf(stack, ifindex);
  if (mac === null) throw new IothError('ENOENT', { syscall: 'RTM_GETLINK', hint: 'the interface has no MAC address' });
  return mac;
}

/**
 * Sets the MAC address: ioth_linksetaddr(3).
 * @param mac text, or 6 bytes
 * @throws {IothError} ENODEV; EADDRNOTAVAIL for a multicast address
 */
export function linksetaddr(stack: StackPointer, ifindex: number, mac: string | Uint8Array): void {
  checkIfindex('ifindex', ifindex);
  const attributes = [[IFLA_ADDRESS, parseMac(mac)]] as const;
  const multicast = 'the first byte of an interface address is even, and not all bytes are 0';
  const hints = { ...ifindexHints(ifindex), EADDRNOTAVAIL: multicast };
  request(stack, 'RTM_NEWLINK', ifinfomsg(ifindex), { attributes, hints });
}

/**
 * Sets the MTU, in bytes: ioth_linksetmtu(3). On picox this also takes the IPv4 addresses from the interface.
 * @throws {IothError} ENODEV; EINVAL where the interface cannot have it
 */
export function linksetmtu(stack: StackPointer, ifindex: number, mtu: number): void {
  checkIfindex('ifindex', ifindex);
  const attributes = [[IFLA_MTU, checkInteger('mtu', mtu, MTU_MIN, INT_MAX)]] as const;
  request(stack, 'RTM_NEWLINK', ifinfomsg(ifindex), { attributes, hints: ifindexHints(ifindex) });
}

function linkOf(stack: StackPointer, ifindex: number): Link {
  checkIfindex('ifindex', ifindex);
  return getLink(stack, ifinfomsg(ifindex), { hints: ifindexHints(ifindex) });
}

function getLink(stack: StackPointer, body: Uint8Array, options: RequestOptions): Link {
  const reply = request(stack, 'RTM_GETLINK', body, options);
  const link = reply && decodeLink(reply, 'RTM_GETLINK');
  if (!link) throw new IothError('ENODEV', { syscall: 'RTM_GETLINK', hint: hintOf(options.hints, 'ENODEV') });
  return link;
}
