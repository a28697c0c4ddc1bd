import { familyOf, ipBytes, ipText, splitPrefix } from '../../address/ip.js';
import { NAT64_PREFIX } from '../../address/nat64-address.js';
import { AF_INET } from '../../constants/socket.js';
import { checkString, invalidValue } from '../../core/validate.js';

/** An IP prefix: the addresses of a network. */
export interface Prefix {
  /** The text of the prefix: '10.0.0.0/24'. */
  readonly text: string;
  readonly family: number;
  readonly length: number;
  /** The first address as a number. */
  readonly base: bigint;
  /** The number of addresses that hosts can have: not the first and, for IPv4, not the last. */
  readonly capacity: bigint;
}

/** Prefixes whose addresses have another meaning to a stack. */
const SPECIAL: readonly [prefix: string, meaning: string][] = [
  ['0.0.0.0/8', 'this network'],
  ['127.0.0.0/8', 'the loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/3', 'multicast and reserved'],
  ['::/96', 'unspecified and loopback'],
  [NAT64_PREFIX, 'IPv4 behind a NAT64'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
];

/** Parses a prefix. @param name the name of the argument, for messages @throws {TypeError} ERR_INVALID_ARG_VALUE */
export function parsePrefix(name: string, value: unknown): Prefix {
  const [address, length] = splitPrefix(checkString(name, value));
  const family = familyOf(address);
  const bits = bitsOf(family);
  if (family === 0 || address.includes('%') || length === undefined || !(length <= bits)) {
    throw invalidValue(name, "a prefix such as '10.0.0.0/24' or 'fd00::/64'", value);
  }
  const prefix = prefixOf(address, length);
  if (prefix.capacity < 1n)
    throw invalidValue(name, `a prefix of ${bits - 2} bits at most, with room for hosts`, value);
  if (numberOf(address) !== prefix.base) throw invalidValue(name, `the network itself, '${prefix.text}'`, value);
  for (const [special, meaning] of SPECIAL) {
    if (!overlaps(prefix, prefixOf(...(splitPrefix(special) as [string, number])))) continue;
    throw invalidValue(name, `a prefix of unicast addresses (${special} is ${meaning})`, value);
  }
  return prefix;
}

/** Returns whether two prefixes have an address in common. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false;
  const length = Math.min(a.length, b.length);
  const shift = BigInt(bitsOf(a.family) - length);
  return a.base >> shift === b.base >> shift;
}

/** Returns whether hosts of the prefix can have the address. Its text has no zone ('%lan'). */
export function hasHost(prefix: Prefix, address: string): boolean {
  if (familyOf(address) !== prefix.family || address.includes('%')) return false;
  const position = numberOf(address) - prefix.base;
  return position >= 1n && position <= prefix.capacity;
}

/** Returns the address at a position: 1 is the first that a host can have. */
export function addressAt(prefix: Pick<Prefix, 'family' | 'base'>, position: bigint): string {
  const digits = (prefix.base + position).toString(16).padStart(bitsOf(prefix.family) / 4, '0');
  return ipText(Buffer.from(digits, 'hex'));
}

function prefixOf(address: string, length: number): Prefix {
  const family = familyOf(address);
  const hostBits = BigInt(bitsOf(family) - length);
  const base = (numberOf(address) >> hostBits) << hostBits;
  const count = 1n << hostBits;
  const capacity = count - (family === AF_INET ? 2n : 1n);
  return { text: `${addressAt({ family, base }, 0n)}/${length}`, family, length, base, capacity };
}

function bitsOf(family: number): number {
  return family === AF_INET ? 32 : 128;
}

function numberOf(address: string): bigint {
  return BigInt(`0x${Buffer.from(ipBytes(address)).toString('hex')}`);
}
