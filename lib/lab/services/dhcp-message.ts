import { ANY4, ipBytes, ipText } from '../../address/ip.js';
import { concat, equal, Reader, u16, u32 } from '../../config/bytes.js';
import { COOKIE, DHCPNAK, Option, readOptions } from '../../config/dhcp4/message.js';
import { ARPHRD_ETHER } from '../../constants/index.js';

/** A decoded message of a client. */
export interface ReceivedRequest {
  readonly type: number;
  readonly xid: number;
  readonly flags: number;
  /** '0.0.0.0' for none. */
  readonly ciaddr: string;
  readonly giaddr: string;
  /** 6 bytes. */
  readonly chaddr: Uint8Array;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** The reply of a server. */
export interface ServerReply {
  readonly type: number;
  /** '0.0.0.0' for none. */
  readonly yiaddr: string;
  readonly options: readonly [code: number, value: Uint8Array][];
}

const BOOTREQUEST = 1;
const BOOTREPLY = 2;
const BROADCAST_FLAG = 0x8000;
/** The minimum size of a message: RFC 1542, 2.1. */
const MIN_SIZE = 300;

/**
 * Decodes a client's message (RFC 2131, 2). Returns null if it is no request, is truncated, has no cookie, or has options past
 * its end.
 */
export function decodeRequest(bytes: Uint8Array): ReceivedRequest | null {
  const reader = new Reader(bytes);
  const start = reader.take(4);
  const xid = reader.u32();
  reader.u16(); // secs
  const flags = reader.u16();
  const ciaddr = reader.take(4);
  reader.take(8); // yiaddr, siaddr
  const giaddr = reader.take(4);
  const chaddr = reader.take(16);
  reader.take(64 + 128); // sname, file
  const cookie = reader.take(4);
  if (!start || !ciaddr || !giaddr || !chaddr || xid === null || flags === null || !cookie) return null;
  if (!equal(start.subarray(0, 3), Uint8Array.of(BOOTREQUEST, ARPHRD_ETHER, 6)) || !equal(cookie, COOKIE)) return null;
  const options = new Map<number, Uint8Array>();
  if (!readOptions(reader.rest(), options)) return null;
  const type = options.get(Option.MESSAGE_TYPE);
  if (type?.length !== 1) return null;
  const addresses = { ciaddr: ipText(ciaddr), giaddr: ipText(giaddr), chaddr: chaddr.subarray(0, 6) };
  return { type: type[0]!, xid, flags, ...addresses, options };
}

/** Encodes a reply, with the fields of RFC 2131, 4.3.1, table 3. */
export function encodeReply(request: ReceivedRequest, reply: ServerReply): Uint8Array {
  const isNak = reply.type === DHCPNAK;
  const message = concat(
    Uint8Array.of(BOOTREPLY, ARPHRD_ETHER, 6, 0),
    u32(request.xid),
    u16(0),
    // RFC 2131, 4.3.2: a relay must broadcast a DHCPNAK
    u16(isNak && request.giaddr !== ANY4 ? request.flags | BROADCAST_FLAG : request.flags),
    ipBytes(isNak ? ANY4 : request.ciaddr),
    ipBytes(reply.yiaddr),
    new Uint8Array(4), // siaddr
    ipBytes(request.giaddr),
    request.chaddr,
    new Uint8Array(10 + 64 + 128), // the rest of chaddr, sname, file
    COOKIE,
    Uint8Array.of(Option.MESSAGE_TYPE, 1, reply.type),
    ...reply.options.flatMap(([code, value]) => splitOption(code, value)),
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
