import { IPPROTO_FRAGMENT, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP } from '../../constants/inet.js';
import { checksum, updatedChecksum, wordSum } from '../../core/internet-checksum.js';
import { Headers, u16 } from '../headers.js';
import { errorMessage, errorToIpv6 } from './icmp-errors.js';
import type { InsideHosts } from './inside-hosts.js';
import { copyTransport, DONT_FRAGMENT, echoType, isEcho4, MORE_FRAGMENTS } from './transport.js';

const HEADER = 40;
const FRAGMENT_HEADER = 8;
const OFFSET = 0x1fff;
const MAX_PACKET = 65_535;
/** The longest packet that all links of IPv6 carry. Longer ones that may be fragmented are, here: RFC 7915, 4. */
const MIN_MTU = 1280;
const MAX_FRAGMENT_DATA = MIN_MTU - HEADER - FRAGMENT_HEADER;
const MAX_QUOTED = MIN_MTU - HEADER - 8;

/** Translates IPv4 packets into IPv6 packets: RFC 7915, 4. */
export class ToIpv6 {
  readonly #quoted = new Headers();

  constructor(readonly hosts: InsideHosts) {}

  /** Returns the packet, its fragments, or why there is none. Wrong checksums stay wrong. */
  translate(frame: Buffer, headers: Headers): Buffer[] | string {
    if (headers.family !== 4 || endOf(frame, headers) > headers.end) return 'malformed';
    const parts = this.#parts(frame, headers, false);
    if (typeof parts === 'string') return parts;
    const [header, data] = parts;
    const flags = u16(frame, headers.network + 6);
    const isTooLong = (flags & DONT_FRAGMENT) === 0 && HEADER + data.length > MIN_MTU;
    if (!headers.isFragment && !isTooLong) return [packetOf(header, data, data.length)];
    const offset = (flags & OFFSET) * 8;
    if (offset + data.length > MAX_PACKET) return 'malformed';
    const identification = u16(frame, headers.network + 4);
    return pieces(data).map(([at, piece, isLast]) => {
      const hasMore = !isLast || (flags & MORE_FRAGMENTS) !== 0;
      return fragmentOf(header, piece, piece.length, { offset: offset + at, hasMore, identification });
    });
  }

