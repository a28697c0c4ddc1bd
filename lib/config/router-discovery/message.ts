import { ipBytes, ipText, isLinkLocalIPv6 } from '../../address/ip.js';
import { parseMac } from '../../address/mac.js';
import { concat, Reader, seconds, u16, u32, withoutHostBits } from '../bytes.js';
import { decodeDomains, encodeDomain } from '../domains.js';

export const ND_ROUTER_SOLICIT = 133;
export const ND_ROUTER_ADVERT = 134;
/** The group of all routers on the link (RFC 4861). */
export const ROUTERS_GROUP = 'ff02::2';
/** The group of all nodes on the link (RFC 4861). */
export const NODES_GROUP = 'ff02::1';
/** The hop limit of packets from the link: a packet that passed a router has less (RFC 4861 6.1.2). */
export const HOP_LIMIT = 255;

/** Options: RFC 4861 4.6 and RFC 8106 5. */
const Option = { SOURCE_LINK_ADDRESS: 1, PREFIX_INFORMATION: 3, MTU: 5, RDNSS: 25, DNSSL: 31 } as const;

const MIN_MTU = 1280;
const FLAG_MANAGED = 0x80;
const FLAG_OTHER = 0x40;
const FLAG_ON_LINK = 0x80;
const FLAG_AUTONOMOUS = 0x40;
/** The hop limit that hosts should use (RFC 4861 4.2): that of Linux and radvd. */
const CURRENT_HOP_LIMIT = 64;

/** Prefix from a router. Lifetimes are in seconds; Infinity means no end. */
export interface Prefix {
  /** The network address, with zeros after the prefix. */
  prefix: string;
  prefixlen: number;
  onLink: boolean;
  autonomous: boolean;
  valid: number;
  preferred: number;
}

/** Router advertisement (RFC 4861 4.2). */
export interface RouterAdvert {
  /** Flag M: DHCPv6 gives addresses. */
  managed: boolean;
  /** Flag O: DHCPv6 gives other configuration, such as name servers. */
  other: boolean;
  /** How many seconds this is a default router; 0 means it is not one. */
  routerLifetime: number;
  prefixes: Prefix[];
  mtu: number | null;
  /** The name servers; a lifetime of 0 removes an earlier one. */
  dns: { address: string; lifetime: number }[];
  domains: { name: string; lifetime: number }[];
}

/** Encodes a solicitation (RFC 4861 4.1). The kernel fills in the checksum. */
export function encodeSolicit(mac: string): Uint8Array {
  const header = Uint8Array.of(ND_ROUTER_SOLICIT, 0, 0, 0, 0, 0, 0, 0);
  return concat(header, encodeOption(Option.SOURCE_LINK_ADDRESS, parseMac(mac)));
}

/** Returns whether a message is a solicitation that a router answers (RFC 4861 6.1.1). @param hopLimit that it came with */
export function isSolicit(bytes: Uint8Array, hopLimit: number | null): boolean {
  const isValid = bytes.length >= 8 && bytes[0] === ND_ROUTER_SOLICIT && bytes[1] === 0 && hopLimit === HOP_LIMIT;
  return isValid && readOptions(new Reader(bytes.subarray(8)), () => {});
}

/** Encodes an advertisement. The kernel fills in the checksum. @param mac that of the router */
export function encodeAdvert(advert: RouterAdvert, mac: string): Uint8Array {
  const { managed, other, routerLifetime, prefixes, mtu, dns, domains } = advert;
  const flags = (managed ? FLAG_MANAGED : 0) | (other ? FLAG_OTHER : 0);
  return concat(
    Uint8Array.of(ND_ROUTER_ADVERT, 0, 0, 0, CURRENT_HOP_LIMIT, flags),
    u16(routerLifetime),
    new Uint8Array(8), // the times of neighbour discovery: those of the hosts
    encodeOption(Option.SOURCE_LINK_ADDRESS, parseMac(mac)),
    ...(mtu === null ? [] : [encodeOption(Option.MTU, u16(0), u32(mtu))]),
    ...prefixes.map(encodePrefix),
    ...dns.map(({ address, lifetime }) => encodeOption(Option.RDNSS, u16(0), seconds(lifetime), ipBytes(address))),
    ...domains.map(({ name, lifetime }) => encodeOption(Option.DNSSL, u16(0), seconds(lifetime), encodeDomain(name))),
  );
}

