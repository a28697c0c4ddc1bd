import { checkPrefixlen } from '../address/inet.js';
import { familyOf, ipBytes, splitPrefix, withoutZone } from '../address/ip.js';
import { invalidType, invalidValue } from '../core/validate.js';

/** An address, or a prefix of addresses. */
export interface AddressPrefix {
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** In bits. */
  readonly length: number;
}

/** Reads an address or a prefix. @throws {TypeError | RangeError} */
export function checkAddressPrefix(name: string, value: unknown): AddressPrefix {
  const expected = "an address such as '10.0.0.1', or a prefix such as 'fd00::/64'";
  if (typeof value !== 'string') throw invalidType(name, expected, value);
  const [address, given] = splitPrefix(value);
  const family = familyOf(address);
  if (family === 0 || withoutZone(address) !== address) throw invalidValue(name, expected, value);
  const bytes = Uint8Array.from(ipBytes(address));
  const length = given === undefined ? bytes.length * 8 : checkPrefixlen(name, family, given);
  return { bytes, length };
}

/** Returns whether the address at an offset of a frame, which has `size` bytes, is one of a prefix. */
export function isInPrefix(frame: Uint8Array, at: number, size: number, { bytes, length }: AddressPrefix): boolean {
  if (bytes.length !== size) return false;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (frame[at + i] !== bytes[i]) return false;
  const rest = length & 7;
  return rest === 0 || (frame[at + whole]! ^ bytes[whole]!) >> (8 - rest) === 0;
}