  /** Returns the header, whose length is missing, and what follows it. */
  #parts(frame: Buffer, headers: Headers, isQuoted: boolean): [header: Buffer, data: Buffer] | string {
    const { network, protocol, transport } = headers;
    const start = transport < 0 ? headers.payload : transport;
    const header = Buffer.alloc(HEADER);
    header.writeUInt16BE(0x6000 | (frame[network + 1]! << 4), 0);
    header[6] = protocol === IPPROTO_ICMP ? IPPROTO_ICMPV6 : protocol;
    header[7] = frame[network + 8]!;
    const [source, destination] = [frame.readUInt32BE(network + 12), frame.readUInt32BE(network + 16)];
    if (!this.hosts.toIpv6(source, header, 8) || !this.hosts.toIpv6(destination, header, 24)) return 'no such host';
    const data = this.#data(frame, headers, start, header, isQuoted);
    return typeof data === 'string' ? data : [header, data];
  }

  #data(frame: Buffer, headers: Headers, start: number, header: Buffer, isQuoted: boolean): Buffer | string {
    const { network, protocol } = headers;
    if (protocol === IPPROTO_ICMP) return this.#icmp(frame, headers, start, header, isQuoted);
    return copyTransport(frame, headers, start, isQuoted, (before, data) => {
      const addresses = wordSum(header, 8, HEADER);
      if (protocol !== IPPROTO_UDP || before !== 0) {
        return updatedChecksum(before, wordSum(frame, network + 12, network + 20), addresses);
      }
      if (isQuoted) return undefined;
      if (headers.isFragment) return 'no checksum';
      // RFC 7915, 4.5
      return updatedChecksum(0xffff, 0, addresses + data.length + IPPROTO_UDP + wordSum(data, 0, data.length));
    });
  }

  #icmp(frame: Buffer, headers: Headers, start: number, header: Buffer, isQuoted: boolean): Buffer | string {
    // its checksum would need all fragments: RFC 7915, 1.2
    if (headers.isFragment) return 'a fragment of ICMP';
    const data = Buffer.from(frame.subarray(start, headers.end));
    if (data.length < 8) return 'malformed';
    const [type, code] = [data[0]!, data[1]!];
    if (isEcho4(type)) {
      const before = u16(data, 0);
      data[0] = echoType(type);
      const pseudo = wordSum(header, 8, HEADER) + endOf(frame, headers) - start + IPPROTO_ICMPV6;
      data.writeUInt16BE(updatedChecksum(u16(data, 2), before, u16(data, 0) + pseudo), 2);
      return data;
    }
    const error = isQuoted ? undefined : errorToIpv6({ type, code, rest: data.readUInt32BE(4) });
    if (!error) return `ICMP type ${type}, code ${code}`;
    if (checksum(data) !== 0) return 'a wrong checksum';
    const quoted = this.#quotedPacket(frame, headers);
    if (typeof quoted === 'string') return `the quoted packet: ${quoted}`;
    const message = errorMessage(error, quoted.subarray(0, MAX_QUOTED));
    const pseudo = wordSum(header, 8, HEADER) + message.length + IPPROTO_ICMPV6;
    message.writeUInt16BE(updatedChecksum(0xffff, 0, pseudo + wordSum(message, 0, message.length)), 2);
    return message;
  }

  #quotedPacket(frame: Buffer, error: Headers): Buffer | string {
    const quoted = this.#quoted;
    quoted.parseQuoted(frame, error);
    if (quoted.family !== 4) return 'malformed';
    const parts = this.#parts(frame, quoted, true);
    if (typeof parts === 'string') return parts;
    const [header, data] = parts;
    const size = endOf(frame, quoted) - (quoted.transport < 0 ? quoted.payload : quoted.transport);
    if (!quoted.isFragment) return packetOf(header, data, size);
    const flags = u16(frame, quoted.network + 6);
    return fragmentOf(header, data, size, {
      offset: (flags & OFFSET) * 8,
      hasMore: (flags & MORE_FRAGMENTS) !== 0,
      identification: u16(frame, quoted.network + 4),
    });
  }
}

interface Fragment {
  /** In bytes. */
  readonly offset: number;
  readonly hasMore: boolean;
  readonly identification: number;
}

/** Returns a packet with its length, which is more than that of a quoted packet whose end is missing. */
function packetOf(header: Buffer, data: Buffer, size: number): Buffer {
  header.writeUInt16BE(size, 4);
  return Buffer.concat([header, data]);
}

/** Returns a fragment: RFC 8200, 4.5. */
function fragmentOf(header: Buffer, data: Buffer, size: number, fragment: Fragment): Buffer {
  const own = Buffer.from(header);
  const extension = Buffer.alloc(FRAGMENT_HEADER);
  extension[0] = header[6]!;
  extension.writeUInt16BE(fragment.offset | (fragment.hasMore ? 1 : 0), 2);
  extension.writeUInt32BE(fragment.identification, 4);
  own[6] = IPPROTO_FRAGMENT;
  return packetOf(own, Buffer.concat([extension, data]), size + FRAGMENT_HEADER);
}

/** Splits the data of a packet, or of a fragment, into parts that all links carry. */
function pieces(data: Buffer): [at: number, piece: Buffer, isLast: boolean][] {
  const count = Math.max(1, Math.ceil(data.length / MAX_FRAGMENT_DATA));
  return Array.from({ length: count }, (_, i) => {
    const at = i * MAX_FRAGMENT_DATA;
    return [at, data.subarray(at, at + MAX_FRAGMENT_DATA), i === count - 1];
  });
}

/** Returns where an IPv4 packet says that it ends. */
function endOf(frame: Buffer, { network }: Headers): number {
  return network + u16(frame, network + 2);
}
