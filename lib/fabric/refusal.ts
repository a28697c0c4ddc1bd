import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP } from '../constants/inet.js';
import { checksum } from '../core/internet-checksum.js';
import { type Headers, isIcmp } from './headers.js';
import { TCP_FLAGS } from './tcp-flags.js';

const { FIN, SYN, RST, ACK } = TCP_FLAGS;
const TTL = 64;
const TCP_HEADER = 20;
const ICMP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const DONT_FRAGMENT = 0x4000;
/** The most of an ICMP error with its IP header: RFC 1812, 4.3.2.3, and RFC 4443, 2.4 (c). */
const MAX_ICMP = 576;
const MAX_ICMPV6 = 1280;
/** Type and code of "port unreachable": RFC 792, and RFC 4443, 3.1. */
const PORT_UNREACHABLE = [3, 3] as const;
const PORT_UNREACHABLE_V6 = [1, 4] as const;
/** The messages of ICMP that are no errors: echo, router discovery, timestamp, information, mask (RFC 1122, 3.2.2). */
const ICMP_QUERIES = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18];
/** The ICMPv6 types from here on are no errors (RFC 4443, 2.1), but a redirect gets no error either (2.4 (e.2)). */
const FIRST_ICMPV6_QUERY = 128;
const REDIRECT_V6 = 137;

/**
 * Makes the frame with which a host refuses a packet: a RST for a segment of TCP, else "port unreachable".
 * @returns undefined for a frame that gets none: no IP packet, a group's or a broadcast, a later fragment, an error or a RST
 */
export function refusalOf(frame: Buffer, headers: Headers): Buffer | undefined {
  if (headers.transport < 0 || !isBetweenHosts(frame, headers)) return undefined;
  const isTcp = headers.protocol === IPPROTO_TCP;
  if (isTcp ? headers.flags < 0 || (headers.flags & RST) !== 0 : isIcmp(headers.protocol) && isError(headers)) {
    return undefined;
  }
  const [protocol, data] = isTcp ? [IPPROTO_TCP, resetOf(frame, headers)] : unreachableOf(frame, headers);
  const macs = [frame.subarray(6, 12), frame.subarray(0, 6), frame.subarray(12, headers.network)];
  return Buffer.concat([...macs, packetTo(frame, headers, protocol, data)]);
}

/** Returns whether sender and receiver are single hosts: RFC 1122, 3.2.2, and RFC 4443, 2.4 (e). */
function isBetweenHosts(frame: Buffer, { family, fromAddress, toAddress }: Headers): boolean {
  // both MACs, of which a group's has the lowest bit
  if (((frame[0]! | frame[6]!) & 1) !== 0) return false;
  return isUnicast(frame, family, fromAddress) && isUnicast(frame, family, toAddress);
}

function isUnicast(frame: Buffer, family: number, at: number): boolean {
  const first = frame[at]!;
  if (family === 4) return first !== 0 && first < 224;
  return first !== 0xff && !frame.subarray(at, at + 16).every((byte) => byte === 0);
}

function isError({ protocol, icmpType }: Headers): boolean {
  if (protocol === IPPROTO_ICMP) return !ICMP_QUERIES.includes(icmpType);
  return icmpType < FIRST_ICMPV6_QUERY || icmpType === REDIRECT_V6;
}

/** Returns the segment that resets the connection: RFC 9293, 3.5.2. */
function resetOf(frame: Buffer, { transport, payload, end, flags, fromPort, toPort }: Headers): Buffer {
  const segment = Buffer.alloc(TCP_HEADER);
  segment.writeUInt16BE(toPort, 0);
  segment.writeUInt16BE(fromPort, 2);
  segment[12] = (TCP_HEADER / 4) << 4;
  if (flags & ACK) {
    frame.copy(segment, 4, transport + 8, transport + 12);
    segment[13] = RST;
  } else {
    const size = end - payload + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
    segment.writeUInt32BE((frame.readUInt32BE(transport + 4) + size) >>> 0, 8);
    segment[13] = RST | ACK;
  }
  return segment;
}

/** Returns the message "port unreachable", with as much of the packet as goes in. */
function unreachableOf(frame: Buffer, { family, network, end }: Headers): [protocol: number, data: Buffer] {
  const header = Buffer.alloc(ICMP_HEADER);
  header.set(family === 4 ? PORT_UNREACHABLE : PORT_UNREACHABLE_V6);
  const room = family === 4 ? MAX_ICMP - IPV4_HEADER - ICMP_HEADER : MAX_ICMPV6 - IPV6_HEADER - ICMP_HEADER;
  const message = Buffer.concat([header, frame.subarray(network, Math.min(end, network + room))]);
  return [family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, message];
}

/** Returns the IP packet to the sender of `frame`. Writes the checksum of its data. */
function packetTo(frame: Buffer, headers: Headers, protocol: number, data: Buffer): Buffer {
  const { family, fromAddress, toAddress, addressLength } = headers;
  const addresses = Buffer.concat([
    frame.subarray(toAddress, toAddress + addressLength),
    frame.subarray(fromAddress, fromAddress + addressLength),
  ]);
  // RFC 9293, 3.1 has 16 bits of both, with the same sum; RFC 8200, 8.1 has 32
  const size = Buffer.alloc(8);
  size.writeUInt32BE(data.length, 0);
  size.writeUInt32BE(protocol, 4);
  // ICMP for IPv4 is the only one without a pseudo header
  const counted = protocol === IPPROTO_ICMP ? data : Buffer.concat([addresses, size, data]);
  data.writeUInt16BE(checksum(counted), protocol === IPPROTO_TCP ? 16 : 2);
  const header = family === 4 ? ipv4Header(protocol, data.length, addresses) : ipv6Header(protocol, data.length);
  return Buffer.concat([header, addresses, data]);
}

/** Returns the header of RFC 791, 3.1 without its addresses, which it has a checksum of. */
function ipv4Header(protocol: number, size: number, addresses: Buffer): Buffer {
  const header = Buffer.alloc(IPV4_HEADER - addresses.length);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_HEADER + size, 2);
  header.writeUInt16BE(DONT_FRAGMENT, 6);
  header[8] = TTL;
  header[9] = protocol;
  header.writeUInt16BE(checksum(Buffer.concat([header, addresses])), 10);
  return header;
}

/** Returns the header of RFC 8200, 3 without its addresses. */
function ipv6Header(protocol: number, size: number): Buffer {
  const header = Buffer.alloc(IPV6_HEADER - 32);
  header[0] = 0x60;
  header.writeUInt16BE(size, 4);
  header[6] = protocol;
  header[7] = TTL;
  return header;
}
