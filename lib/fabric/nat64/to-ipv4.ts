import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP } from '../../constants/inet.js';
import { checksum, fold, updatedChecksum, wordSum } from '../../core/internet-checksum.js';
import { Headers, u16 } from '../headers.js';
import { errorMessage, errorToIpv4 } from './icmp-errors.js';
import type { InsideHosts } from './inside-hosts.js';
import { copyTransport, DONT_FRAGMENT, ECHO_REPLY_6, ECHO_REQUEST_6, echoType, MORE_FRAGMENTS } from './transport.js';

const HEADER = 20;
/** Packets up to this length may be fragmented on the way, so that IPv6 keeps its least MTU: RFC 7915, 5.1. */
const MAX_FRAGMENTABLE = 1260;
/** The most of a packet that an ICMP error quotes: RFC 1812, 4.3.2.3. */
const MAX_QUOTED = 576 - HEADER - 8;

/** Translates IPv6 packets into IPv4 packets: RFC 7915, 5. */
export class ToIpv4 {
  readonly #quoted = new Headers();
  #identification = 0;

  constructor(readonly hosts: InsideHosts) {}

  /** Returns the packet, or why there is none. Checksums are updated by what changes, so that wrong ones stay wrong. */
  translate(frame: Buffer, headers: Headers): Buffer | string {
    if (headers.family !== 6 || endOf(frame, headers) > headers.end) return 'malformed';
    return this.#packet(frame, headers, false);
  }

  #packet(frame: Buffer, headers: Headers, isQuoted: boolean): Buffer | string {
    const { network, protocol, transport, fragment, routing } = headers;
    if (routing >= 0 && frame[routing + 3] !== 0) return 'a source route';
    const start = transport < 0 ? headers.payload : transport;
    if (transport < 0 && !headers.isFragment) return 'malformed';
    if (fragment >= 0 && start !== fragment + 8) return 'an extension header in a fragment';
    const [source, destination] = [this.hosts.toIpv4(frame, network + 8), this.hosts.toIpv4(frame, network + 24)];
    if (source < 0 || destination < 0) return 'no IPv4 address';
    const header = Buffer.alloc(HEADER);
    header[0] = 0x45;
    header[1] = (u16(frame, network) >> 4) & 0xff;
    header[8] = frame[network + 7]!;
    header[9] = protocol === IPPROTO_ICMPV6 ? IPPROTO_ICMP : protocol;
    header.writeUInt32BE(source, 12);
    header.writeUInt32BE(destination, 16);
    const data = this.#data(frame, headers, start, header, isQuoted);
    if (typeof data === 'string') return data;
    // the end of a quoted packet may be missing
    const length = HEADER + (isQuoted ? endOf(frame, headers) - start : data.length);
    header.writeUInt16BE(Math.min(0xffff, length), 2);
    this.#writeFragment(frame, headers, header, length);
    header.writeUInt16BE(checksum(header), 10);
    return Buffer.concat([header, data]);
  }

  /** Writes identification, flags and offset. */
  #writeFragment(frame: Buffer, { fragment }: Headers, header: Buffer, length: number): void {
    if (fragment >= 0) {
      const offset = u16(frame, fragment + 2);
      header.writeUInt16BE(u16(frame, fragment + 6), 4);
      header.writeUInt16BE((offset >> 3) | (offset & 1 ? MORE_FRAGMENTS : 0), 6);
    } else if (length > MAX_FRAGMENTABLE) {
      header.writeUInt16BE(DONT_FRAGMENT, 6);
    } else {
      this.#identification = (this.#identification + 1) & 0xffff;
      header.writeUInt16BE(this.#identification, 4);
    }
  }

  #data(frame: Buffer, headers: Headers, start: number, header: Buffer, isQuoted: boolean): Buffer | string {
    const { network, protocol } = headers;
    if (protocol === IPPROTO_ICMPV6) return this.#icmp(frame, headers, start, isQuoted);
    return copyTransport(frame, headers, start, isQuoted, (before) => {
      // IPv6 has no datagrams without a checksum: RFC 8200, 8.1
      if (protocol === IPPROTO_UDP && before === 0) return isQuoted ? undefined : 'no checksum';
      return updatedChecksum(before, wordSum(frame, network + 8, network + 40), wordSum(header, 12, 20));
    });
  }

  #icmp(frame: Buffer, headers: Headers, start: number, isQuoted: boolean): Buffer | string {
    // its checksum would need all fragments: RFC 7915, 1.2
    if (headers.isFragment) return 'a fragment of ICMP';
    const data = Buffer.from(frame.subarray(start, headers.end));
    if (data.length < 8) return 'malformed';
    const pseudo = pseudoSum(frame, headers, start);
    const [type, code] = [data[0]!, data[1]!];
    if (type === ECHO_REQUEST_6 || type === ECHO_REPLY_6) {
      const before = u16(data, 0) + pseudo;
      data[0] = echoType(type);
      data.writeUInt16BE(updatedChecksum(u16(data, 2), before, u16(data, 0)), 2);
      // the checksum of an answer that is all zeros; elsewhere 0 and all ones are the same
      if (wordSum(data, 0, data.length) === 0) data.writeUInt16BE(0xffff, 2);
      return data;
    }
    const error = isQuoted ? undefined : errorToIpv4({ type, code, rest: data.readUInt32BE(4) });
    if (!error) return `ICMPv6 type ${type}, code ${code}`;
    if (fold(pseudo + wordSum(data, 0, data.length)) !== 0xffff) return 'a wrong checksum';
    this.#quoted.parseQuoted(frame, headers);
    const quoted = this.#quoted.family === 6 ? this.#packet(frame, this.#quoted, true) : 'malformed';
    if (typeof quoted === 'string') return `the quoted packet: ${quoted}`;
    const message = errorMessage(error, quoted.subarray(0, MAX_QUOTED));
    message.writeUInt16BE(checksum(message), 2);
    return message;
  }
}

/** Returns where an IPv6 packet says that it ends. */
function endOf(frame: Buffer, { network }: Headers): number {
  return network + 40 + u16(frame, network + 4);
}

/** Returns the sum of the pseudo header of ICMPv6: RFC 8200, 8.1. */
function pseudoSum(frame: Buffer, headers: Headers, start: number): number {
  const { network } = headers;
  return wordSum(frame, network + 8, network + 40) + endOf(frame, headers) - start + IPPROTO_ICMPV6;
}
