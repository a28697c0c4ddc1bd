import type { StackPointer } from '../../ffi/ioth.js';
import { checkFamily, checkPrefixlen, inet_pton } from '../address/inet.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/index.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { checkBoolean, checkIfindex, checkOptions } from '../core/validate.js';
import {
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_F_NODAD,
  IFA_F_TENTATIVE,
  IFA_FLAGS,
  IFA_LABEL,
  IFA_LOCAL,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
  RTM,
} from './constants.js';
import type { Hints } from './failure.js';
import { findLink, missingLinkHints } from './link.js';
import { type Attribute, addressOf, ifaddrmsg, type Message, splitPayload, stringOf, u32Of } from './message.js';
import { dump, request } from './request.js';

const IFADDRMSG_SIZE = 8;

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

/** Of AF_INET or AF_INET6, on the interface `ifindex`. */
export interface StackAddress extends Omit<InterfaceAddress, 'family'> {
  family: number;
  ifindex: number;
}

/** An RTM_NEWADDR message; undefined for any other, and for another family. */
export function decodeAddress({ type, payload }: Message, syscall: string): StackAddress | undefined {
  if (type !== RTM.RTM_NEWADDR) return undefined;
  const [info, attributes] = splitPayload(payload, IFADDRMSG_SIZE, syscall);
  const family = info.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const text = (tag: number) => addressOf(family, attributes.get(tag), syscall);
  // IFA_ADDRESS is the peer's where IFA_LOCAL is another: linux/if_addr.h
  const prefix = text(IFA_ADDRESS);
  const local = text(IFA_LOCAL) ?? prefix;
  if (local === undefined) return undefined;
  const flags = u32Of(attributes.get(IFA_FLAGS), syscall) ?? info.getUint8(2);
  const address: StackAddress = {
    ifindex: info.getUint32(4, IS_LITTLE_ENDIAN),
    family,
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
  return address;
}

/** Every address, or those of one interface. */
export function addresses(stack: StackPointer, ifindex = 0): StackAddress[] {
  const all = dump(stack, 'RTM_GETADDR', ifaddrmsg(AF_UNSPEC, 0, 0, 0, ifindex))
    .map((message) => decodeAddress(message, 'RTM_GETADDR'))
    .filter((address) => address !== undefined);
  // only stacks that know NETLINK_GET_STRICT_CHK leave the others out themselves
  return ifindex === 0 ? all : all.filter((address) => address.ifindex === ifindex);
}

export interface AddressOptions {
  /**
   * Duplicate address detection (RFC 4862, section 5.4) of an IPv6 address: it cannot be used for up to 2 s. False
   * by default: the address works at once.
   */
  dad?: boolean;
}

export function ipaddr_add(
  stack: StackPointer,
  family: number,
  addr: string,
  prefixlen: number,
  ifindex: number,
  options?: AddressOptions,
): void {
  const { dad = false }: AddressOptions = checkOptions(options, ['dad']);
  checkBoolean('options.dad', dad);
  const [attributes, hints] = prepare(family, addr, prefixlen, ifindex);
  const flags = family === AF_INET6 && !dad ? IFA_F_NODAD : 0;
  request(stack, 'RTM_NEWADDR', ifaddrmsg(family, prefixlen, flags, RT_SCOPE_UNIVERSE, ifindex), {
    flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
    attributes,
    hints: { ...hints, EEXIST: `interface ${ifindex} has ${addr}/${prefixlen}` },
  });
}

export function ipaddr_del(
  stack: StackPointer,
  family: number,
  addr: string,
  prefixlen: number,
  ifindex: number,
): void {
  const [attributes, hints] = prepare(family, addr, prefixlen, ifindex);
  const missing = `interface ${ifindex} does not have ${addr}/${prefixlen}`;
  // picox has ENODEV for both
  const ENODEV = () => (findLink(stack, ifindex) ? missing : missingLinkHints(ifindex).ENODEV);
  request(stack, 'RTM_DELADDR', ifaddrmsg(family, prefixlen, 0, RT_SCOPE_UNIVERSE, ifindex), {
    attributes,
    hints: { ...hints, EADDRNOTAVAIL: missing, ENODEV },
  });
}

/** Checks the arguments. */
function prepare(family: number, addr: string, prefixlen: number, ifindex: number): [Attribute[], Hints] {
  const bytes = inet_pton(checkFamily(family), addr);
  checkPrefixlen('prefixlen', family, prefixlen);
  checkIfindex('ifindex', ifindex);
  const noIPv6 = `interface ${ifindex} has no IPv6: it takes an MTU of 1280 bytes or more`;
  return [
    [
      [IFA_LOCAL, bytes],
      [IFA_ADDRESS, bytes],
    ],
    { ...missingLinkHints(ifindex), ENXIO: noIPv6, ...(family === AF_INET6 && { EINVAL: noIPv6 }) },
  ];
}
