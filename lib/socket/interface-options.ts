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
  TCP_CONGESTION,
  TCP_ULP,
} from '../constants/inet.js';
import { SO_BINDTODEVICE, SOL_SOCKET } from '../constants/socket.js';
import { intBytes } from '../core/byte-order.js';
import { checkInteger, checkString, INT_MAX, invalidType, invalidValue } from '../core/validate.js';
import type { SocketOwner } from './owner.js';

/** Returns the index of an interface that is given by name or by index. @throws {IothError} ENODEV */
export function interfaceIndex(name: string, value: unknown, stack: SocketOwner): number {
  if (typeof value === 'string') return stack.if_nametoindex(value);
  if (typeof value === 'number') return checkInteger(name, value, 0, INT_MAX);
  throw invalidType(name, 'the name of an interface, or its index', value);
}

/** Converts the text value of an option: the name of an interface, or a name that the kernel knows (TCP_CONGESTION …). */
export function optionOfText(level: number, optname: number, text: string, stack: SocketOwner): OptionValue {
  const convert = FORMS.find(([its, name]) => its === level && name === optname)?.[2];
  if (!convert) throw invalidType('value', 'a number, a boolean or bytes', text);
  return convert(checkString('value', text), stack);
}

type OptionValue = Uint8Array | number;
type Convert = (text: string, stack: SocketOwner) => OptionValue;

const FORMS: readonly [level: number, optname: number, convert: Convert][] = [
  [SOL_SOCKET, SO_BINDTODEVICE, deviceName],
  // struct ip_mreqn: two unused addresses, then an index
  [IPPROTO_IP, IP_MULTICAST_IF, (text, stack) => intBytes(0, 0, stack.if_nametoindex(text))],
  [IPPROTO_IPV6, IPV6_MULTICAST_IF, (text, stack) => stack.if_nametoindex(text)],
  // network byte order
  [IPPROTO_IP, IP_UNICAST_IF, (text, stack) => htonl(stack.if_nametoindex(text)) | 0],
  [IPPROTO_IPV6, IPV6_UNICAST_IF, (text, stack) => htonl(stack.if_nametoindex(text)) | 0],
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
