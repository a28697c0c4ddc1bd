/** Addresses made from names: iothaddr.h of libioth. A name gives the same address on every machine. */

import { isIPv6 } from 'node:net';
import { libiothaddr } from '../../ffi/iothaddr.js';
import { AF_INET6 } from '../constants/socket.js';
import { checkInteger, checkString, INT_MAX, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';
import { inet_ntop, inet_pton } from './inet.js';
import { formatMac, parseMac } from './mac.js';

/**
 * Calls iothaddr_hash: XORs the lower 64 bits of the prefix with the MD5 sum of name, password and one-time value, and clears
 * the two lowest bits of the ninth byte. A dot at the end of the name does not count.
 * @param prefix an IPv6 address, '2001:db8::'
 * @param name a fully qualified domain name
 * @param otiptime the result of `otiptime`; 0 (the default) for a permanent address
 * @returns the text of the IPv6 address
 * @throws {LibraryNotFoundError} without libiothaddr; {TypeError} for an invalid prefix or name
 */
function hash(prefix: string, name: string, passwd?: string | null, otiptime = 0): string {
  const addr = parsePrefix(prefix);
  checkInteger('otiptime', otiptime, 0, UINT_MAX);
  libiothaddr().hash(addr, checkName(name), checkPasswd(passwd), otiptime);
  return inet_ntop(AF_INET6, addr);
}

/**
 * Calls iothaddr_hashmac: takes bytes 0, 1, 2, 5, 6 and 7 of the MD5 sum of name and password, and makes them a locally
 * administered unicast address.
 * @returns the text of the MAC address
 * @throws {LibraryNotFoundError} {TypeError} like {@link hash}
 */
function hashmac(name: string, passwd?: string | null): string {
  const mac = Buffer.alloc(6);
  libiothaddr().hashmac(mac, checkName(name), checkPasswd(passwd));
  return formatMac(mac);
}

/**
 * Calls iothaddr_eui64: puts the EUI-64 of the MAC address (RFC 4291, appendix A) into the lower 64 bits of the prefix. C sets
 * the first five of these bytes and XORs the last three: use a prefix whose lower 64 bits are zero.
 * @param mac '80:00:42:0e:e7:3a' or its 6 bytes
 * @returns the text of the IPv6 address
 * @throws {LibraryNotFoundError} {TypeError} like {@link hash}
 */
function eui64(prefix: string, mac: string | Uint8Array): string {
  const addr = parsePrefix(prefix);
  libiothaddr().eui64(addr, parseMac(mac));
  return inet_ntop(AF_INET6, addr);
}

/**
 * Calls iothaddr_hasheui64: {@link eui64} with the address that {@link hashmac} returns.
 * @returns the text of the IPv6 address
 * @throws {LibraryNotFoundError} {TypeError} like {@link hash}
 */
function hasheui64(prefix: string, name: string, passwd?: string | null): string {
  const addr = parsePrefix(prefix);
  libiothaddr().hasheui64(addr, checkName(name), checkPasswd(passwd));
  return inet_ntop(AF_INET6, addr);
}

/**
 * Returns iothaddr_otiptime: the number of the current period, for one-time addresses (OTIP).
 * @param period the lifetime of an address in seconds; 0 returns 0, for a permanent address
 * @param offset seconds to add to the clock, 0 by default: a server takes the next address early, for clients whose clock is fast
 * @returns an unsigned number of 32 bits
 * @throws {RangeError} for a value that is not an integer of 32 bits
 */
function otiptime(period: number, offset = 0): number {
  checkInteger('period', period, 0, INT_MAX);
  checkInteger('offset', offset, -INT_MAX - 1, INT_MAX);
  if (period === 0) return 0;
  const seconds = Math.floor(Date.now() / 1000);
  return Math.trunc((seconds + offset) / period) >>> 0;
}

/** Addresses made from names, by libiothaddr. */
export const iothaddr = { hash, hashmac, eui64, hasheui64, otiptime };

function parsePrefix(prefix: string): Buffer {
  const expected = "an IPv6 address such as '2001:db8::'";
  if (typeof prefix !== 'string') throw invalidType('prefix', expected, prefix);
  if (!isIPv6(prefix) || prefix.includes('%')) throw invalidValue('prefix', expected, prefix);
  return inet_pton(AF_INET6, prefix);
}

// C accepts any text, even if it is not a domain name
function checkName(name: string): string {
  if (checkString('name', name) === '') throw invalidValue('name', "a domain name such as 'host.example.org'", name);
  return name;
}

function checkPasswd(passwd: string | null | undefined): string | null {
  return passwd === null || passwd === undefined ? null : checkString('passwd', passwd);
}
