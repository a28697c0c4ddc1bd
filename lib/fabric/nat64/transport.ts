import { IPPROTO_TCP, IPPROTO_UDP } from '../../constants/index.js';

/** The bytes that the header of IPv6 has more than that of IPv4. */
export const IPV6_IS_LONGER = 20;

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

/** Returns where the header of TCP or UDP has its checksum. */
export function transportChecksumAt(protocol: number): number {
  return protocol === IPPROTO_TCP ? 16 : 6;
}

/** Returns what a datagram has in place of a checksum of 0, which would say that there is none: RFC 768. */
export function withUdpRule(protocol: number, checksum: number): number {
  return protocol === IPPROTO_UDP && checksum === 0 ? 0xffff : checksum;
}
