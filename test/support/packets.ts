/** Packets as servers send them, made by hand for the tests. */

import { concat, u16, u32 } from '../../lib/config/bytes.js';
import { Option } from '../../lib/config/dhcp4/message.js';

export type Options = [code: number, value: Uint8Array | number[]][];

const COOKIE = [99, 130, 83, 99];

export function tlv(options: Options): Uint8Array {
  return concat(...options.flatMap(([code, value]) => [Uint8Array.of(code, value.length), Uint8Array.from(value)]));
}

export interface ReplyParts {
  op?: number;
  xid?: number;
  yiaddr?: number[];
  mac?: number[];
  sname?: Uint8Array;
  file?: Uint8Array;
  cookie?: number[];
  options: Uint8Array;
}

/** A DHCPv4 message of a server. */
export function dhcp4Reply(parts: ReplyParts): Uint8Array {
  const { op = 2, xid = 0x12345678, yiaddr = [10, 0, 0, 50], mac = [2, 0, 0, 0, 0, 1], cookie = COOKIE } = parts;
  const field = (bytes: Uint8Array | undefined, size: number) =>
    concat(bytes ?? new Uint8Array(), new Uint8Array(size)).subarray(0, size);
  return concat(
    Uint8Array.of(op, 1, 6, 0),
    u32(xid),
    new Uint8Array(8),
    Uint8Array.from(yiaddr),
    new Uint8Array(8),
    Uint8Array.from([...mac, ...new Array(10).fill(0)]),
    field(parts.sname, 64),
    field(parts.file, 128),
    Uint8Array.from(cookie),
    parts.options,
  );
}

/** The options of an ordinary ACK or OFFER. */
export function leaseOptions(type: number, extra: Options = [], leaseTime = 3600): Uint8Array {
  return concat(
    tlv([
      [Option.MESSAGE_TYPE, [type]],
      [Option.SERVER_ID, [10, 0, 0, 1]],
      [Option.LEASE_TIME, u32(leaseTime)],
      [Option.SUBNET_MASK, [255, 255, 255, 0]],
      ...extra,
    ]),
    Uint8Array.of(Option.END),
  );
}

/** An option of DHCPv6. */
export function option6(code: number, ...parts: Uint8Array[]): Uint8Array {
  const value = concat(...parts);
  return concat(u16(code), u16(value.length), value);
}

/** An option of neighbour discovery: padded to a multiple of 8. */
export function optionNd(code: number, ...parts: Uint8Array[]): Uint8Array {
  const value = concat(...parts);
  const units = Math.ceil((value.length + 2) / 8);
  return concat(Uint8Array.of(code, units), value, new Uint8Array(units * 8 - 2 - value.length));
}

/** The header of a router advertisement. */
export function advertHeader(lifetime: number, flags = 0): Uint8Array {
  return concat(Uint8Array.of(134, 0, 0, 0, 64, flags), u16(lifetime), new Uint8Array(8));
}

export function prefixOption(
  address: Uint8Array,
  prefixlen: number,
  valid: number,
  preferred: number,
  flags = 0xc0,
): Uint8Array {
  return optionNd(3, Uint8Array.of(prefixlen, flags), u32(valid), u32(preferred), u32(0), address);
}
