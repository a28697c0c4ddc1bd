/** Adding and deleting addresses. */

import type { StackPointer } from '../../ffi/ioth.js';
import { checkFamily, checkPrefixlen, inet_pton } from '../address/inet.js';
import { checkInterface } from '../address/interface-name.js';
import { familyOf, splitPrefix } from '../address/ip.js';
import { AF_INET6 } from '../constants/socket.js';
import type { IothError } from '../core/errors.js';
import { checkBoolean, checkOptions, checkString, invalidValue } from '../core/validate.js';
import { sleepSync } from '../core/waiting.js';
import { IFA, IFA_F_NODAD, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, RTA } from './constants.js';
import { findLink, type InterfaceRef, indexOf, missingLinkHints } from './link.js';
import { type Attribute, ifaddrmsg, rtmsg } from './message.js';
import { inOneBatch, request } from './request.js';
import { SCOPES, TYPES } from './route-names.js';

/** The first pause is short, and each is twice as long as the one before: a second in all. */
const LONGEST_PAUSE_MS = 800;
/** Of rtm_type in a struct rtmsg. */
const TYPE_OFFSET = 7;

export interface AddressOptions {
  /**
   * True runs duplicate address detection (RFC 4862, section 5.4) for an IPv6 address, which cannot be used for up to 2 s then.
   * False by default: the address works at once.
   */
  dad?: boolean;
}

type CForm = [family: number, addr: string, prefixlen: number, ifindex: InterfaceRef];
type TextForm = [addr: string, ifindex: InterfaceRef];
/** The arguments of C, or the address with its prefix length as one text. */
export type DelAddressArguments = CForm | TextForm;
export type AddAddressArguments = [...CForm, options?: AddressOptions] | [...TextForm, options?: AddressOptions];

export function ipaddr_add(stack: StackPointer, ...args: AddAddressArguments): void {
  const { family, prefixlen, ifindex, bytes, attributes, hints, text } = check(args);
  const { dad = false }: AddressOptions = checkOptions(isTextForm(args) ? args[2] : args[4], ['dad']);
  checkBoolean('options.dad', dad);
  const flags = family === AF_INET6 && !dad ? IFA_F_NODAD : 0;
  inOneBatch(stack, ({ endings }) => {
    const index = indexOf(stack, ifindex);
    request(stack, 'RTM_NEWADDR', ifaddrmsg(family, prefixlen, flags, SCOPES.global, index), {
      flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
      attributes,
      hints: { ...hints, EEXIST: `interface ${ifindex} already has ${text}` },
    });
    if (flags !== 0) endings.push(() => waitUntilLocal(stack, index, bytes));
  });
}

/** Waits until an IPv6 address receives: a thread of the kernel makes its route of type local after the acknowledgement. */
function waitUntilLocal(stack: StackPointer, ifindex: number, address: Uint8Array): void {
  for (let pause = 0.1; pause < LONGEST_PAUSE_MS && !isLocal(stack, ifindex, address); pause *= 2) sleepSync(pause);
}

function isLocal(stack: StackPointer, ifindex: number, address: Uint8Array): boolean {
  const attributes: Attribute[] = [
    [RTA.DST, address],
    [RTA.OIF, ifindex],
  ];
  try {
    const route = request(stack, 'RTM_GETROUTE', rtmsg(AF_INET6, 128), { flags: 0, attributes });
    return !route || route.payload[TYPE_OFFSET] === TYPES.local;
  } catch (error) {
    // picox needs no such route, and fails with ENOENT
    return (error as IothError).code !== 'ENETUNREACH';
  }
}

export function ipaddr_del(stack: StackPointer, ...args: DelAddressArguments): void {
  const { family, prefixlen, ifindex, attributes, hints, text } = check(args);
  const missing = `interface ${ifindex} does not have ${text}`;
  // picox fails with ENODEV for both
  const ENODEV = () => (findLink(stack, ifindex) ? missing : missingLinkHints(ifindex).ENODEV);
  request(stack, 'RTM_DELADDR', ifaddrmsg(family, prefixlen, 0, SCOPES.global, indexOf(stack, ifindex)), {
    attributes,
    hints: { ...hints, EADDRNOTAVAIL: missing, ENODEV },
  });
}

function isTextForm(args: readonly unknown[]): args is [...TextForm, options?: AddressOptions] {
  return typeof args[0] === 'string';
}

/** Checks the arguments. Returns what both requests have in common, and the address for messages: '10.0.0.1/24'. */
function check(args: AddAddressArguments | DelAddressArguments) {
  const [family, addr, prefixlen, ifindex] = isTextForm(args) ? [...addressAndLength(args[0]), args[1]] : args;
  const bytes = inet_pton(checkFamily(family), addr);
  checkPrefixlen('prefixlen', family, prefixlen);
  const which = checkInterface(ifindex);
  const noIPv6 = `interface ${which} has no IPv6, which needs an MTU of 1280 bytes or more`;
  const attributes: Attribute[] = [
    [IFA.LOCAL, bytes],
    [IFA.ADDRESS, bytes],
  ];
  const hints = { ...missingLinkHints(which), ENXIO: noIPv6, ...(family === AF_INET6 && { EINVAL: noIPv6 }) };
  return { family, prefixlen, ifindex: which, bytes, attributes, hints, text: `${addr}/${prefixlen}` };
}

function addressAndLength(text: string): [family: number, addr: string, prefixlen: number] {
  const [addr, length] = splitPrefix(checkString('addr', text));
  const family = familyOf(addr);
  // without a length, ip-address(8) and iothconf(3) assume different ones
  if (family === 0 || length === undefined) {
    throw invalidValue('addr', "an address and its prefix length such as '10.0.0.1/24'", text);
  }
  return [family, addr, length];
}
