import { ipBytes, ipText } from '../../address/ip.js';
import { parseMac } from '../../address/mac.js';
import { ARPHRD_ETHER } from '../../constants/index.js';
import { concat, equal, Reader, u16, u32 } from '../bytes.js';

/** RFC 2131 3.1, with the numbers of RFC 2132 9.6. */
export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPDECLINE = 4;
export const DHCPACK = 5;
export const DHCPNAK = 6;
export const DHCPRELEASE = 7;
export const DHCPINFORM = 8;

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;

/** Options of RFC 2132 unless another is named. */
export const Option = {
  PAD: 0,
  SUBNET_MASK: 1,
  ROUTER: 3,
  DNS: 6,
  DOMAIN_NAME: 15,
  MTU: 26,
  STATIC_ROUTES: 33,
  REQUESTED_ADDRESS: 50,
  LEASE_TIME: 51,
  OVERLOAD: 52,
  MESSAGE_TYPE: 53,
  SERVER_ID: 54,
  PARAMETERS: 55,
  MESSAGE: 56,
  MAX_SIZE: 57,
  T1: 58,
  T2: 59,
  CLIENT_ID: 61,
  /** RFC 4702 */
  FQDN: 81,
  /** RFC 3397 */
  DOMAIN_SEARCH: 119,
  /** RFC 3442 */
  CLASSLESS_ROUTES: 121,
  /** The same as 121, by the number that Windows asked for before there was one. */
  MS_CLASSLESS_ROUTES: 249,
  END: 255,
} as const;

/** What a client sends. */
export interface Dhcp4Request {
  type: number;
  xid: number;
  /** Seconds since the client began. */
  secs: number;
  mac: string;
  /** The address that the client has, if any. */
  ciaddr: string;
  options: [code: number, value: Uint8Array][];
}

/** What a server sent: the fields that a client looks at. */
export interface Dhcp4Reply {
  type: number;
  xid: number;
  yiaddr: Uint8Array;
  chaddr: Uint8Array;
  /**
   * All options, those in `file` and `sname` too; the parts of one that was split are joined (RFC 3396). Those of a fixed length
   * may be there twice as well: {@link fixedOption} has the first.
   */
  options: Map<number, Uint8Array>;
}

const BOOTREQUEST = 1;
const BOOTREPLY = 2;
export const COOKIE = Uint8Array.of(99, 130, 83, 99);
/** RFC 1542 2.1: some relays drop what is shorter. */
const MIN_SIZE = 300;

export function encodeRequest(request: Dhcp4Request): Uint8Array {
  const options = request.options.flatMap(([code, value]) => [Uint8Array.of(code, value.length), value]);
  const message = concat(
    Uint8Array.of(BOOTREQUEST, ARPHRD_ETHER, 6, 0),
    u32(request.xid),
    u16(Math.min(request.secs, 0xffff)),
    u16(0),
    ipBytes(request.ciaddr),
    new Uint8Array(12), // yiaddr, siaddr, giaddr
    parseMac(request.mac),
    new Uint8Array(10 + 64 + 128), // the rest of chaddr, sname, file
    COOKIE,
    Uint8Array.of(Option.MESSAGE_TYPE, 1, request.type),
    ...options,
    Uint8Array.of(Option.END),
  );
  return concat(message, new Uint8Array(Math.max(0, MIN_SIZE - message.length)));
}

/** A server's message, or null: not a reply, truncated, without the cookie, with options past its end. */
export function decodeReply(bytes: Uint8Array): Dhcp4Reply | null {
  const reader = new Reader(bytes);
  const op = reader.u8();
  const htype = reader.u8();
  const hlen = reader.u8();
  reader.u8();
  const xid = reader.u32();
  reader.take(8); // secs, flags, ciaddr
  const yiaddr = reader.take(4);
  reader.take(8); // siaddr, giaddr
  const chaddr = reader.take(16);
  const sname = reader.take(64);
  const file = reader.take(128);
  const cookie = reader.take(4);
  if (op !== BOOTREPLY || htype !== ARPHRD_ETHER || hlen !== 6) return null;
  if (xid === null || !yiaddr || !chaddr || !sname || !file || !cookie || !equal(cookie, COOKIE)) return null;

  const options = new Map<number, Uint8Array>();
  if (!readOptions(reader.rest(), options)) return null;
  // RFC 2132 9.3: 1 for file, 2 for sname, 3 for both; file comes first (RFC 3396 5)
  const overload = options.get(Option.OVERLOAD)?.[0] ?? 0;
  if (overload & 1 && !readOptions(file, options)) return null;
  if (overload & 2 && !readOptions(sname, options)) return null;

  const type = fixedOption(options, Option.MESSAGE_TYPE, 1);
  if (!type) return null;
  return { type: type[0]!, xid, yiaddr, chaddr: chaddr.subarray(0, 6), options };
}

/** Adds the options of one field to `options`; false where one goes past the end. END may be missing. */
export function readOptions(bytes: Uint8Array, options: Map<number, Uint8Array>): boolean {
  const reader = new Reader(bytes);
  while (reader.left > 0) {
    const code = reader.u8()!;
    if (code === Option.PAD) continue;
    if (code === Option.END) return true;
    const length = reader.u8();
    const value = length === null ? null : reader.take(length);
    if (!value) return false;
    const earlier = options.get(code);
    options.set(code, earlier ? concat(earlier, value) : value);
  }
  return true;
}

/** The value of an option of `size` bytes, the first where it is there several times; undefined where it is malformed. */
export function fixedOption(options: Map<number, Uint8Array>, code: number, size: number): Uint8Array | undefined {
  const value = options.get(code);
  return value && value.length > 0 && value.length % size === 0 ? value.subarray(0, size) : undefined;
}

/** Whether bytes that {@link decodeReply} could not read are of the exchange `xid` all the same. */
export function isOfExchange(bytes: Uint8Array, xid: number): boolean {
  const reader = new Reader(bytes);
  reader.take(4);
  return bytes[0] === BOOTREPLY && reader.u32() === xid;
}

/** The IPv4 addresses of an option; empty where it is not a whole number of them. */
export function addressesOf(value: Uint8Array | undefined): string[] {
  if (!value || value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, i) => ipText(value.subarray(4 * i, 4 * i + 4)));
}