/** Encodes an option, with zeros up to a multiple of 8 bytes (RFC 4861 4.6). */
function encodeOption(option: number, ...parts: Uint8Array[]): Uint8Array {
  const value = concat(...parts);
  const units = Math.ceil((value.length + 2) / 8);
  return concat(Uint8Array.of(option, units), value, new Uint8Array(8 * units - 2 - value.length));
}

/**
 * Decodes an advertisement. Returns null for another message, a truncated one, or one with an option of length 0 or past
 * the end (RFC 4861 6.1.2).
 */
export function decodeAdvert(bytes: Uint8Array): RouterAdvert | null {
  const reader = new Reader(bytes);
  const type = reader.u8();
  const code = reader.u8();
  reader.take(3); // checksum, hop limit
  const flags = reader.u8() ?? 0;
  const routerLifetime = reader.u16();
  const timers = reader.take(8);
  if (type !== ND_ROUTER_ADVERT || code !== 0 || routerLifetime === null || !timers) return null;
  const advert: RouterAdvert = {
    managed: (flags & FLAG_MANAGED) !== 0,
    other: (flags & FLAG_OTHER) !== 0,
    routerLifetime,
    prefixes: [],
    mtu: null,
    dns: [],
    domains: [],
  };
  return readOptions(reader, (option, value) => readOption(advert, option, value)) ? advert : null;
}

/** Reads all options. Returns false if one has the length 0, or ends after the message. */
function readOptions(reader: Reader, read: (option: number, value: Reader) => void): boolean {
  while (reader.left > 0) {
    const option = reader.u8();
    const units = reader.u8();
    const value = units ? reader.take(8 * units - 2) : null;
    if (option === null || !value) return false;
    read(option, new Reader(value));
  }
  return true;
}

/** Reads an option. Ignores an unknown or malformed one: the rest of the advertisement is still valid. */
function readOption(advert: RouterAdvert, option: number, value: Reader): void {
  if (option === Option.PREFIX_INFORMATION) {
    const prefix = decodePrefix(value);
    if (prefix) advert.prefixes.push(prefix);
  } else if (option === Option.MTU) {
    value.take(2);
    const mtu = value.u32();
    if (mtu !== null && mtu >= MIN_MTU && mtu <= 0xffff) advert.mtu = mtu;
  } else if (option === Option.RDNSS || option === Option.DNSSL) {
    value.take(2);
    const lifetime = value.seconds();
    if (lifetime === null) return;
    if (option === Option.RDNSS) {
      for (const address of value.ipv6Hosts()) advert.dns.push({ address, lifetime });
    } else {
      for (const name of decodeDomains(value.rest()) ?? []) advert.domains.push({ name, lifetime });
    }
  }
}

/** Encodes the information about a prefix (RFC 4861 4.6.2). */
function encodePrefix({ prefix, prefixlen, onLink, autonomous, valid, preferred }: Prefix): Uint8Array {
  const flags = (onLink ? FLAG_ON_LINK : 0) | (autonomous ? FLAG_AUTONOMOUS : 0);
  const lengthAndFlags = Uint8Array.of(prefixlen, flags);
  return encodeOption(
    Option.PREFIX_INFORMATION,
    lengthAndFlags,
    seconds(valid),
    seconds(preferred),
    u32(0),
    ipBytes(prefix),
  );
}

function decodePrefix(value: Reader): Prefix | null {
  const prefixlen = value.u8();
  const flags = value.u8();
  const valid = value.seconds();
  const preferred = value.seconds();
  value.take(4);
  const address = value.take(16);
  if (prefixlen === null || flags === null || valid === null || preferred === null || !address) return null;
  // RFC 4861 6.3.4 and RFC 4862 5.5.3: ignore link-local and multicast prefixes, and a preferred lifetime above the valid one
  if (prefixlen > 128 || preferred > valid || isLinkLocalIPv6(address) || address[0] === 0xff) return null;
  const prefix = ipText(withoutHostBits(address, prefixlen));
  const onLink = (flags & FLAG_ON_LINK) !== 0;
  const autonomous = (flags & FLAG_AUTONOMOUS) !== 0;
  return { prefix, prefixlen, onLink, autonomous, valid, preferred };
}
