import { ipBytes, ipText, isGlobalIPv6 } from '../../address/ip.js';
import { parseMac } from '../../address/mac.js';
import { ARPHRD_ETHER } from '../../constants/packet.js';
import { concat, equal, exactNumber, Reader, serverText, u16, u32 } from '../bytes.js';
import { decodeDomains, encodeDomain } from '../domains.js';

/** Message types: RFC 8415 7.3. */
export const SOLICIT = 1;
export const ADVERTISE = 2;
export const REQUEST = 3;
export const RENEW = 5;
export const REBIND = 6;
export const REPLY = 7;
export const RELEASE = 8;
export const INFORMATION_REQUEST = 11;

export const CLIENT_PORT = 546;
export const SERVER_PORT = 547;
/** All_DHCP_Relay_Agents_and_Servers: RFC 8415 7.1. */
export const SERVERS_GROUP = 'ff02::1:2';

/** Options, of RFC 8415 unless noted. */
export const Option = {
  CLIENT_ID: 1,
  SERVER_ID: 2,
  IA_NA: 3,
  IAADDR: 5,
  ORO: 6,
  PREFERENCE: 7,
  ELAPSED_TIME: 8,
  STATUS_CODE: 13,
  /** RFC 3646 */
  DNS_SERVERS: 23,
  /** RFC 3646 */
  DOMAIN_LIST: 24,
  INFORMATION_REFRESH_TIME: 32,
  /** RFC 4704 */
  FQDN: 39,
  SOL_MAX_RT: 82,
  INF_MAX_RT: 83,
} as const;

/** Status codes: RFC 8415 21.13. */
export const Status = { SUCCESS: 0, UNSPEC_FAIL: 1, NO_ADDRS_AVAIL: 2, NO_BINDING: 3, NOT_ON_LINK: 4 } as const;

/** Address in an IA_NA, with its lifetimes in seconds; Infinity means no end. */
export interface Dhcp6Address {
  address: string;
  preferred: number;
  valid: number;
}

export interface Dhcp6Request {
  type: number;
  xid: number;
  clientId: Uint8Array;
  serverId?: Uint8Array;
  /** Hundredths of a second since the exchange began. */
  elapsed: number;
  /** Undefined to request only options. */
  ia?: { iaid: number; addresses: string[] };
  fqdn?: string;
}

/** Message of a server: the fields that a client uses. */
export interface Dhcp6Reply {
  type: number;
  xid: number;
  clientId: Uint8Array | null;
  serverId: Uint8Array | null;
  preference: number;
  status: number;
  statusMessage: string;
  ia: Dhcp6Ia[];
  dns: string[];
  domains: string[];
  /** Seconds; null if the server gave none. */
  refreshTime: number | null;
  /** SOL_MAX_RT and INF_MAX_RT: the longest pauses between solicitations and information-requests. Seconds or null. */
  solicitMax: number | null;
  informMax: number | null;
}

/** IA_NA of a reply. T1 and T2 are in seconds; 0 lets the client choose. */
export interface Dhcp6Ia {
  iaid: number;
  t1: number;
  t2: number;
  status: number;
  addresses: Dhcp6Address[];
}

/** The valid range of SOL_MAX_RT and INF_MAX_RT; other values are ignored (RFC 8415 21.24 and 21.25). */
const MAX_RT_RANGE_SECONDS = { min: 60, max: 86400 };
const DUID_LLT = 1;
/** The start of DUID time, in Unix seconds (RFC 8415 11.2). */
const DUID_EPOCH = Date.UTC(2000, 0, 1) / 1000;

/** Makes a DUID-LLT (RFC 8415 11.2) from the MAC address of an interface and a Unix time in seconds. */
export function duidLlt(mac: string, unixTime: number): Uint8Array {
  const time = Math.max(0, Math.floor(unixTime) - DUID_EPOCH) % 2 ** 32;
  return concat(u16(DUID_LLT), u16(ARPHRD_ETHER), u32(time), parseMac(mac));
}

export function encodeRequest(request: Dhcp6Request): Uint8Array {
  const { type, xid, clientId, serverId, elapsed, ia, fqdn } = request;
  const wanted: number[] = [Option.DNS_SERVERS, Option.DOMAIN_LIST, Option.SOL_MAX_RT];
  if (type === INFORMATION_REQUEST) wanted.push(Option.INFORMATION_REFRESH_TIME, Option.INF_MAX_RT);
  return concat(
    Uint8Array.of(type, xid >> 16, (xid >> 8) & 0xff, xid & 0xff),
    option(Option.CLIENT_ID, clientId),
    serverId ? option(Option.SERVER_ID, serverId) : new Uint8Array(),
    option(Option.ELAPSED_TIME, u16(Math.min(elapsed, 0xffff))),
    type === RELEASE ? new Uint8Array() : option(Option.ORO, concat(...wanted.map(u16))),
    // RFC 4704 4.1: S asks the server to write the AAAA record
    fqdn ? option(Option.FQDN, concat(Uint8Array.of(1), encodeDomain(fqdn))) : new Uint8Array(),
    ia ? encodeIa(ia) : new Uint8Array(),
  );
}

