import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import { ETH_P_IP } from '../../constants/packet.js';
import { updatedChecksum } from '../../core/internet-checksum.js';
import { isIcmpError } from '../headers.js';

const ETHERNET_HEADER = 14;
const IP_HEADER = 20;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;
const ICMP_CHECKSUM = 2;
const ICMP_IDENTIFIER = 4;
const ICMP_HEADER = 8;
/** The least that routers quote of a packet behind its IP header: RFC 792. */
const QUOTED = 8;
const FLAGS_OF_TCP = 13;

const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

export const ECHO_REPLY = 0;
export const ECHO_REQUEST = 8;

const NONE = -1;

/**
 * The header fields of an IPv4 packet, which can be changed in place. Checksums are updated by what changes (RFC 1624): a wrong one
 * stays wrong. One object serves all packets, so that nothing is allocated for a packet.
 */
export class Ipv4Packet {
  frame: Buffer = Buffer.alloc(0);
  protocol = 0;
  /** The addresses, as numbers. */
  source = 0;
  destination = 0;
  /** The ports of TCP and UDP, or twice the identifier of an ICMP echo; -1 if the packet has none. */
  sourcePort = NONE;
  destinationPort = NONE;
  /** The type of an ICMP message; -1 for other protocols, and in later fragments. */
  icmpType = NONE;
  identification = 0;
  hasMoreFragments = false;
  /** True for a fragment that is not the first one. */
  isLaterFragment = false;
  /** The offset of the IP header, of what follows it, and of the end. */
  #at = 0;
  #payload = 0;
  #end = 0;
  #portAt = NONE;
  #checksumAt = NONE;
  /** The offset of the checksum of the ICMP message that quotes this packet. */
  #quotingChecksumAt = NONE;

  /** Reads the packet in a frame. Returns false if there is no well-formed one. */
  read(frame: Buffer, length: number): boolean {
    this.#quotingChecksumAt = NONE;
    return this.#read(frame, ETHERNET_HEADER, length, false);
  }

  /** Reads the packet that an ICMP error quotes. It may be cut behind the first 8 bytes of its data. */
  readQuotedIn(error: Ipv4Packet): boolean {
    this.#quotingChecksumAt = error.#payload + ICMP_CHECKSUM;
    return this.#read(error.frame, error.#payload + ICMP_HEADER, error.#end, true);
  }

  #read(frame: Buffer, at: number, length: number, isQuoted: boolean): boolean {
    if (length < at + IP_HEADER || frame[at]! >> 4 !== 4) return false;
    const header = (frame[at]! & 15) * 4;
    const end = isQuoted ? length : at + frame.readUInt16BE(at + 2);
    if (header < IP_HEADER || at + header > end || end > length) return false;
    this.frame = frame;
    this.#at = at;
    this.#payload = at + header;
    this.#end = end;
    this.identification = frame.readUInt16BE(at + 4);
    const fragment = frame.readUInt16BE(at + 6);
    this.hasMoreFragments = (fragment & MORE_FRAGMENTS) !== 0;
    this.isLaterFragment = (fragment & FRAGMENT_OFFSET) !== 0;
    this.protocol = frame[at + 9]!;
    this.source = frame.readUInt32BE(at + 12);
    this.destination = frame.readUInt32BE(at + 16);
    return this.#readPorts();
  }

  #readPorts(): boolean {
    const { frame, protocol } = this;
    this.sourcePort = this.destinationPort = this.icmpType = this.#portAt = this.#checksumAt = NONE;
    const isKnown = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_ICMP;
    if (this.isLaterFragment || !isKnown) return true;
    if (this.#end < this.#payload + QUOTED) return false;
    if (protocol === IPPROTO_ICMP) {
      this.icmpType = frame[this.#payload]!;
      this.#checksumAt = this.#payload + ICMP_CHECKSUM;
      if (this.icmpType !== ECHO_REQUEST && this.icmpType !== ECHO_REPLY) return true;
      this.#portAt = this.#payload + ICMP_IDENTIFIER;
      this.sourcePort = this.destinationPort = frame.readUInt16BE(this.#portAt);
      return true;
    }
    this.#portAt = this.#payload;
    this.sourcePort = frame.readUInt16BE(this.#portAt);
    this.destinationPort = frame.readUInt16BE(this.#portAt + 2);
    const checksumAt = this.#payload + (protocol === IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
    // a UDP checksum of 0 says that there is none: RFC 768
    const isThere = checksumAt + 2 <= this.#end && !(protocol === IPPROTO_UDP && frame.readUInt16BE(checksumAt) === 0);
    if (isThere) this.#checksumAt = checksumAt;
    return true;
  }

  get destinationText(): string {
    return addressText(this.destination);
  }

  get isIcmpError(): boolean {
    return isIcmpError(IPPROTO_ICMP, this.icmpType);
  }

  /** The flags of a TCP segment. */
  get tcpFlags(): number {
    const at = this.#payload + FLAGS_OF_TCP;
    return at < this.#end ? this.frame[at]! : 0;
  }

  setSource(address: number, port = this.sourcePort): void {
    this.#setAddress(this.#at + 12, address);
    this.#setPort(this.#portAt, this.sourcePort, port);
    this.source = address;
    this.sourcePort = port;
  }

  setDestination(address: number, port = this.destinationPort): void {
    const isEcho = this.protocol === IPPROTO_ICMP;
    this.#setAddress(this.#at + 16, address);
    this.#setPort(this.#portAt + (isEcho ? 0 : 2), this.destinationPort, port);
    this.destination = address;
    this.destinationPort = port;
  }

  #setAddress(at: number, address: number): void {
    const transport = this.protocol === IPPROTO_ICMP ? NONE : this.#checksumAt;
    for (const [i, word] of [address >>> 16, address & 0xffff].entries()) {
      const old = this.#replace(at + 2 * i, word);
      this.#adjust(this.#at + 10, old, word);
      this.#adjust(transport, old, word);
    }
  }

  #setPort(at: number, old: number, port: number): void {
    if (old === NONE || old === port) return;
    this.#replace(at, port);
    this.#adjust(this.#checksumAt, old, port);
  }

  /** Writes a word. Returns the old one. */
  #replace(at: number, word: number): number {
    const old = this.frame.readUInt16BE(at);
    this.frame.writeUInt16BE(word, at);
    this.#adjustQuoting(old, word);
    return old;
  }

  #adjust(checksumAt: number, old: number, word: number): void {
    if (checksumAt === NONE) return;
    const before = this.frame.readUInt16BE(checksumAt);
    let after = updatedChecksum(before, old, word);
    // 0 would say that there is none: RFC 768
    if (after === 0 && this.protocol === IPPROTO_UDP && checksumAt === this.#checksumAt) after = 0xffff;
    this.frame.writeUInt16BE(after, checksumAt);
    this.#adjustQuoting(before, after);
  }

  #adjustQuoting(old: number, word: number): void {
    const at = this.#quotingChecksumAt;
    if (at !== NONE) this.frame.writeUInt16BE(updatedChecksum(this.frame.readUInt16BE(at), old, word), at);
  }
}

/** Returns whether a frame has an IPv4 packet, well-formed or not. */
export function isIpv4(frame: Buffer, length: number): boolean {
  return length >= ETHERNET_HEADER && frame.readUInt16BE(12) === ETH_P_IP;
}

/** Returns the text of an IPv4 address that is a number. */
export function addressText(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Returns the number of an IPv4 address. */
export function addressNumber(text: string): number {
  return text.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
}
