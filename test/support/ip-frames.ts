/** Ethernet frames with IPv4 packets, made by hand for the tests, with checksums that are right. */

import { checksum } from '../../lib/core/internet-checksum.js';

const ROUTER_MAC = '020000000001';
const OTHER_MAC = '020000000002';

export interface PacketOptions {
  data?: string;
  /** The identification, the flags and the offset of a fragment. */
  id?: number;
  fragment?: number;
  /** Flags of TCP. */
  flags?: number;
  ttl?: number;
  /** False for a UDP datagram without a checksum. */
  hasChecksum?: boolean;
  toRouter?: boolean;
}

export const IN = { toRouter: true } as const;

function addressBytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function endpoint(text: string): [Buffer, number] {
  const [address = '', port = '0'] = text.split(':');
  return [addressBytes(address), Number(port)];
}

/** The checksum of a transport protocol, with its pseudo-header: RFC 768. */
function transportChecksum(from: Buffer, to: Buffer, protocol: number, segment: Buffer): number {
  const length = Buffer.alloc(4);
  length.writeUInt16BE(segment.length, 2);
  length[1] = protocol;
  return checksum(Buffer.concat([from, to, length, segment]));
}

export function ipPacket(
  protocol: number,
  from: Buffer,
  to: Buffer,
  payload: Buffer,
  options: PacketOptions = {},
): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(options.id ?? 0, 4);
  header.writeUInt16BE(options.fragment ?? 0x4000, 6);
  header[8] = options.ttl ?? 64;
  header[9] = protocol;
  from.copy(header, 12);
  to.copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

export function frameOf(packet: Buffer, { toRouter = false }: PacketOptions = {}): Buffer {
  const macs = toRouter ? ROUTER_MAC + OTHER_MAC : OTHER_MAC + ROUTER_MAC;
  return Buffer.concat([Buffer.from(`${macs}0800`, 'hex'), packet]);
}

export function udpSegment(
  from: string,
  to: string,
  { data = 'hello', hasChecksum = true }: PacketOptions = {},
): Buffer {
  const [source, port] = endpoint(from);
  const [destination, toPort] = endpoint(to);
  const segment = Buffer.concat([Buffer.alloc(8), Buffer.from(data)]);
  segment.writeUInt16BE(port, 0);
  segment.writeUInt16BE(toPort, 2);
  segment.writeUInt16BE(segment.length, 4);
  if (hasChecksum) segment.writeUInt16BE(transportChecksum(source, destination, 17, segment) || 0xffff, 6);
  return segment;
}

/** A UDP datagram: udp('10.0.0.1:5000', '10.0.0.2:53'). */
export function udp(from: string, to: string, options: PacketOptions = {}): Buffer {
  const packet = ipPacket(17, endpoint(from)[0], endpoint(to)[0], udpSegment(from, to, options), options);
  return frameOf(packet, options);
}

/** The fragments of a UDP datagram, the first one first. */
export function udpFragments(from: string, to: string, id: number, options: PacketOptions = {}): Buffer[] {
  const segment = udpSegment(from, to, { ...options, data: 'x'.repeat(40) });
  return [0, 16, 32].map((at) => {
    const more = at + 16 < segment.length;
    const part = more ? segment.subarray(at, at + 16) : segment.subarray(at);
    const fragment = (more ? 0x2000 : 0) | (at / 8);
    return frameOf(ipPacket(17, endpoint(from)[0], endpoint(to)[0], part, { ...options, id, fragment }), options);
  });
}

/** A TCP segment. */
export function tcp(from: string, to: string, flags: number, options: PacketOptions = {}): Buffer {
  const [source, port] = endpoint(from);
  const [destination, toPort] = endpoint(to);
  const segment = Buffer.concat([Buffer.alloc(20), Buffer.from(options.data ?? '')]);
  segment.writeUInt16BE(port, 0);
  segment.writeUInt16BE(toPort, 2);
  segment[12] = 0x50;
  segment[13] = flags;
  segment.writeUInt16BE(transportChecksum(source, destination, 6, segment), 16);
  return frameOf(ipPacket(6, source, destination, segment, options), options);
}

