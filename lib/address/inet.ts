/** Addresses as text and as bytes, numbers in host and in network byte order: inet(3), inet_pton(3), byteorder(3). */

import { isIPv4, isIPv6 } from 'node:net';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN } from '../core/byte-order.js';
import { checkBytes, checkInteger, checkString, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';

const FAMILIES = 'AF_INET (2) or AF_INET6 (10)';
const IPV4_TEXT = "an IPv4 address such as '10.0.0.1'";
const IPV6_TEXT = "an IPv6 address such as 'fd00::1'";

/**
 * Converts an address from text to bytes: inet_pton(3). IPv4 takes four decimal numbers without leading zeros, IPv6 takes
 * no zone (`%eth0`).
 * @param family AF_INET or AF_INET6
 * @param text '10.0.0.1', 'fd00::1'
 * @returns 4 or 16 bytes in network byte order
 * @throws {TypeError} ERR_INVALID_ARG_VALUE if `text` is not an address of the family
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

// runs for each connect and each datagram: allocates no array and no string
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
 * Converts an address from bytes to text: inet_ntop(3). This is RFC 5952 with one more case, `::a.b.c.d` for six zero groups
 * followed by an IPv4 address.
 * @param family AF_INET or AF_INET6
 * @param bytes 4 or 16 bytes in network byte order
 * @returns '10.0.0.1', 'fd00::1'
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for another number of bytes
 */
export function inet_ntop(family: number, bytes: Uint8Array): string {
  checkFamily(family);
  return family === AF_INET ? inet_ntoa(bytes) : ipv6Text(checkAddressBytes(bytes, 16));
}

/**
 * Converts an IPv4 address from text to bytes, in any form of inet_aton(3): `127.1`, `0x7f.1`, `017700000001`, `2130706433`.
 * Nothing may follow the address, but C accepts '10.0.0.1 and more'.
 * @returns 4 bytes in network byte order
 * @throws {TypeError} ERR_INVALID_ARG_VALUE if `text` has none of these forms
 */
export function inet_aton(text: string): Buffer {
  checkString('addr', text);
  const parts = text.split('.').map(atonNumber);
  const last = parts.pop() ?? Number.NaN;
  // the last number fills all remaining bytes
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
 * Converts an IPv4 address from bytes to text: inet_ntoa(3).
 * @param bytes 4 bytes in network byte order
 * @returns '10.0.0.1'
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for another number of bytes
 */
export function inet_ntoa(bytes: Uint8Array): string {
  const [a, b, c, d] = checkAddressBytes(bytes, 4);
  return `${a}.${b}.${c}.${d}`;
}

/**
 * Converts a number from host to network byte order: htons(3).
 * @param value 16 bits, unsigned
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function htons(value: number): number {
  checkInteger('value', value, 0, 0xffff);
  return IS_LITTLE_ENDIAN ? ((value & 0xff) << 8) | (value >>> 8) : value;
}

/**
 * Converts a number from network to host byte order: ntohs(3).
 * @param value 16 bits, unsigned
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function ntohs(value: number): number {
  return htons(value);
}

/**
 * Converts a number from host to network byte order: htonl(3).
 * @param value 32 bits, unsigned
 * @throws {RangeError} ERR_OUT_OF_RANGE
 */
export function htonl(value: number): number {
  checkInteger('value', value, 0, UINT_MAX);
  if (!IS_LITTLE_ENDIAN) return value;
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

/**
 * Converts a number from network to host byte order: ntohl(3).
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

/** Checks a prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6. */
export function checkPrefixlen(name: string, family: number, value: unknown): number {
  return checkInteger(name, value, 0, family === AF_INET ? 32 : 128);
}

function checkAddressBytes(value: Uint8Array, length: 4 | 16): Uint8Array {
  const bytes = checkBytes('bytes', value);
  if (bytes.length !== length) throw invalidValue('bytes', `${length} bytes`, value);
  return bytes;
}

/** Reads a decimal, 0x hexadecimal or 0 octal number, like strtoul(3) with base 0. Returns NaN for anything else. */
function atonNumber(text: string): number {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(?:0|[1-9]\d*|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
}

/** Returns the bytes of a text that `isIPv6` accepts. */
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

/** Finds the first of the longest runs (RFC 5952, 4.2.3). */
function longestZeroRun(groups: number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: index - length + 1, length };
  });
  return longest;
}
