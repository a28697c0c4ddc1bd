import { IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import { type Headers, u16 } from '../headers.js';

/** The bytes that the header of IPv6 has more than that of IPv4. */
export const IPV6_IS_LONGER = 20;

/** The flags beside the fragment offset of IPv4: RFC 791, 3.1. */
export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;

const [ECHO_REPLY_4, ECHO_REQUEST_4] = [0, 8];
export const ECHO_REQUEST_6 = 128;
export const ECHO_REPLY_6 = 129;

const ECHO_TYPES: Readonly<Record<number, number>> = {
  [ECHO_REQUEST_4]: ECHO_REQUEST_6,
  [ECHO_REPLY_4]: ECHO_REPLY_6,
  [ECHO_REQUEST_6]: ECHO_REQUEST_4,
  [ECHO_REPLY_6]: ECHO_REPLY_4,
};

/** Returns the type of an echo in the other family. */
export function echoType(type: number): number {
  return ECHO_TYPES[type]!;
}

export function isEcho4(type: number): boolean {
  return type === ECHO_REQUEST_4 || type === ECHO_REPLY_4;
}

/**
 * Copies a packet of TCP or UDP from its header on, with another checksum.
 * @param isQuoted whether an ICMP error quotes it, whose end may be missing
 * @param checksumOf returns the checksum in place of `before`, undefined to keep it, or why there is none
 */
export function copyTransport(
  frame: Buffer,
  { protocol, transport, end }: Headers,
  start: number,
  isQuoted: boolean,
  checksumOf: (before: number, data: Buffer) => number | string | undefined,
): Buffer | string {
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return `protocol ${protocol}`;
  const data = Buffer.from(frame.subarray(start, end));
  if (transport < 0) return data;
  const at = transportChecksumAt(protocol);
  if (data.length < at + 2) return isQuoted ? data : 'malformed';
  const checksum = checksumOf(u16(data, at), data);
  if (typeof checksum === 'string') return checksum;
  if (checksum !== undefined) data.writeUInt16BE(withUdpRule(protocol, checksum), at);
  return data;
}

/** Returns where the header of TCP or UDP has its checksum. */
function transportChecksumAt(protocol: number): number {
  return protocol === IPPROTO_TCP ? 16 : 6;
}

/** Returns what a datagram has in place of a checksum of 0, which would say that there is none: RFC 768. */
function withUdpRule(protocol: number, checksum: number): number {
  return protocol === IPPROTO_UDP && checksum === 0 ? 0xffff : checksum;
}
