import { fold, wordSum } from '../../core/internet-checksum.js';
import { type AddressPrefix, isInPrefix } from '../address-prefix.js';

const ADDRESS = 16;
/** Up to this length the subnet (bits 48 to 63) is adjusted, from there on the interface identifier: RFC 6296, 3.4 and 3.5. */
const MAX_SITE = 48;
const SUBNET_AT = 6;
const IDENTIFIER_AT = [8, 10, 12, 14];
const ALL_ONES = 0xffff;

/** Two prefixes of IPv6 of equal lengths, 64 bits at most, whose addresses stand for each other. */
export interface PrefixPair {
  readonly inside: AddressPrefix;
  readonly outside: AddressPrefix;
}

/**
 * Translates addresses of IPv6 between two prefixes, statelessly, and so that the checksums over them stay right: NPTv6, RFC 6296.
 */
export class PrefixTranslation {
  /** What is added to a word of an address when its prefix inside is replaced: RFC 6296, 3.1. */
  readonly #adjustment: number;

  constructor(readonly prefixes: PrefixPair) {
    const { inside, outside } = prefixes;
    this.#adjustment = fold(wordSum(inside.bytes, 0, ADDRESS) + complement(wordSum(outside.bytes, 0, ADDRESS)));
  }

  isInside(bytes: Uint8Array, at: number): boolean {
    return isInPrefix(bytes, at, ADDRESS, this.prefixes.inside);
  }

  isOutside(bytes: Uint8Array, at: number): boolean {
    return isInPrefix(bytes, at, ADDRESS, this.prefixes.outside);
  }

  /** Replaces an address inside by the one outside. Returns false if it has none, all ones where it would be adjusted. */
  toOutside(bytes: Buffer, at: number): boolean {
    return replace(bytes, at, this.prefixes.outside, this.#adjustment);
  }

  /** Replaces an address outside by the one inside. Returns false if it has none. */
  toInside(bytes: Buffer, at: number): boolean {
    return replace(bytes, at, this.prefixes.inside, complement(this.#adjustment));
  }
}

function replace(bytes: Buffer, at: number, { bytes: prefix, length }: AddressPrefix, adjustment: number): boolean {
  const places = length <= MAX_SITE ? [SUBNET_AT] : IDENTIFIER_AT;
  const place = places.find((each) => bytes.readUInt16BE(at + each) !== ALL_ONES);
  if (place === undefined) return false;
  for (let i = 0; i * 8 < length; i++) {
    const kept = 0xff >> Math.min(8, length - i * 8);
    bytes[at + i] = (prefix[i]! & ~kept) | (bytes[at + i]! & kept);
  }
  const word = fold(bytes.readUInt16BE(at + place) + adjustment);
  // both are zero in one's complement, and all ones could not be translated back
  bytes.writeUInt16BE(word === ALL_ONES ? 0 : word, at + place);
  return true;
}

function complement(sum: number): number {
  return ~fold(sum) & ALL_ONES;
}
