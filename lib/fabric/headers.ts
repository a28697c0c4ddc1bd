import {
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_MH,
  IPPROTO_ROUTING,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../constants/inet.js';
import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../constants/packet.js';

/** Messages that quote the packet that they are about: RFC 792, and RFC 4443, 2.1. */
const ICMP_ERRORS = new Set([3, 4, 5, 11, 12]);
const ICMPV6_ERRORS = new Set([1, 2, 3, 4]);
/** Where a MAC header has its EtherType. */
const ETHER_TYPE = 12;
/** The lengths of the addresses in an ARP packet: a MAC and an IPv4 address. */
const ARP_LENGTHS = 0x0604;
const IPV4_MORE_OR_OFFSET = 0x3fff;
const IPV4_OFFSET = 0x1fff;
const IPV6_OFFSET = 0xfff8;

/** Returns the 16 bits at an offset. */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/**
 * What the headers of a frame say. One object serves all frames: {@link parse} overwrites it and allocates nothing. It accepts any
 * bytes. Offsets count from the start of the frame. What a frame does not have is -1, or 0 where that says so.
 */
export class Headers {
  /** The EtherType behind all VLAN tags; 0 for none. */
  etherType = 0;
  /** Where the header behind the EtherType begins. */
  network = -1;
  /** 4 or 6 for an IP packet, else 0. */
  family = 0;
  /** The protocol that IP carries, behind the extension headers of IPv6. */
  protocol = -1;
  /** Whether the packet is a fragment. */
  isFragment = false;
  /** Where IPv6 has its fragment header, and the last routing header. */
  fragment = -1;
  routing = -1;
  /** Where its addresses are, also those that ARP is about; `addressLength` is 4, 16, or 0 for none. */
  fromAddress = -1;
  toAddress = -1;
  addressLength = 0;
  /** Where the header of the protocol begins. Only the first fragment of a packet has one. */
  transport = -1;
  fromPort = -1;
  toPort = -1;
  /** The flags of TCP. */
  flags = -1;
  icmpType = -1;
  icmpCode = -1;
  /** Where the data begin: behind the headers that are known here. */
  payload = 0;
  /** Where the packet ends. Behind it is only the padding of Ethernet. */
  end = 0;

  /** Reads the first `length` bytes of a buffer. */
  parse(frame: Uint8Array, length: number): void {
    this.#clear(length);
    let at = ETHER_TYPE;
    if (length < at + 2) return;
    let type = u16(frame, at);
    while ((type === ETH_P_8021Q || type === ETH_P_8021AD) && length >= at + 6) {
      at += 4;
      type = u16(frame, at);
    }
    at += 2;
    this.etherType = type;
    this.network = at;
    this.payload = at;
    if (type === ETH_P_IP) this.#parseIpv4(frame, at, length);
    else if (type === ETH_P_IPV6) this.#parseIpv6(frame, at, length);
    else if (type === ETH_P_ARP) this.#parseArp(frame, at, length);
  }

  /** Reads the packet that an ICMP error quotes, whose end may be missing. */
  parseQuoted(frame: Uint8Array, error: Headers): void {
    this.#clear(error.end);
    this.network = error.payload;
    if (error.family === 4) this.#parseIpv4(frame, error.payload, error.end);
    else if (error.family === 6) this.#parseIpv6(frame, error.payload, error.end);
  }

  #clear(length: number): void {
    this.etherType = 0;
    this.network = -1;
    this.family = 0;
    this.protocol = -1;
    this.isFragment = false;
    this.fragment = -1;
    this.routing = -1;
    this.fromAddress = -1;
    this.toAddress = -1;
    this.addressLength = 0;
    this.transport = -1;
    this.fromPort = -1;
    this.toPort = -1;
    this.flags = -1;
    this.icmpType = -1;
    this.icmpCode = -1;
    this.payload = length;
    this.end = length;
  }

  /** RFC 826. */
  #parseArp(frame: Uint8Array, at: number, length: number): void {
    if (length < at + 28 || u16(frame, at + 2) !== ETH_P_IP || u16(frame, at + 4) !== ARP_LENGTHS) return;
    this.#setAddresses(at + 14, at + 24, 4);
  }

  #setAddresses(from: number, to: number, length: number): void {
    this.fromAddress = from;
    this.toAddress = to;
    this.addressLength = length;
  }

  /** RFC 791, 3.1. */
  #parseIpv4(frame: Uint8Array, at: number, length: number): void {
    if (length < at + 20 || frame[at]! >> 4 !== 4) return;
    const headerLength = (frame[at]! & 15) * 4;
    const total = u16(frame, at + 2);
    if (headerLength < 20 || total < headerLength || length < at + headerLength) return;
    const fragment = u16(frame, at + 6);
    this.family = 4;
    this.#setAddresses(at + 12, at + 16, 4);
    this.protocol = frame[at + 9]!;
    this.isFragment = (fragment & IPV4_MORE_OR_OFFSET) !== 0;
    this.end = Math.min(length, at + total);
    this.payload = at + headerLength;
    if ((fragment & IPV4_OFFSET) === 0) this.#parseTransport(frame, at + headerLength);
  }

  /** RFC 8200, 3 and 4. */
  #parseIpv6(frame: Uint8Array, at: number, length: number): void {
    if (length < at + 40 || frame[at]! >> 4 !== 6) return;
    this.family = 6;
    this.#setAddresses(at + 8, at + 24, 16);
    this.end = Math.min(length, at + 40 + u16(frame, at + 4));
    let next = frame[at + 6]!;
    let header = at + 40;
    while (isExtension(next) && header + 8 <= this.end) {
      if (next === IPPROTO_ROUTING) this.routing = header;
      if (next === IPPROTO_FRAGMENT) {
        this.fragment = header;
        const fragment = u16(frame, header + 2);
        // a packet in one fragment is whole (RFC 6946)
        if ((fragment & (IPV6_OFFSET | 1)) !== 0) this.isFragment = true;
        if ((fragment & IPV6_OFFSET) !== 0) {
          this.protocol = frame[header]!;
          this.payload = header + 8;
          return;
        }
      }
      const size = extensionSize(next, frame[header + 1]!);
      next = frame[header]!;
      header += size;
    }
    this.protocol = next;
    this.payload = Math.min(header, this.end);
    // an extension header that is left is cut
    if (!isExtension(next) && header <= this.end) this.#parseTransport(frame, header);
  }

  #parseTransport(frame: Uint8Array, at: number): void {
    const { protocol, end } = this;
    this.transport = at;
    const hasPorts = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || isLikeUdp(protocol);
    if (hasPorts && end >= at + 4) {
      this.fromPort = u16(frame, at);
      this.toPort = u16(frame, at + 2);
    }
    if (protocol === IPPROTO_TCP && end >= at + 20) {
      this.flags = frame[at + 13]!;
      this.payload = Math.min(end, at + Math.max(20, (frame[at + 12]! >> 4) * 4));
    } else if (protocol === IPPROTO_UDP || isIcmp(protocol)) {
      this.payload = Math.min(end, at + 8);
      if (isIcmp(protocol) && end >= at + 4) {
        this.icmpType = frame[at]!;
        this.icmpCode = frame[at + 1]!;
      }
    }
  }
}

/** Returns whether a protocol is that of ICMP, for IPv4 or IPv6. */
export function isIcmp(protocol: number): boolean {
  return protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
}

/** Returns whether a message quotes the packet that it is about. */
export function isIcmpError(protocol: number, type: number): boolean {
  if (protocol === IPPROTO_ICMP) return ICMP_ERRORS.has(type);
  return protocol === IPPROTO_ICMPV6 && ICMPV6_ERRORS.has(type);
}

/** Returns whether a protocol has its ports where UDP has them. */
function isLikeUdp(protocol: number): boolean {
  return protocol === IPPROTO_UDPLITE || protocol === IPPROTO_DCCP || protocol === IPPROTO_SCTP;
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_AH:
    case IPPROTO_DSTOPTS:
    case IPPROTO_MH:
      return true;
  }
  return false;
}

/** Returns the bytes of an extension header: AH counts in units of 4 (RFC 4302, 2.2), the others in units of 8. */
function extensionSize(protocol: number, length: number): number {
  if (protocol === IPPROTO_FRAGMENT) return 8;
  return protocol === IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8;
}
