/** Frames as one line of text, in the style of `tcpdump -n -t` with fewer details. Accepts any bytes without an error. */

import { inet_ntop } from '../address/inet.js';
import { formatMac } from '../address/mac.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../constants/inet.js';
import { ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../constants/packet.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { checkBytes } from '../core/validate.js';

/** The text for a frame that is shorter than its headers say. */
const TRUNCATED = 'truncated';

/** Extension headers of IPv6 (RFC 8200, 4): hop-by-hop, routing, destination options. */
const EXTENSIONS = new Set([0, 43, 60]);
const FRAGMENT = 44;
/** The shortest headers of IPv4, TCP and UDP. */
const [IPV4_HEADER, TCP_HEADER, UDP_HEADER] = [20, 20, 8];

/** What is behind a header of a packet. Of a frame that was cut, `bytes` are fewer than `length`. */
interface Payload {
  readonly bytes: Buffer;
  /** The length by the header of IP. */
  readonly length: number;
}

/**
 * Describes a frame.
 * @param frame an Ethernet frame
 * @returns 'ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28', 'IP 10.0.0.1.5000 > 10.0.0.2.80: Flags [S], seq 1, win
 * 64240, length 0', …
 * @throws {TypeError} for a value that is no view of bytes
 */
export function describeFrame(frame: NodeJS.ArrayBufferView): string {
  const view = checkBytes('frame', frame);
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  try {
    return describeType(bytes, 12);
  } catch {
    // a read beyond the end, or a header that ends there
    return `${bytes.length >= 12 ? macs(bytes) : 'frame'}, ${TRUNCATED}, length ${bytes.length}`;
  }
}

function macs(frame: Buffer): string {
  return `${formatMac(frame.subarray(6, 12))} > ${formatMac(frame.subarray(0, 6))}`;
}

function describeType(frame: Buffer, at: number): string {
  const type = frame.readUInt16BE(at);
  const data = frame.subarray(at + 2);
  switch (type) {
    case ETH_P_ARP:
      return describeArp(data);
    case ETH_P_IP:
      return describeIpv4(data);
    case ETH_P_IPV6:
      return describeIpv6(data);
    case ETH_P_8021Q: {
      const tag = data.readUInt16BE(0);
      return `vlan ${tag & 0xfff}, p ${tag >> 13}, ${describeType(frame, at + 4)}`;
    }
  }
  // IEEE 802.3: below 1536 it is a length
  const what = type < 1536 ? '802.3' : `ethertype 0x${type.toString(16).padStart(4, '0')}`;
  return `${macs(frame)}, ${what}, length ${frame.length}`;
}

/** Describes ARP of IPv4 over Ethernet: RFC 826. */
function describeArp(data: Buffer): string {
  const [hardware, protocol, sizes, operation] = [0, 2, 4, 6].map((at) => data.readUInt16BE(at));
  if (hardware !== 1 || protocol !== ETH_P_IP || sizes !== 0x0604)
    return `ARP, hardware ${hardware}, length ${data.length}`;
  const sender = ipv4(data, 14);
  const target = ipv4(data, 24);
  const mac = formatMac(data.subarray(8, 14));
  if (operation === 1) return `ARP, Request who-has ${target} tell ${sender}, length ${data.length}`;
  if (operation === 2) return `ARP, Reply ${sender} is-at ${mac}, length ${data.length}`;
  return `ARP, operation ${operation}, ${sender} > ${target}, length ${data.length}`;
}

/** Returns what is behind the first bytes. @throws {RangeError} if there are not as many */
function behind({ bytes, length }: Payload, size: number): Payload {
  if (size > length) throw new RangeError('a header ends behind its packet');
  return { bytes: bytes.subarray(size), length: length - size };
}

/** Describes IPv4: RFC 791. */
function describeIpv4(data: Buffer): string {
  const version = data.readUInt8(0) >> 4;
  if (version !== 4) return `IP${version}${version === 6 ? ', wrong link-layer encapsulation' : ''} (invalid)`;
  const headerLength = (data.readUInt8(0) & 15) * 4;
  if (headerLength < IPV4_HEADER) return `IP bad-hlen ${headerLength}`;
  const length = data.readUInt16BE(2);
  if (length < headerLength) return `IP bad-len ${length}`;
  const [from, to] = [ipv4(data, 12), ipv4(data, 16)];
  const fragmentOffset = (data.readUInt16BE(6) & 0x1fff) * 8;
  const payload = behind({ bytes: data.subarray(0, length), length }, headerLength);
  const protocol = data.readUInt8(9);
  if (fragmentOffset > 0)
    return `IP ${from} > ${to}: proto ${protocol}, fragment at ${fragmentOffset}, length ${payload.length}`;
  return `IP ${describeTransport(protocol, payload, from, to)}`;
}

/** Describes IPv6: RFC 8200. */
function describeIpv6(data: Buffer): string {
  const version = data.readUInt8(0) >> 4;
  if (version !== 6) return `IP6 version error: ${version} != 6`;
  const [from, to] = [ipv6(data, 8), ipv6(data, 24)];
  const length = data.readUInt16BE(4);
  let payload: Payload = { bytes: data.subarray(40, 40 + length), length };
  let next = data.readUInt8(6);
  while (EXTENSIONS.has(next)) {
    const { bytes } = payload;
    next = bytes.readUInt8(0);
    payload = behind(payload, (bytes.readUInt8(1) + 1) * 8);
  }
  if (next === FRAGMENT) {
    const { bytes } = payload;
    const offset = bytes.readUInt16BE(2) & 0xfff8;
    payload = behind(payload, 8);
    if (offset > 0) return `IP6 ${from} > ${to}: fragment at ${offset}, length ${payload.length}`;
    next = bytes.readUInt8(0);
  }
  return `IP6 ${describeTransport(next, payload, from, to)}`;
}

function describeTransport(protocol: number, payload: Payload, from: string, to: string): string {
  const { bytes, length } = payload;
  switch (protocol) {
    case IPPROTO_TCP:
      return `${from}.${bytes.readUInt16BE(0)} > ${to}.${bytes.readUInt16BE(2)}: ${describeTcp(payload)}`;
    case IPPROTO_UDP:
      return `${from}.${bytes.readUInt16BE(0)} > ${to}.${bytes.readUInt16BE(2)}: ${describeUdp(payload)}`;
    case IPPROTO_ICMP:
      return `${from} > ${to}: ICMP ${describeIcmp(bytes)}, length ${length}`;
    case IPPROTO_ICMPV6:
      return `${from} > ${to}: ICMP6, ${describeIcmp6(bytes)}, length ${length}`;
    default:
      return `${from} > ${to}: proto ${protocol}, length ${length}`;
  }
}

/** Describes UDP: RFC 768. */
function describeUdp({ bytes, length }: Payload): string {
  if (length < UDP_HEADER) return `truncated-udp ${length}`;
  const size = bytes.readUInt16BE(4);
  return size < UDP_HEADER ? `truncated-udplength ${size}` : `UDP, length ${size - UDP_HEADER}`;
}

/** The letters of tcpdump for the flags of RFC 9293, 3.1, in the order of their bits. */
const TCP_FLAGS = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W'];
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

function describeTcp({ bytes: data, length: size }: Payload): string {
  const flags = data.readUInt8(13);
  const letters = TCP_FLAGS.filter((_, bit) => flags & (1 << bit)).join('') || 'none';
  const header = (data.readUInt8(12) >> 4) * 4;
  const length = size - header;
  if (header < TCP_HEADER) return `tcp ${length} [bad hdr length ${header} - too short, < ${TCP_HEADER}]`;
  if (length < 0) return `Flags [${letters}] [bad hdr length ${header} - too long, > ${size}]`;
  const seq = data.readUInt32BE(4);
  const parts = [`Flags [${letters}]`];
  if (length > 0) parts.push(`seq ${seq}:${(seq + length) >>> 0}`);
  else if (flags & (SYN | FIN | RST)) parts.push(`seq ${seq}`);
  if (flags & ACK) parts.push(`ack ${data.readUInt32BE(8)}`);
  parts.push(`win ${data.readUInt16BE(14)}`, `length ${length}`);
  return parts.join(', ');
}

/** Describes ICMP: RFC 792. */
function describeIcmp(data: Buffer): string {
  const [type, code] = [data.readUInt8(0), data.readUInt8(1)];
  if (type === 8 || type === 0) return `echo ${type === 8 ? 'request' : 'reply'}, ${idAndSeq(data)}`;
  if (type === 3) return `${UNREACHABLE[code] ?? `unreachable, code ${code}`}`;
  if (type === 11) return code === 0 ? 'time exceeded in-transit' : 'time exceeded in reassembly';
  return `type ${type}, code ${code}`;
}

const UNREACHABLE: readonly string[] = [
  'net unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'unreachable - need to frag',
];

/** Describes ICMPv6: RFC 4443 (128, 129, errors), RFC 4861 (133 to 137). */
function describeIcmp6(data: Buffer): string {
  const type = data.readUInt8(0);
  if (type === 128 || type === 129) return `echo ${type === 128 ? 'request' : 'reply'}, ${idAndSeq(data)}`;
  if (type === 135) return `neighbor solicitation, who has ${ipv6(data, 8)}`;
  if (type === 136) return `neighbor advertisement, tgt is ${ipv6(data, 8)}`;
  return ICMP6_TYPES[type] ?? `type ${type}, code ${data.readUInt8(1)}`;
}

const ICMP6_TYPES: Partial<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  4: 'parameter problem',
  133: 'router solicitation',
  134: 'router advertisement',
  137: 'redirect',
  143: 'multicast listener report v2',
};

function idAndSeq(data: Buffer): string {
  return `id ${data.readUInt16BE(4)}, seq ${data.readUInt16BE(6)}`;
}

function ipv4(data: Buffer, at: number): string {
  return inet_ntop(AF_INET, data.subarray(at, at + 4));
}

function ipv6(data: Buffer, at: number): string {
  return inet_ntop(AF_INET6, data.subarray(at, at + 16));
}
