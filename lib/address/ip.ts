import { isIPv4, isIPv6 } from 'node:net';
import { AF_INET, AF_INET6 } from '../constants/index.js';
import { inet_aton, inet_ntoa, inet_ntop, inet_pton } from './inet.js';

/** The family of an address; 0 for a text that is none. A zone ('%eth0') may follow an IPv6 one. */
export function familyOf(text: string): typeof AF_INET | typeof AF_INET6 | 0 {
  return isIPv4(text) ? AF_INET : isIPv6(text) ? AF_INET6 : 0;
}

/** An address without its zone: 'fe80::1' of 'fe80::1%eth0'. */
export function withoutZone(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}

/** The zone of an address: 'eth0' of 'fe80::1%eth0', '' without one. */
export function zoneOf(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? '' : address.slice(at + 1);
}

/** 4 or 16 bytes in network order. The zone is left out. */
export function ipBytes(address: string): Uint8Array {
  return isIPv4(address) ? inet_pton(AF_INET, address) : inet_pton(AF_INET6, withoutZone(address));
}

/** The text of 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string {
  return bytes.length === 4 ? inet_ntoa(bytes) : inet_ntop(AF_INET6, bytes);
}

/** How Node names AF_INET and AF_INET6. */
export function familyName(family: number): 'IPv4' | 'IPv6' {
  return family === AF_INET ? 'IPv4' : 'IPv6';
}

/** The IPv4 address that inet_aton(3) reads ('127.1' is 127.0.0.1); null for anything else. */
export function inetAton(text: string): string | null {
  if (!/^[\da-fx.]+$/i.test(text)) return null;
  try {
    return inet_ntoa(inet_aton(text));
  } catch {
    return null;
  }
}

/** Whether 16 bytes are an IPv4-mapped address, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
export function isMapped(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 && bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((byte) => byte === 0)
  );
}

/** 16 bytes for any address: an IPv4 one becomes IPv4-mapped. */
export function mappedBytes(address: string): Uint8Array {
  const bytes = ipBytes(address);
  if (bytes.length === 16) return bytes;
  const mapped = new Uint8Array(16);
  mapped.set([255, 255], 10);
  mapped.set(bytes, 12);
  return mapped;
}

/** The name of an address in the DNS: 1.0.0.10.in-addr.arpa (RFC 1035, 3.5), ….ip6.arpa (RFC 3596, 2.5). */
export function reverseName(address: string): string {
  const bytes = ipBytes(address);
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...bytes].reverse().flatMap((byte) => [(byte & 15).toString(16), (byte >> 4).toString(16)]);
  return `${nibbles.join('.')}.ip6.arpa`;
}

export const ANY4 = '0.0.0.0';
export const BROADCAST4 = '255.255.255.255';

/** Whether the text is an address of the loopback: 127.0.0.0/8, ::1. A zone is not looked at. */
export function isLoopback(address: string): boolean {
  const bytes = ipBytes(address);
  return bytes.length === 4 ? bytes[0] === 127 : ipText(bytes) === '::1';
}

/** Whether an address can be that of a host: not any, loopback, multicast, reserved or broadcast. */
export function isHostIPv4(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return bytes.length === 4 && first !== 0 && first !== 127 && first < 224;
}

/** Whether 16 bytes are in fe80::/10 (RFC 4291, 2.5.6). */
export function isLinkLocalIPv6(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** Whether 16 bytes are a unicast address of more than the link; :: and ::1 are not. */
export function isGlobalIPv6(bytes: Uint8Array): boolean {
  const isAnyOrLoopback = bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! < 2;
  return bytes.length === 16 && bytes[0] !== 0xff && !isLinkLocalIPv6(bytes) && !isAnyOrLoopback;
}

/** 24 of the bytes of 255.255.255.0; null where the ones are not all in front. */
export function prefixlenOf(mask: Uint8Array): number | null {
  if (mask.length !== 4) return null;
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const length = bits.indexOf('0') === -1 ? 32 : bits.indexOf('0');
  return bits.slice(length).includes('1') ? null : length;
}