/** An ICMP message: type, code, the four bytes behind the checksum, the rest. */
export function icmp(
  from: string,
  to: string,
  type: number,
  code: number,
  rest: number,
  data: Buffer,
  options: PacketOptions = {},
) {
  const message = Buffer.concat([Buffer.alloc(8), data]);
  message[0] = type;
  message[1] = code;
  message.writeUInt32BE(rest, 4);
  message.writeUInt16BE(checksum(message), 2);
  return frameOf(ipPacket(1, addressBytes(from), addressBytes(to), message, options), options);
}

/** An echo request (8) or answer (0) with an identifier. */
export function echo(from: string, to: string, type: 0 | 8, id: number, options?: PacketOptions): Buffer {
  return icmp(from, to, type, 0, id * 0x1_0000 + 1, Buffer.from('ping'), options);
}

/** 'Port unreachable' (3, 3) or another error about a frame that a host got, which quotes all of it, or some bytes. */
export function icmpError(
  from: string,
  to: string,
  about: Buffer,
  { quoted = 28, ...options }: PacketOptions & { quoted?: number } = {},
) {
  return icmp(from, to, 3, 3, 0, about.subarray(14, 14 + quoted), options);
}

/** Returns what is wrong with the checksums of a frame, and of the packet that an ICMP error quotes; '' if nothing is. */
export function wrongChecksums(frame: Buffer): string {
  return wrongIn(frame.subarray(14), 'packet').join(', ');
}

/** Writes the checksum of TCP, UDP or ICMP into the packet of a frame, which is no fragment. */
export function summed(frame: Buffer): Buffer {
  const { protocol, payload, addresses } = partsOf(frame.subarray(14));
  const at = { 1: 2, 58: 2, 6: 16, 17: 6 }[protocol]!;
  payload.writeUInt16BE(0, at);
  const sum = protocol === 1 ? checksum(payload) : transportChecksum(...addresses, protocol, payload);
  payload.writeUInt16BE(protocol === 17 ? sum || 0xffff : sum, at);
  return frame;
}

interface Parts {
  protocol: number;
  /** What the packet says that it carries: less if its end is missing. */
  payload: Buffer;
  addresses: [from: Buffer, to: Buffer];
  /** Whether it has its end, and is no fragment. */
  isWhole: boolean;
}

function partsOf(packet: Buffer): Parts {
  if (packet[0]! >> 4 === 6) {
    const isFragment = packet[6] === 44;
    const length = 40 + packet.readUInt16BE(4);
    return {
      protocol: packet[isFragment ? 40 : 6]!,
      payload: packet.subarray(isFragment ? 48 : 40, length),
      addresses: [packet.subarray(8, 24), packet.subarray(24, 40)],
      isWhole: packet.length >= length && !isFragment,
    };
  }
  const length = packet.readUInt16BE(2);
  return {
    protocol: packet[9]!,
    payload: packet.subarray((packet[0]! & 15) * 4, length),
    addresses: [packet.subarray(12, 16), packet.subarray(16, 20)],
    isWhole: packet.length >= length && (packet.readUInt16BE(6) & 0x3fff) === 0,
  };
}

/** The errors of ICMP and ICMPv6 that the tests make. */
const ERRORS: Readonly<Record<number, readonly number[]>> = { 1: [3, 11, 12], 58: [1, 2, 3, 4] };

function wrongIn(packet: Buffer, what: string): string[] {
  const wrong: string[] = [];
  const isIPv4 = packet[0]! >> 4 !== 6;
  // an error may quote less than a header
  if (packet.length < (isIPv4 ? 20 : 40)) return wrong;
  if (isIPv4 && checksum(packet.subarray(0, (packet[0]! & 15) * 4)) !== 0) wrong.push(`${what}: IP`);
  const { protocol, payload, addresses, isWhole } = partsOf(packet);
  // a quoted packet may say anything about its lengths
  if (!isWhole || payload.length < 8) return wrong;
  const isIcmp = protocol === 1 || protocol === 58;
  if (!(protocol === 17 && payload.readUInt16BE(6) === 0)) {
    const sum = protocol === 1 ? checksum(payload) : transportChecksum(...addresses, protocol, payload);
    if (sum !== 0) wrong.push(`${what}: ${isIcmp ? 'ICMP' : 'transport'}`);
  }
  if (ERRORS[protocol]?.includes(payload[0]!)) wrong.push(...wrongIn(payload.subarray(8), 'quoted packet'));
  return wrong;
}
