import type { StackPointer } from '../../ffi/ioth.js';
import { inet_pton } from '../address/inet.js';
import { AF_INET6 } from '../constants/index.js';
import { checkBoolean, checkIfindex, checkOptions } from '../core/validate.js';
import { checkFamily, checkPrefixlen } from './check.js';
import {
  IFA_ADDRESS,
  IFA_F_NODAD,
  IFA_LOCAL,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
} from './constants.js';
import { findLink, ifindexHints, noIfindex } from './link.js';
import { ifaddrmsg } from './message.js';
import { request } from './request.js';

export interface AddressOptions {
  /**
   * Duplicate address detection (RFC 4862, section 5.4) of an IPv6 address: it cannot be used for up to 2 s. False
   * by default: the address works at once.
   */
  dad?: boolean;
}

/**
 * Adds an address to an interface: ioth_ipaddr_add(3).
 * @param family AF_INET or AF_INET6
 * @throws {IothError} EEXIST where the interface has it already, ENODEV
 */
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
  const flags = family === AF_INET6 && !dad ? IFA_F_NODAD : 0;
  ipaddr(stack, 'RTM_NEWADDR', NLM_F_EXCL | NLM_F_CREATE, [family, addr, prefixlen, ifindex, flags]);
}

/**
 * Takes an address from an interface: ioth_ipaddr_del(3).
 * @throws {IothError} EADDRNOTAVAIL (picox: ENODEV) where the interface does not have it, ENODEV
 */
export function ipaddr_del(
  stack: StackPointer,
  family: number,
  addr: string,
  prefixlen: number,
  ifindex: number,
): void {
  ipaddr(stack, 'RTM_DELADDR', 0, [family, addr, prefixlen, ifindex, 0]);
}

type AddressArguments = [family: number, addr: string, prefixlen: number, ifindex: number, flags: number];

function ipaddr(
  stack: StackPointer,
  name: 'RTM_NEWADDR' | 'RTM_DELADDR',
  extraFlags: number,
  [family, addr, prefixlen, ifindex, flags]: AddressArguments,
): void {
  checkFamily(family);
  const bytes = inet_pton(family, addr);
  checkPrefixlen('prefixlen', family, prefixlen);
  checkIfindex('ifindex', ifindex);
  const missing = `interface ${ifindex} does not have ${addr}/${prefixlen}`;
  const noIPv6 = `interface ${ifindex} has no IPv6: it takes an MTU of 1280 bytes or more`;
  request(stack, name, ifaddrmsg(family, prefixlen, flags, RT_SCOPE_UNIVERSE, ifindex), {
    flags: NLM_F_ACK | extraFlags,
    attributes: [
      [IFA_LOCAL, bytes],
      [IFA_ADDRESS, bytes],
    ],
    hints: {
      ...ifindexHints(ifindex),
      // picox says the same of an address
      ...(name === 'RTM_DELADDR' && { ENODEV: () => (findLink(stack, ifindex) ? missing : noIfindex(ifindex)) }),
      EEXIST: `interface ${ifindex} has ${addr}/${prefixlen}`,
      EADDRNOTAVAIL: missing,
      ENXIO: noIPv6,
      ...(family === AF_INET6 && { EINVAL: noIPv6 }),
    },
  });
}
