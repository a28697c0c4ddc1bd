import { familyOf, ipBytes, isLinkLocalIPv6, isMapped, mappedBytes } from '../address/ip.js';

/** Address from which the stack would send to a destination. */
export interface SourceAddress {
  address: string;
  /** The prefix length of the source's network, in bits. */
  prefixLength: number;
  /** True if its preferred lifetime is over (RFC 4862, 5.5.4). */
  deprecated: boolean;
}

/** Destination with its source; null if the stack has no route or no address for it. */
export interface Candidate {
  address: string;
  source: SourceAddress | null;
}

// RFC 6724, 2.1; longest prefix first
const POLICY_TABLE = [
  ['::1', 128, 50, 0],
  ['::ffff:0:0', 96, 35, 4],
  ['::', 96, 1, 3],
  ['2001::', 32, 5, 5],
  ['2002::', 16, 30, 2],
  ['3ffe::', 16, 1, 12],
  ['fec0::', 10, 1, 11],
  ['fc00::', 7, 3, 13],
  ['::', 0, 40, 1],
] as const;

const parseTable = () =>
  POLICY_TABLE.map(([prefix, length, precedence, label]) => ({ prefix: ipBytes(prefix), length, precedence, label }));
/** The parsed table, from the first use on, to keep start-up fast. */
let policies: ReturnType<typeof parseTable> | undefined;

const LINK_LOCAL = 2;
const SITE_LOCAL = 5;
const GLOBAL = 14;

/**
 * Sorts destinations by RFC 6724, 6. Equal ones keep their order. Rule 4 (home addresses) and rule 7 (native transport)
 * are left out: no stack here supports either. As in glibc, rule 9 compares IPv4 prefixes only if source and destination
 * share a network: elsewhere it would undo the rotation of addresses by DNS servers.
 */
export function sortDestinations<T extends Candidate>(candidates: readonly T[]): T[] {
  const facts = candidates.map((candidate) => ({ candidate, ...factsOf(candidate) }));
  return facts.sort(compare).map(({ candidate }) => candidate);
}

type Facts = ReturnType<typeof factsOf>;

function factsOf({ address, source }: Candidate) {
  const bytes = mappedBytes(address);
  const policy = policyOf(bytes);
  const sourceBytes = source && mappedBytes(source.address);
  const scope = scopeOf(bytes);
  return {
    family: familyOf(address),
    reachable: source !== null,
    scope,
    scopeMatches: sourceBytes !== null && scopeOf(sourceBytes) === scope,
    deprecated: source?.deprecated ?? false,
    labelMatches: sourceBytes !== null && policyOf(sourceBytes).label === policy.label,
    precedence: policy.precedence,
    commonBits: source ? commonBits(address, source) : 0,
  };
}

// The sort is stable: destinations that are equal by all rules keep their order (rule 10).
function compare(a: Facts, b: Facts): number {
  return (
    Number(b.reachable) - Number(a.reachable) || // rule 1
    Number(b.scopeMatches) - Number(a.scopeMatches) || // rule 2
    Number(a.deprecated) - Number(b.deprecated) || // rule 3
    Number(b.labelMatches) - Number(a.labelMatches) || // rule 5
    b.precedence - a.precedence || // rule 6
    a.scope - b.scope || // rule 8
    (a.family === b.family ? b.commonBits - a.commonBits : 0) // rule 9
  );
}

function policyOf(bytes: Uint8Array) {
  policies ??= parseTable();
  const policy = policies.find(({ prefix, length }) => prefixBits(bytes, prefix) >= length);
  if (!policy) throw new Error('the policy table has an entry for ::/0');
  return policy;
}

/** Returns the scope of a 16-byte address (RFC 6724, 3.1 and 3.2). */
export function scopeOf(bytes: Uint8Array): number {
  const [a = 0, b = 0] = bytes;
  if (a === 255) return b & 15;
  if (isLinkLocalIPv6(bytes)) return LINK_LOCAL;
  if (a === 0xfe && (b & 0xc0) === 0xc0) return SITE_LOCAL;
  if (bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return LINK_LOCAL;
  const isIPv4Local = bytes[12] === 127 || (bytes[12] === 169 && bytes[13] === 254);
  return isMapped(bytes) && isIPv4Local ? LINK_LOCAL : GLOBAL;
}

function commonBits(address: string, source: SourceAddress): number {
  const a = ipBytes(address);
  const b = ipBytes(source.address);
  if (a.length !== b.length) return 0;
  const bits = prefixBits(a, b);
  return a.length === 4 && bits < source.prefixLength ? 0 : bits;
}

/** Returns how many leading bits two addresses of equal length share. */
function prefixBits(a: Uint8Array, b: Uint8Array): number {
  const differing = a.findIndex((byte, i) => byte !== b[i]);
  if (differing < 0) return a.length * 8;
  return differing * 8 + Math.clz32((a[differing] ?? 0) ^ (b[differing] ?? 0)) - 24;
}
