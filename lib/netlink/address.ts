import type { StackPointer } from '../../ffi/ioth.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { withoutUndefined } from '../core/without-undefined.js';
import { IFA, IFA_F_TENTATIVE, RTM } from './constants.js';
import { addressOf, ifaddrmsg, type Message, splitPayload, stringOf, u32Of } from './message.js';
import { dump } from './request.js';

const IFADDRMSG_SIZE = 8;

export interface InterfaceAddress {
  family: 'IPv4' | 'IPv6';
  address: string;
  prefixlen: number;
  /** The scope, RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  scope: number;
  /** The flags, IFA_F_*. */
  flags: number;
  /** True while duplicate address detection runs: the address cannot be used yet. */
  tentative: boolean;
  /** The other end of a point-to-point link. */
  peer?: string;
  broadcast?: string;
  label?: string;
}

/** An address on the interface `ifindex`; `family` is AF_INET or AF_INET6. */
export interface StackAddress extends Omit<InterfaceAddress, 'family'> {
  family: number;
  ifindex: number;
}

/** Decodes an RTM_NEWADDR message. Returns undefined for any other message and for another family. */
export function decodeAddress({ type, payload }: Message, syscall: string): StackAddress | undefined {
  if (type !== RTM.RTM_NEWADDR) return undefined;
  const [info, attributes] = splitPayload(payload, IFADDRMSG_SIZE, syscall);
  const family = info.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const text = (tag: number) => addressOf(family, attributes.get(tag), syscall);
  // IFA_ADDRESS is the peer's address if IFA_LOCAL differs: linux/if_addr.h
  const prefix = text(IFA.ADDRESS);
  const local = text(IFA.LOCAL) ?? prefix;
  if (local === undefined) return undefined;
  const flags = u32Of(attributes.get(IFA.FLAGS), syscall) ?? info.getUint8(2);
  return withoutUndefined<StackAddress>({
    ifindex: info.getUint32(4, IS_LITTLE_ENDIAN),
    family,
    address: local,
    prefixlen: info.getUint8(1),
    scope: info.getUint8(3),
    flags,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    peer: prefix === local ? undefined : prefix,
    broadcast: text(IFA.BROADCAST),
    label: stringOf(attributes.get(IFA.LABEL)),
  });
}

/** Returns all addresses, or those of one interface. */
export function addresses(stack: StackPointer, ifindex = 0): StackAddress[] {
  const all = dump(stack, 'RTM_GETADDR', ifaddrmsg(AF_UNSPEC, 0, 0, 0, ifindex)).flatMap(
    (message) => decodeAddress(message, 'RTM_GETADDR') ?? [],
  );
  // only stacks with NETLINK_GET_STRICT_CHK filter by interface themselves
  return ifindex === 0 ? all : all.filter((address) => address.ifindex === ifindex);
}
