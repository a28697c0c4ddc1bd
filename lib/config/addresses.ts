import { inet_ntop, inet_pton } from '../address/inet.js';
import { AF_INET, AF_INET6 } from '../constants/index.js';

/** Addresses as packets have them: 4 or 16 bytes. */

export const ANY4 = '0.0.0.0';
export const ANY6 = '::';
export const BROADCAST4 = '255.255.255.255';

export function formatIPv4(bytes: Uint8Array): string {
  return inet_ntop(AF_INET, bytes);
}

export function parseIPv4(text: string): Uint8Array {
  return inet_pton(AF_INET, text);
}

export function formatIPv6(bytes: Uint8Array): string {
  return inet_ntop(AF_INET6, bytes);
}

export function parseIPv6(text: string): Uint8Array {
  return inet_pton(AF_INET6, text);
}

/** Whether an address can be that of a host: not any, loopback, multicast, reserved or broadcast. */
export function isHostIPv4(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return bytes.length === 4 && first !== 0 && first !== 127 && first < 224;
}

export function isLinkLocalIPv6(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** Whether an IPv6 address can be used to speak to one host beyond the link. */
export function isGlobalIPv6(bytes: Uint8Array): boolean {
  const isAnyOrLoopback = bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! < 2;
  return bytes.length === 16 && bytes[0] !== 0xff && !isLinkLocalIPv6(bytes) && !isAnyOrLoopback;
}

/** 24 for 255.255.255.0; null where the ones are not all in front. */
export function prefixlenOf(mask: Uint8Array): number | null {
  if (mask.length !== 4) return null;
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const length = bits.indexOf('0') === -1 ? 32 : bits.indexOf('0');
  return bits.slice(length).includes('1') ? null : length;
}

/** The prefix length of an address's class (RFC 791), for servers that give no mask. */
export function classPrefixlen(address: Uint8Array): number {
  const first = address[0] ?? 0;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}
