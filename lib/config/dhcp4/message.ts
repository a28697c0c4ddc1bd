import { ipBytes, ipText } from '../../address/ip.js';
import { parseMac } from '../../address/mac.js';
import { ARPHRD_ETHER } from '../../constants/index.js';
import { concat, equal, Reader, u16, u32 } from '../bytes.js';

/** Message types: RFC 2131 3.1, with the numbers of RFC 2132 9.6. */
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

/** Options, of RFC 2132 unless noted. */
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
  /** Content of option 121; Windows requested this number before 121 existed. */
  MS_CLASSLESS_ROUTES: 249,
  END: 255,
} as const;

/** Message of a client. */
export interface Dhcp4Request {
  type: number;
  xid: number;
  /** Seconds since the exchange began. */
  secs: number;
  mac: string;
  /** The client's address, or 0.0.0.0. */
  ciaddr: string;
  options: [code: number, value: Uint8Array][];
}

/** Message of a server: the fields that a client uses. */
export interface Dhcp4Reply {
  type: number;
  xid: number;
  yiaddr: Uint8Array;
  chaddr: Uint8Array;
  /**
   * All options, including those in `file` and `sname`. The parts of a split option are joined (RFC 3396). An option of fixed
   * length that occurs twice is joined too: {@link fixedOption} returns the first.
   */
  options: Map<number, Uint8Array>;
}

const BOOTREQUEST = 1;
const BOOTREPLY = 2;
export const COOKIE = Uint8Array.of(99, 130, 83, 99);
/** RFC 1542 2.1: some relays drop shorter messages. */
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

/** Decodes a server's message. Returns null if it is no reply, is truncated, lacks the cookie or has options past its end. */
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

/** Adds the options of one field to `options`. Returns false if one runs past the end. END may be missing. */
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

/** Returns the value of an option of `size` bytes, the first if it occurs several times; undefined if it is malformed. */
export function fixedOption(options: Map<number, Uint8Array>, code: number, size: number): Uint8Array | undefined {
  const value = options.get(code);
  return value && value.length > 0 && value.length % size === 0 ? value.subarray(0, size) : undefined;
}

/** Returns whether bytes that {@link decodeReply} could not decode belong to the exchange `xid`. */
export function isOfExchange(bytes: Uint8Array, xid: number): boolean {
  const reader = new Reader(bytes);
  reader.take(4);
  return bytes[0] === BOOTREPLY && reader.u32() === xid;
}

/** Returns the IPv4 addresses of an option; none if its length is not a multiple of 4. */
export function addressesOf(value: Uint8Array | undefined): string[] {
  if (!value || value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, i) => ipText(value.subarray(4 * i, 4 * i + 4)));
}
