import { ipBytes, ipText } from './ip.js';

/** The well-known prefix of IPv6 addresses that stand for IPv4 addresses: RFC 6052, 2.1. */
export const NAT64_PREFIX = '64:ff9b::/96';
/** Its bytes, before those of the IPv4 address. */
export const NAT64_BYTES: Uint8Array = ipBytes('64:ff9b::').subarray(0, 12);

/** Returns the IPv6 address that stands for an IPv4 address. */
export function nat64Address(ipv4: string): string {
  return ipText(Buffer.concat([NAT64_BYTES, ipBytes(ipv4)]));
}

/** Returns whether the 16 bytes at an offset stand for an IPv4 address. */
export function isNat64Address(bytes: Uint8Array, at: number): boolean {
  return NAT64_BYTES.every((byte, i) => bytes[at + i] === byte);
}