function encodeIa({ iaid, addresses }: { iaid: number; addresses: string[] }): Uint8Array {
  // RFC 8415 21.4 and 21.6: a client sends 0 to let the server choose the times
  const inner = addresses.map((address) => option(Option.IAADDR, concat(ipBytes(address), u32(0), u32(0))));
  return option(Option.IA_NA, concat(u32(iaid), u32(0), u32(0), ...inner));
}

function option(code: number, value: Uint8Array): Uint8Array {
  return concat(u16(code), u16(value.length), value);
}

/** Decodes a server's message. Returns null for another type, and if it is truncated or an option is malformed or too long. */
export function decodeReply(bytes: Uint8Array): Dhcp6Reply | null {
  const type = bytes[0];
  if ((type !== ADVERTISE && type !== REPLY) || bytes.length < 4) return null;
  const reply: Dhcp6Reply = {
    type,
    xid: (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!,
    clientId: null,
    serverId: null,
    preference: 0,
    status: Status.SUCCESS,
    statusMessage: '',
    ia: [],
    dns: [],
    domains: [],
    refreshTime: null,
    solicitMax: null,
    informMax: null,
  };
  const complete = eachOption(bytes.subarray(4), (code, value) => readOption(reply, code, value));
  return complete ? reply : null;
}

/** Reads an option. Returns false if it is malformed: the whole message is then ignored. */
function readOption(reply: Dhcp6Reply, code: number, value: Uint8Array): boolean {
  const reader = new Reader(value);
  switch (code) {
    case Option.CLIENT_ID:
      reply.clientId = value;
      return value.length > 0;
    case Option.SERVER_ID:
      reply.serverId = value;
      // RFC 8415 11.1: a type of 2 octets and at most 128 more
      return value.length > 2 && value.length <= 130;
    case Option.PREFERENCE:
      reply.preference = reader.u8() ?? 0;
      return value.length === 1;
    case Option.STATUS_CODE: {
      const status = reader.u16();
      reply.status = status ?? 0;
      reply.statusMessage = serverText(reader.rest());
      return status !== null;
    }
    case Option.IA_NA: {
      const ia = decodeIa(value);
      if (ia) reply.ia.push(ia);
      return ia !== null;
    }
    case Option.DNS_SERVERS:
      reply.dns.push(...reader.ipv6Hosts());
      return reader.left === 0;
    case Option.DOMAIN_LIST: {
      const domains = decodeDomains(value);
      reply.domains.push(...(domains ?? []));
      return domains !== null;
    }
    case Option.INFORMATION_REFRESH_TIME:
      reply.refreshTime = reader.seconds();
      return value.length === 4;
    case Option.SOL_MAX_RT:
      reply.solicitMax = maxRetransmission(value);
      return true;
    case Option.INF_MAX_RT:
      reply.informMax = maxRetransmission(value);
      return true;
    default:
      return true;
  }
}

function decodeIa(value: Uint8Array): Dhcp6Ia | null {
  const reader = new Reader(value);
  const iaid = reader.u32();
  const t1 = reader.seconds();
  const t2 = reader.seconds();
  if (iaid === null || t1 === null || t2 === null) return null;
  const ia: Dhcp6Ia = { iaid, t1, t2, status: Status.SUCCESS, addresses: [] };
  const complete = eachOption(reader.rest(), (code, inner) => {
    if (code === Option.STATUS_CODE) {
      const status = new Reader(inner).u16();
      ia.status = status ?? 0;
      return status !== null;
    }
    return code !== Option.IAADDR || readAddress(ia, inner);
  });
  // RFC 8415 21.4: an IA with T1 greater than T2 is ignored
  return complete && !(t1 > t2 && t2 > 0) ? ia : null;
}

function readAddress(ia: Dhcp6Ia, value: Uint8Array): boolean {
  const reader = new Reader(value);
  const address = reader.take(16);
  const preferred = reader.seconds();
  const valid = reader.seconds();
  if (!address || preferred === null || valid === null) return false;
  // RFC 8415 21.6: ignore an address whose preferred lifetime exceeds its valid lifetime
  if (preferred <= valid && isGlobalIPv6(address)) ia.addresses.push({ address: ipText(address), preferred, valid });
  return true;
}

function eachOption(bytes: Uint8Array, read: (code: number, value: Uint8Array) => boolean): boolean {
  const reader = new Reader(bytes);
  while (reader.left > 0) {
    const code = reader.u16();
    const length = reader.u16();
    const value = length === null ? null : reader.take(length);
    if (code === null || !value || !read(code, value)) return false;
  }
  return true;
}

function maxRetransmission(value: Uint8Array): number | null {
  const seconds = exactNumber(value, 4) ?? 0;
  return seconds >= MAX_RT_RANGE_SECONDS.min && seconds <= MAX_RT_RANGE_SECONDS.max ? seconds : null;
}

/** Returns whether bytes that {@link decodeReply} could not decode belong to the exchange `xid`. */
export function isOfExchange(bytes: Uint8Array, xid: number): boolean {
  return (bytes[0] === ADVERTISE || bytes[0] === REPLY) && exactNumber(bytes.subarray(1, 4), 3) === xid;
}

/** Returns whether a reply answers `request`: same client, same exchange. */
export function isReplyTo(reply: Dhcp6Reply, request: Dhcp6Request): boolean {
  return reply.xid === request.xid && reply.clientId !== null && equal(reply.clientId, request.clientId);
}
