import { ipBytes, ipText } from '../address/ip.js';
import { IPPROTO_UDP } from '../constants/inet.js';
import { checksum } from '../core/internet-checksum.js';
import { concat, Reader, u16 } from './bytes.js';

/** UDP datagram over IPv4, as on a packet socket of type SOCK_DGRAM: it starts with the IP header. */
export interface UdpPacket {
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  payload: Uint8Array;
}

const IP_HEADER = 20;
const UDP_HEADER = 8;
const TTL = 64;

export function encodeUdp(packet: UdpPacket): Uint8Array {
  const { source, sourcePort, destination, destinationPort, payload } = packet;
  const udpLength = UDP_HEADER + payload.length;
  const addresses = concat(ipBytes(source), ipBytes(destination));
  const udp = concat(u16(sourcePort), u16(destinationPort), u16(udpLength), u16(0), payload);
  const pseudoHeader = concat(addresses, Uint8Array.of(0, IPPROTO_UDP), u16(udpLength));
  // a checksum of 0 is sent as all ones: 0 means no checksum (RFC 768)
  udp.set(u16(checksum(concat(pseudoHeader, udp)) || 0xffff), 6);
  const fixed = Uint8Array.of(0x45, 0, ...u16(IP_HEADER + udpLength), 0, 0, 0, 0, TTL, IPPROTO_UDP, 0, 0);
  const ip = concat(fixed, addresses);
  ip.set(u16(checksum(ip)), 10);
  return concat(ip, udp);
}

/**
 * Decodes the UDP datagram in an IPv4 packet. Returns null for another protocol, a fragment, a truncated or damaged header.
 * Ignores the UDP checksum: between interfaces of one machine it is left for the hardware to fill in.
 */
export function decodeUdp(bytes: Uint8Array): UdpPacket | null {
  const first = bytes[0] ?? 0;
  const headerLength = (first & 0x0f) * 4;
  if (first >> 4 !== 4 || headerLength < IP_HEADER || bytes.length < headerLength + UDP_HEADER) return null;
  const header = bytes.subarray(0, headerLength);
  if (checksum(header) !== 0) return null;
  const totalLength = (header[2]! << 8) | header[3]!;
  const fragment = ((header[6]! << 8) | header[7]!) & 0x3fff;
  // short Ethernet frames are padded: bytes after the total length are not part of the packet
  if (totalLength > bytes.length || fragment !== 0 || header[9] !== IPPROTO_UDP) return null;
  const udp = new Reader(bytes.subarray(headerLength, totalLength));
  const sourcePort = udp.u16();
  const destinationPort = udp.u16();
  const length = udp.u16();
  udp.u16();
  if (sourcePort === null || destinationPort === null || length === null || length < UDP_HEADER) return null;
  const payload = udp.take(length - UDP_HEADER);
  if (!payload) return null;
  return {
    source: ipText(header.subarray(12, 16)),
    sourcePort,
    destination: ipText(header.subarray(16, 20)),
    destinationPort,
    payload,
  };
}
