import { ANY4, ipBytes, ipText } from '../../address/ip.js';
import { parseMac } from '../../address/mac.js';
import { ARPHRD_ETHER } from '../../constants/packet.js';
import { concat, equal, exactNumber, Reader, u16, u32 } from '../bytes.js';

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
export interface Dhcp4Request extends Pick<Dhcp4Fields, 'type' | 'xid' | 'ciaddr'> {
  /** Seconds since the exchange began. */
  secs: number;
  mac: string;
  options: Dhcp4Options;
}

/** The options of a message to encode, in their order. */
export type Dhcp4Options = readonly [code: number, value: Uint8Array][];

/** The fields of a message to encode, besides its options. An address that is left out is 0.0.0.0. */
interface Dhcp4Fields {
  op: typeof BOOTREQUEST | typeof BOOTREPLY;
  type: number;
  xid: number;
  secs?: number;
  flags?: number;
  /** The client's address, or 0.0.0.0. */
  ciaddr: string;
  yiaddr?: string;
  giaddr?: string;
  chaddr: Uint8Array;
}

/** A decoded message of a client or of a server. */
export interface Dhcp4Message {
  type: number;
  xid: number;
  flags: number;
  ciaddr: Uint8Array;
  yiaddr: Uint8Array;
  giaddr: Uint8Array;
  /** 6 bytes. */
  chaddr: Uint8Array;
  /**
   * All options, including those in `file` and `sname`. The parts of a split option are joined (RFC 3396). An option of fixed
   * length that occurs twice is joined too: {@link fixedOption} returns the first.
   */
  options: Map<number, Uint8Array>;
}

export const BOOTREQUEST = 1;
export const BOOTREPLY = 2;
const COOKIE = Uint8Array.of(99, 130, 83, 99);
/** RFC 1542 2.1: some relays drop shorter messages. */
const MIN_SIZE = 300;

export function encodeRequest({ mac, options, ...fields }: Dhcp4Request): Uint8Array {
  const secs = Math.min(fields.secs, 0xffff);
  return encodeMessage({ ...fields, op: BOOTREQUEST, secs, chaddr: parseMac(mac) }, options);
}

/** Encodes a message (RFC 2131, 2). */
export function encodeMessage(fields: Dhcp4Fields, options: Dhcp4Options): Uint8Array {
  const { op, type, xid, secs = 0, flags = 0, ciaddr, yiaddr = ANY4, giaddr = ANY4, chaddr } = fields;
  const message = concat(
    Uint8Array.of(op, ARPHRD_ETHER, 6, 0),
    u32(xid),
    u16(secs),
    u16(flags),
    ipBytes(ciaddr),
    ipBytes(yiaddr),
    new Uint8Array(4), // siaddr
    ipBytes(giaddr),
    chaddr,
    new Uint8Array(10 + 64 + 128), // the rest of chaddr, sname, file
    COOKIE,
    Uint8Array.of(Option.MESSAGE_TYPE, 1, type),
    ...options.flatMap(([code, value]) => splitOption(code, value)),
    Uint8Array.of(Option.END),
  );
  return concat(message, new Uint8Array(Math.max(0, MIN_SIZE - message.length)));
}

/** Splits an option that is longer than 255 bytes into several parts (RFC 3396). */
function splitOption(code: number, value: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < value.length; start += 255) {
    const part = value.subarray(start, start + 255);
    parts.push(Uint8Array.of(code, part.length), part);
  }
  return parts;
}

/** Decodes a server's message, as {@link decodeMessage} does. */
export function decodeReply(bytes: Uint8Array): Dhcp4Message | null {
  return decodeMessage(BOOTREPLY, bytes);
}

/** Decodes a message. Returns null if it has another `op`, is truncated, lacks the cookie or has options past its end. */
export function decodeMessage(op: Dhcp4Fields['op'], bytes: Uint8Array): Dhcp4Message | null {
  const reader = new Reader(bytes);
  const start = reader.take(4);
  const xid = reader.u32();
  reader.u16(); // secs
  const flags = reader.u16();
  const [ciaddr, yiaddr, , giaddr] = [reader.take(4), reader.take(4), reader.take(4), reader.take(4)];
  const chaddr = reader.take(16);
  const sname = reader.take(64);
  const file = reader.take(128);
  const cookie = reader.take(4);
  if (!start || xid === null || flags === null || !ciaddr || !yiaddr || !giaddr || !chaddr) return null;
  if (!sname || !file || !cookie || !equal(cookie, COOKIE)) return null;
  if (!equal(start.subarray(0, 3), Uint8Array.of(op, ARPHRD_ETHER, 6))) return null;

  const options = new Map<number, Uint8Array>();
  if (!readOptions(reader.rest(), options)) return null;
  // RFC 2132 9.3: 1 for file, 2 for sname, 3 for both; file comes first (RFC 3396 5)
  const overload = options.get(Option.OVERLOAD)?.[0] ?? 0;
  if (overload & 1 && !readOptions(file, options)) return null;
  if (overload & 2 && !readOptions(sname, options)) return null;

  const type = fixedOption(options, Option.MESSAGE_TYPE, 1);
  if (!type) return null;
  return { type: type[0]!, xid, flags, ciaddr, yiaddr, giaddr, chaddr: chaddr.subarray(0, 6), options };
}

/** Adds the options of one field to `options`. Returns false if one runs past the end. END may be missing. */
function readOptions(bytes: Uint8Array, options: Map<number, Uint8Array>): boolean {
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
  return bytes[0] === BOOTREPLY && exactNumber(bytes.subarray(4, 8), 4) === xid;
}

/** Returns the IPv4 addresses of an option; none if its length is not a multiple of 4. */
export function addressesOf(value: Uint8Array | undefined): string[] {
  if (!value || value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, i) => ipText(value.subarray(4 * i, 4 * i + 4)));
}
