import { isIPv4 } from 'node:net';
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { IothError } from '../core/errors.js';
import { checkBytes, checkInteger, INT_MAX, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';
import { hostAndPort } from './host-and-port.js';
import { inet_ntop, inet_pton } from './inet.js';
import { BROADCAST4 } from './ip.js';
import { formatMac, parseMac } from './mac.js';

/**
 * An address that ioth returns, in Node's form. It is frozen, so that all packets of a peer can share one object.
 *
 * `address` is the IP address, the path of a unix socket ('' if it is unnamed, with a leading NUL in the abstract name space)
 * or the MAC address of a packet socket's peer. A receive on a TCP socket names no sender: '' too. `port` is 0 if the family has no ports.
 */
export interface Address {
  readonly family: 'IPv4' | 'IPv6' | 'Unix' | 'Packet' | 'Netlink';
  readonly address: string;
  readonly port: number;
  /** The flow label; IPv6 only. */
  readonly flowinfo?: number;
  /** The interface index of a link-local address, else 0; IPv6 only. */
  readonly scopeid?: number;
  /** The interface index, the Ethernet type, PACKET_HOST and so on, ARPHRD_ETHER and so on; packet only. */
  readonly ifindex?: number;
  readonly protocol?: number;
  readonly pkttype?: number;
  readonly hatype?: number;
  /** The port id and the multicast groups; netlink only. */
  readonly pid?: number;
  readonly groups?: number;
}

/**
 * The forms of an IP address as input. As a string it is '10.0.0.1:80', '[fd00::1]:80' or '[fe80::1%vde0]:80'. The host '' is
 * the any-address. The stack's own resolver resolves a name.
 */
export type InetAddressInput =
  | readonly [host: string, port: number, flowinfo?: number, scopeid?: number | string]
  | (InetAddressFields & { readonly host: string })
  | (InetAddressFields & { readonly address: string })
  | string;

/** The fields of an IP address input besides its host. */
export interface InetAddressFields {
  readonly port: number;
  readonly flowinfo?: number;
  /** The interface of a link-local address, by index or name; IPv6 only. */
  readonly scopeid?: number | string;
}

/** The address of a packet socket; see packet(7). `protocol` is an ETH_P_ number, 0 by default. */
export interface PacketAddressInput {
  /** The interface, by index or name; 0 for all. */
  readonly ifindex: number | string;
  readonly protocol?: number;
  /** The MAC address to send to. */
  readonly address?: string | Uint8Array;
}

/** A netlink address. Both numbers are 0 by default; pid 0 is the kernel. */
export interface NetlinkAddressInput {
  readonly pid?: number;
  readonly groups?: number;
}

/** The forms of an address as input: IP, the path of a unix socket (string, bytes or { path }), packet or netlink. */
export type AddressInput =
  | InetAddressInput
  | string
  | Uint8Array
  | { readonly path: string | Uint8Array }
  | PacketAddressInput
  | NetlinkAddressInput
  | Address;

/** A `struct sockaddr` for C. */
export interface Sockaddr {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** The address, for error messages. */
  readonly address: string;
  readonly port?: number;
}

/** `sizeof(struct sockaddr_storage)`. */
export const SOCKADDR_SIZE = 128;

const FAMILY_NAMES: Readonly<Record<number, Address['family']>> = {
  [AF_INET]: 'IPv4',
  [AF_INET6]: 'IPv6',
  [AF_UNIX]: 'Unix',
  [AF_PACKET]: 'Packet',
  [AF_NETLINK]: 'Netlink',
};
const SIZEOF_IN = 16;
const SIZEOF_IN6 = 28;
const SIZEOF_LL = 20;
const SIZEOF_NL = 12;
const UNIX_PATH_MAX = 108;

/** Returns the index of an interface name, from a zone such as 'fe80::1%vde0'. */
export type IndexOfInterface = (ifname: string) => number;

/** Encodes an address for a socket of `family`. IP hosts must be numeric: see {@link isNumericHost}. */
export function encodeSockaddr(family: number, input: unknown, indexOf: IndexOfInterface, name = 'addr'): Sockaddr {
  switch (family) {
    case AF_INET:
    case AF_INET6:
      return encodeInet(family, input, indexOf, name);
    case AF_UNIX:
      return encodeUnix(input, name);
    case AF_PACKET:
      return encodePacket(input, indexOf, name);
    case AF_NETLINK:
      return encodeNetlink(input, name);
    default:
      if (input instanceof Uint8Array) return sockaddrOf(input, '');
      throw invalidValue(name, `the bytes of a sockaddr (ioth does not know address family ${family})`, input);
  }
}

/** Returns zeroed bytes that begin with the family. */
function newSockaddr(family: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size).fill(0);
  if (IS_LITTLE_ENDIAN) bytes.writeUInt16LE(family);
  else bytes.writeUInt16BE(family);
  return bytes;
}

