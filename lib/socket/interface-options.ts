import { htonl } from '../address/inet.js';
import { isInterfaceName } from '../address/interface-name.js';
import {
  IP_MULTICAST_IF,
  IP_UNICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MULTICAST_IF,
  IPV6_UNICAST_IF,
  SO_BINDTODEVICE,
  SOL_SOCKET,
  TCP_CONGESTION,
  TCP_ULP,
} from '../constants/index.js';
import { intBytes } from '../core/byte-order.js';
import { checkInteger, checkString, INT_MAX, invalidType, invalidValue } from '../core/validate.js';

/** Looks up the index of an interface by name. @throws {IothError} ENODEV */
export type InterfaceIndex = (ifname: string) => number;

/** Returns the index of an interface that is given by name or by index. */
export function interfaceIndex(name: string, value: unknown, indexOf: InterfaceIndex): number {
  if (typeof value === 'string') return indexOf(value);
  if (typeof value === 'number') return checkInteger(name, value, 0, INT_MAX);
  throw invalidType(name, 'the name of an interface, or its index', value);
}

/** Converts the text value of an option: the name of an interface, or a name that the kernel knows (TCP_CONGESTION …). */
export function optionOfText(
  level: number,
  optname: number,
  text: string,
  indexOf: InterfaceIndex,
): Uint8Array | number {
  const bytes = FORMS.find(([its, name]) => its === level && name === optname)?.[2];
  if (!bytes) throw invalidType('value', 'a number, a boolean or bytes', text);
  return bytes(checkString('value', text), indexOf);
}

const FORMS: readonly [
  level: number,
  optname: number,
  bytes: (text: string, indexOf: InterfaceIndex) => Uint8Array | number,
][] = [
  [SOL_SOCKET, SO_BINDTODEVICE, deviceName],
  // struct ip_mreqn: two unused addresses, then an index
  [IPPROTO_IP, IP_MULTICAST_IF, (text, indexOf) => intBytes(0, 0, indexOf(text))],
  [IPPROTO_IPV6, IPV6_MULTICAST_IF, (text, indexOf) => indexOf(text)],
  // network byte order
  [IPPROTO_IP, IP_UNICAST_IF, (text, indexOf) => htonl(indexOf(text)) | 0],
  [IPPROTO_IPV6, IPV6_UNICAST_IF, (text, indexOf) => htonl(indexOf(text)) | 0],
  [IPPROTO_TCP, TCP_CONGESTION, (text) => Buffer.from(text)],
  [IPPROTO_TCP, TCP_ULP, (text) => Buffer.from(text)],
];

/** Returns the bytes of SO_BINDTODEVICE; '' means no device. */
function deviceName(text: string): Uint8Array {
  // the kernel truncates longer names: the result could name another device
  if (text !== '' && !isInterfaceName(text))
    throw invalidValue('value', "the name of an interface, or '' for none", text);
  return Buffer.from(`${text}\0`);
}
