/** Addresses as text and as bytes, numbers in host and in network order: inet(3), inet_pton(3), byteorder(3). */

import { isIPv4, isIPv6 } from 'node:net';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { checkBytes, checkInteger, checkString, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';

const FAMILIES = 'AF_INET (2) or AF_INET6 (10)';
const IPV4_TEXT = "an IPv4 address such as '10.0.0.1'";
const IPV6_TEXT = "an IPv6 address such as 'fd00::1'";

/**
 * The bytes of an address: inet_pton(3). IPv4 has four decimal numbers without leading zeros, IPv6 takes no zone
 * (`%eth0`).
 * @param family AF_INET or AF_INET6
 * @param text '10.0.0.1', 'fd00::1'
 * @returns 4 or 16 bytes in network order
 * @throws {TypeError} ERR_INVALID_ARG_VALUE where `text` is no address of the family
 */
export function inet_pton(family: number, text: string): Buffer {
  checkFamily(family);
  checkString('addr', text);
  if (family === AF_INET) {
    if (!isIPv4(text)) throw invalidValue('addr', IPV4_TEXT, text);
    return ipv4Bytes(text);
  }
  if (!isIPv6(text) || text.includes('%')) throw invalidValue('addr', IPV6_TEXT, text);
  return ipv6Bytes(text);
}

// each connect and each datagram comes here: no array and no string is made on the way
function ipv4Bytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  let value = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0) {
      value = value * 10 + digit;
    } else {
      bytes[at++] = value;
      value = 0;
    }
  }
  bytes[at] = value;
  return bytes;
}

/**
 * The text of an address: inet_ntop(3), which is RFC 5952 with one more case, `::a.b.c.d` for an address of six zero
 * groups and an IPv4 address after them.
 * @param family AF_INET or AF_INET6
 * @param bytes 4 or 16 in network order
 * @returns '10.0.0.1', 'fd00::1'
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for another number of bytes
 */
export function inet_ntop(family: number, bytes: Uint8Array): string {
  checkFamily(family);
  return family === AF_INET ? inet_ntoa(bytes) : ipv6Text(checkAddressBytes(bytes, 16));
}

/**
 * The bytes of an IPv4 address in any form of inet_aton(3): `127.1`, `0x7f.1`, `017700000001`, `2130706433`.
 * Unlike C, nothing may follow the address: C takes '10.0.0.1 and more'.
 * @returns 4 bytes in network order
 * @throws {TypeError} ERR_INVALID_ARG_VALUE where `text` has none of these forms
 */
export function inet_aton(text: string): Buffer {
  checkString('addr', text);
  const parts = text.split('.').map(atonNumber);
  const last = parts.pop() ?? Number.NaN;
  // the last number fills all the bytes that the others leave
  const lastLimit = 256 ** (4 - parts.length);
  if (parts.length > 3 || !parts.every((part) => part < 256) || !(last < lastLimit)) {
    throw invalidValue('addr', "an IPv4 address such as '10.0.0.1', or a short form such as '127.1'", text);
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(last);
  parts.forEach((part, index) => {
    bytes[index] = part;
  });
  return bytes;
}

/**
 * The text of an IPv4 address: inet_ntoa(3).
 * @param bytes 4 in network order
 * @returns '10.0.0.1'
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for another number of bytes
 */
export function inet_ntoa(bytes: Uint8Array): string {
  const [a, b, c, d] = checkAddressBytes(bytes, 4);
  return `${a}.${b}.${c}.${d}`;
}

/**
 * A number of the host in network order: htons(3).
 * @param value 16 bits
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function htons(value: number): number {
  checkInteger('value', value, 0, 0xffff);
  return IS_LITTLE_ENDIAN ? ((value & 0xff) << 8) | (value >>> 8) : value;
}

/**
 * A number of the network in host order: ntohs(3).
 * @param value 16 bits
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function ntohs(value: number): number {
  return htons(value);
}

/**
 * A number of the host in network order: htonl(3).
 * @param value 32 bits, unsigned
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function htonl(value: number): number {
  checkInteger('value', value, 0, UINT_MAX);
  if (!IS_LITTLE_ENDIAN) return value;
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

/**
 * A number of the network in host order: ntohl(3).
 * @param value 32 bits, unsigned
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function ntohl(value: number): number {
  return htonl(value);
}

export function checkFamily(family: unknown): number {
  if (family === AF_INET || family === AF_INET6) return family;
  throw (typeof family === 'number' ? invalidValue : invalidType)('family', FAMILIES, family);
}

/** A prefix length: 0 to 32 or 128. */
export function checkPrefixlen(name: string, family: number, value: unknown): number {
  return checkInteger(name, value, 0, family === AF_INET ? 32 : 128);
}

function checkAddressBytes(value: Uint8Array, length: 4 | 16): Uint8Array {
  const bytes = checkBytes('bytes', value);
  if (bytes.length !== length) throw invalidValue('bytes', `${length} bytes`, value);
  return bytes;
}

/** Decimal, 0x hexadecimal or 0 octal, as strtoul(3) with base 0; NaN for anything else. */
function atonNumber(text: string): number {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(?:0|[1-9]\d*|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
}

/** Of a text that isIPv6 takes. */
function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const before = groupBytes(head);
  const after = groupBytes(tail ?? '');
  const bytes = Buffer.alloc(16);
  bytes.set(before);
  bytes.set(after, 16 - after.length);
  return bytes;
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  const zeros = longestZeroRun(groups);
  const isMapped = zeros.length === 5 && groups[5] === 0xffff;
  const embedsIpv4 = zeros.start === 0 && (zeros.length === 6 || isMapped);

  const texts = groups.map((group) => group.toString(16));
  if (embedsIpv4) texts.splice(6, 2, bytes.subarray(12).join('.'));
  if (zeros.length < 2) return texts.join(':');
  return `${texts.slice(0, zeros.start).join(':')}::${texts.slice(zeros.start + zeros.length).join(':')}`;
}

/** The first of the longest runs (RFC 5952, 4.2.3). */
function longestZeroRun(groups: number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: index - length + 1, length };
  });
  return longest;
}
