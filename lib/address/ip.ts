import { isIPv4, isIPv6 } from 'node:net';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { inet_aton, inet_ntoa, inet_ntop, inet_pton } from './inet.js';

/** Returns the family of an address; 0 for any other text. A zone ('%eth0') may follow an IPv6 address. */
export function familyOf(text: string): typeof AF_INET | typeof AF_INET6 | 0 {
  return isIPv4(text) ? AF_INET : isIPv6(text) ? AF_INET6 : 0;
}

/** Returns an address without its zone: 'fe80::1' for 'fe80::1%eth0'. */
export function withoutZone(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}

/** Returns the zone of an address: 'eth0' for 'fe80::1%eth0', '' without a zone. */
export function zoneOf(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? '' : address.slice(at + 1);
}

/** Returns the 4 or 16 bytes of an address in network byte order, without its zone. */
export function ipBytes(address: string): Uint8Array {
  return isIPv4(address) ? inet_pton(AF_INET, address) : inet_pton(AF_INET6, withoutZone(address));
}

/** Returns the text of an address of 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string {
  return bytes.length === 4 ? inet_ntoa(bytes) : inet_ntop(AF_INET6, bytes);
}

/** Returns Node's name of AF_INET or AF_INET6. */
export function familyName(family: number): 'IPv4' | 'IPv6' {
  return family === AF_INET ? 'IPv4' : 'IPv6';
}

/** Returns the IPv4 address that inet_aton(3) reads ('127.1' is 127.0.0.1); null for any other text. */
export function inetAton(text: string): string | null {
  if (!/^[\da-fx.]+$/i.test(text)) return null;
  try {
    return inet_ntoa(inet_aton(text));
  } catch {
    return null;
  }
}

/** Returns whether the bytes are an IPv4-mapped address, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
export function isMapped(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 && bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((byte) => byte === 0)
  );
}

/** Returns 16 bytes for any address: an IPv4 address becomes IPv4-mapped. */
export function mappedBytes(address: string): Uint8Array {
  const bytes = ipBytes(address);
  if (bytes.length === 16) return bytes;
  const mapped = new Uint8Array(16);
  mapped.set([255, 255], 10);
  mapped.set(bytes, 12);
  return mapped;
}

/** Returns the name of an address in the DNS: 1.0.0.10.in-addr.arpa (RFC 1035, 3.5), ….ip6.arpa (RFC 3596, 2.5). */
export function reverseName(address: string): string {
  const bytes = ipBytes(address);
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...bytes].reverse().flatMap((byte) => [(byte & 15).toString(16), (byte >> 4).toString(16)]);
  return `${nibbles.join('.')}.ip6.arpa`;
}

/** Splits '10.0.0.1/24' at the slash. The length is undefined without a slash, and NaN if it is not a number. */
export function splitPrefix(text: string): [address: string, length: number | undefined] {
  const slash = text.indexOf('/');
  if (slash < 0) return [text, undefined];
  const digits = text.slice(slash + 1);
  return [text.slice(0, slash), /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN];
}

export const ANY4 = '0.0.0.0';
export const BROADCAST4 = '255.255.255.255';

/** Returns whether a host is a loopback address: 127.0.0.0/8 or ::1. Ignores its zone. The hosts '' and '<broadcast>' are none. */
export function isLoopback(address: string): boolean {
  if (familyOf(address) === 0) return false;
  const bytes = ipBytes(address);
  return bytes.length === 4 ? bytes[0] === 127 : ipText(bytes) === '::1';
}

/** Returns whether a host can have this IPv4 address: not an any, loopback, multicast, reserved or broadcast address. */
export function isHostIPv4(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return bytes.length === 4 && first !== 0 && first !== 127 && first < 224;
}

/** Returns whether an address is in fe80::/10 (RFC 4291, 2.5.6). */
export function isLinkLocalIPv6(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** Returns whether an IPv6 address is unicast and reaches beyond the link; :: and ::1 do not. */
export function isGlobalIPv6(bytes: Uint8Array): boolean {
  const isAnyOrLoopback = bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! < 2;
  return bytes.length === 16 && bytes[0] !== 0xff && !isLinkLocalIPv6(bytes) && !isAnyOrLoopback;
}

/** Returns the netmask of a prefix: `size` bytes, 4 or 16. */
export function netmaskOf(size: number, prefixlen: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => 0xff00 >> Math.min(8, Math.max(0, prefixlen - 8 * i)));
}

/** Returns the prefix length of an IPv4 netmask: 24 for 255.255.255.0; null if a one follows a zero. */
export function prefixlenOf(mask: Uint8Array): number | null {
  if (mask.length !== 4) return null;
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const length = bits.indexOf('0') === -1 ? 32 : bits.indexOf('0');
  return bits.slice(length).includes('1') ? null : length;
}