function sockaddrOf(bytes: Uint8Array, address: string): Sockaddr {
  return { bytes, length: bytes.length, address };
}

function encodeInet(family: number, input: unknown, indexOf: IndexOfInterface, name: string): Sockaddr {
  const { host, port, flowinfo, scopeid } = hostAndPort(name, input);
  const [text, zone] = splitZone(family, host);
  const bytes = newSockaddr(family, family === AF_INET ? SIZEOF_IN : SIZEOF_IN6);
  bytes.writeUInt16BE(port, 2);
  if (family === AF_INET) {
    if (text !== '') bytes.set(inet_pton(AF_INET, text === '<broadcast>' ? BROADCAST4 : text), 4);
  } else {
    bytes.writeUInt32BE(flowinfo, 4);
    if (text !== '') bytes.set(inet_pton(AF_INET6, text), 8);
    writeHost32(bytes, zone === undefined ? indexOfScope(scopeid, indexOf) : indexOfZone(name, zone, indexOf), 24);
  }
  return { bytes, length: bytes.length, address: host, port };
}

// RFC 4007, section 11: only IPv6 has zones
function splitZone(family: number, host: string): [text: string, zone: string | undefined] {
  const at = family === AF_INET6 ? host.indexOf('%') : -1;
  return at < 0 ? [host, undefined] : [host.slice(0, at), host.slice(at + 1)];
}

function indexOfZone(name: string, zone: string, indexOf: IndexOfInterface): number {
  return /^\d+$/.test(zone) ? checkInteger(`${name} zone`, Number(zone), 0, UINT_MAX) : indexOf(zone);
}

function indexOfScope(scopeid: number | string, indexOf: IndexOfInterface): number {
  return typeof scopeid === 'number' ? scopeid : indexOf(scopeid);
}

/** Returns whether a host is '' or looks like an address, and needs no resolver. It may still be malformed. */
export function isNumericHost(family: number, host: string): boolean {
  if (host === '' || host === '<broadcast>') return true;
  return family === AF_INET ? isIPv4(host) : host.includes(':');
}

function encodeUnix(input: unknown, name: string): Sockaddr {
  const given = typeof input === 'object' && input !== null && 'path' in input ? input.path : input;
  const isAddress = typeof given === 'object' && given !== null && 'address' in given;
  const path = isAddress ? given.address : given;
  if (typeof path !== 'string' && !ArrayBuffer.isView(path)) {
    throw invalidType(name, 'the path of a unix socket, as a string or bytes', input);
  }
  const raw = typeof path === 'string' ? Buffer.from(path) : checkBytes(name, path);
  // A path ends with a NUL. An abstract name begins with a NUL and does not end with one. An empty name has none: bind chooses
  // a name then (unix(7)).
  const isAbstract = raw.length === 0 || raw[0] === 0;
  const max = isAbstract ? UNIX_PATH_MAX : UNIX_PATH_MAX - 1;
  if (raw.length > max) throw invalidValue(name, `a path of at most ${max} bytes`, path);
  if (!isAbstract && raw.includes(0)) throw invalidValue(name, 'a path without NUL characters', path);
  const bytes = newSockaddr(AF_UNIX, 2 + raw.length + (isAbstract ? 0 : 1));
  bytes.set(raw, 2);
  return sockaddrOf(bytes, Buffer.from(raw).toString());
}

function isPair(input: unknown): input is [unknown, unknown] {
  return Array.isArray(input) && input.length === 2;
}

function encodePacket(input: unknown, indexOf: IndexOfInterface, name: string): Sockaddr {
  const given: unknown = isPair(input) ? { ifindex: input[0], protocol: input[1] } : input;
  if (typeof given !== 'object' || given === null || !('ifindex' in given)) {
    throw invalidType(name, '{ ifindex, protocol, address } or [ifname, protocol]', input);
  }
  const { ifindex, protocol = 0, address = '' } = given as Record<string, unknown>;
  const bytes = newSockaddr(AF_PACKET, SIZEOF_LL);
  bytes.writeUInt16BE(checkInteger(`${name} protocol`, protocol, 0, 0xffff), 2);
  const index = typeof ifindex === 'string' ? indexOf(ifindex) : checkInteger(`${name} ifindex`, ifindex, 0, INT_MAX);
  writeHost32(bytes, index, 4);
  if (address !== '') {
    const mac = parseMac(address as string | Uint8Array);
    bytes[11] = mac.length;
    bytes.set(mac, 12);
  }
  return sockaddrOf(bytes, typeof address === 'string' ? address : formatMac(bytes.subarray(12, 18)));
}

