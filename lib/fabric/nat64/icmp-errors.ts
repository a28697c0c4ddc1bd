import { IPV6_IS_LONGER } from './transport.js';

/** What an ICMP error says: its type, its code, and the four bytes behind its checksum. */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
  readonly rest: number;
}

/** RFC 8200, 5, and RFC 791, 3.1. */
const MIN_MTU6 = 1280;
const MIN_MTU4 = 68;
const NEXT_HEADER = 6;

/** ICMPv6 type 1 codes by the codes of ICMP type 3. */
const UNREACHABLE_TO_6 = codes([
  [0, [0, 1, 5, 6, 7, 8, 11, 12]],
  [1, [9, 10, 13, 15]],
  [4, [3]],
]);
/** ICMP type 3 codes by those of ICMPv6 type 1. */
const UNREACHABLE_TO_4 = codes([
  [1, [0, 2, 3]],
  [10, [1]],
  [3, [4]],
]);
/** Offsets of the fields of an IPv6 header by those of an IPv4 header: RFC 7915, 4.2 and 5.2. */
const POINTER_TO_6 = codes([
  [0, [0]],
  [1, [1]],
  [4, [2, 3]],
  [7, [8]],
  [NEXT_HEADER, [9]],
  [8, [12, 13, 14, 15]],
  [24, [16, 17, 18, 19]],
]);
const POINTER_TO_4 = codes([
  [0, [0]],
  [1, [1]],
  [2, [4, 5]],
  [9, [NEXT_HEADER]],
  [8, [7]],
  [12, range(8, 24)],
  [16, range(24, 40)],
]);

/** Returns the ICMPv6 error of an ICMP error; undefined if it has none. RFC 7915, 4.2. */
export function errorToIpv6({ type, code, rest }: IcmpError): IcmpError | undefined {
  if (type === 3 && code === 2) return { type: 4, code: 1, rest: NEXT_HEADER };
  if (type === 3 && code === 4) return { type: 2, code: 0, rest: Math.max(MIN_MTU6, (rest & 0xffff) + IPV6_IS_LONGER) };
  if (type === 3) return error(1, UNREACHABLE_TO_6.get(code), 0);
  if (type === 11) return { type: 3, code, rest: 0 };
  return type === 12 && (code === 0 || code === 2) ? error(4, 0, POINTER_TO_6.get(rest >>> 24)) : undefined;
}

/** Returns the ICMP error of an ICMPv6 error; undefined if it has none. RFC 7915, 5.2. */
export function errorToIpv4({ type, code, rest }: IcmpError): IcmpError | undefined {
  if (type === 1) return error(3, UNREACHABLE_TO_4.get(code), 0);
  if (type === 2) return { type: 3, code: 4, rest: Math.min(0xffff, Math.max(MIN_MTU4, rest - IPV6_IS_LONGER)) };
  if (type === 3) return { type: 11, code, rest: 0 };
  if (type === 4 && code === 1) return { type: 3, code: 2, rest: 0 };
  const pointer = type === 4 && code === 0 ? POINTER_TO_4.get(rest) : undefined;
  return pointer === undefined ? undefined : { type: 12, code: 0, rest: pointer * 2 ** 24 };
}

/** Returns the message of an error of either family, whose checksum is missing. @param quoted the packet that it is about */
export function errorMessage({ type, code, rest }: IcmpError, quoted: Uint8Array): Buffer {
  const message = Buffer.concat([Buffer.of(type, code, 0, 0, 0, 0, 0, 0), quoted]);
  message.writeUInt32BE(rest, 4);
  return message;
}

function error(type: number, code: number | undefined, rest: number | undefined): IcmpError | undefined {
  return code === undefined || rest === undefined ? undefined : { type, code, rest };
}

/** Returns what each number becomes. */
function codes(pairs: readonly (readonly [to: number, from: readonly number[]])[]): ReadonlyMap<number, number> {
  return new Map(pairs.flatMap(([to, from]) => from.map((each) => [each, to] as const)));
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