function encodeNetlink(input: unknown, name: string): Sockaddr {
  if (typeof input !== 'object' || input === null) throw invalidType(name, '{ pid, groups }', input);
  const { pid = 0, groups = 0 } = input as Record<string, unknown>;
  const bytes = newSockaddr(AF_NETLINK, SIZEOF_NL);
  writeHost32(bytes, checkInteger(`${name} pid`, pid, 0, UINT_MAX), 4);
  writeHost32(bytes, checkInteger(`${name} groups`, groups, 0, UINT_MAX), 8);
  return sockaddrOf(bytes, String(pid));
}

/**
 * Decodes a sockaddr that C wrote. Accepts any bytes.
 * @param length the length that C returned; may exceed the bytes
 * @param socketFamily the family of an address of 0 bytes
 * @throws {IothError} EAFNOSUPPORT for a family that ioth does not know, EBADMSG for a sockaddr that is cut short
 */
export function decodeSockaddr(bytes: Uint8Array, length: number, socketFamily: number = AF_UNIX): Address {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, Math.max(0, Math.min(length, bytes.byteLength)));
  // an unbound unix socket sends without an address, and a connected stream has none for each receive
  if (view.length === 0) return Object.freeze({ family: FAMILY_NAMES[socketFamily] ?? 'Unix', address: '', port: 0 });
  if (view.length < 2) throw cutShort(0);
  const family = readHost16(view, 0);
  switch (family) {
    case AF_INET:
      return decodeInet(atLeast(8, view, family));
    case AF_INET6:
      return decodeInet6(atLeast(SIZEOF_IN6, view, family));
    case AF_UNIX:
      return decodeUnix(view);
    case AF_PACKET:
      return decodePacket(atLeast(12, view, family));
    case AF_NETLINK:
      return decodeNetlink(atLeast(SIZEOF_NL, view, family));
    default:
      throw new IothError('EAFNOSUPPORT', { syscall: 'sockaddr', hint: `ioth does not know address family ${family}` });
  }
}

function atLeast(size: number, view: Buffer, family: number): Buffer {
  if (view.length < size) throw cutShort(family);
  return view;
}

function cutShort(family: number): IothError {
  return new IothError('EBADMSG', { syscall: 'sockaddr', hint: `a sockaddr of family ${family} is cut short` });
}

function decodeInet(view: Buffer): Address {
  const address = `${view[4]}.${view[5]}.${view[6]}.${view[7]}`;
  return Object.freeze({ family: 'IPv4', address, port: view.readUInt16BE(2) });
}

function decodeInet6(view: Buffer): Address {
  return Object.freeze({
    family: 'IPv6',
    address: inet_ntop(AF_INET6, view.subarray(8, 24)),
    port: view.readUInt16BE(2),
    flowinfo: view.readUInt32BE(4) & 0xfffff,
    scopeid: readHost32(view, 24),
  });
}

function decodeUnix(view: Buffer): Address {
  const raw = view.subarray(2);
  const end = raw[0] === 0 ? raw.length : raw.indexOf(0);
  return Object.freeze({ family: 'Unix', address: raw.toString('utf8', 0, end < 0 ? raw.length : end), port: 0 });
}

function decodePacket(view: Buffer): Address {
  const macLength = Math.min(view[11] ?? 0, view.length - 12, 8);
  return Object.freeze({
    family: 'Packet',
    address: formatMac(view.subarray(12, 12 + macLength)),
    port: 0,
    ifindex: readHost32(view, 4),
    protocol: view.readUInt16BE(2),
    pkttype: view[10] ?? 0,
    hatype: readHost16(view, 8),
  });
}

function decodeNetlink(view: Buffer): Address {
  return Object.freeze({
    family: 'Netlink',
    address: '',
    port: 0,
    pid: readHost32(view, 4),
    groups: readHost32(view, 8),
  });
}

function readHost16(view: Buffer, offset: number): number {
  return IS_LITTLE_ENDIAN ? view.readUInt16LE(offset) : view.readUInt16BE(offset);
}

function readHost32(view: Buffer, offset: number): number {
  return IS_LITTLE_ENDIAN ? view.readUInt32LE(offset) : view.readUInt32BE(offset);
}

function writeHost32(view: Buffer, value: number, offset: number): void {
  if (IS_LITTLE_ENDIAN) view.writeUInt32LE(value, offset);
  else view.writeUInt32BE(value, offset);
}
