/** Checks of the arguments that several requests share. */

import { checkInteger, checkString, invalidType, invalidValue } from '../core/validate.js';
import { AF_INET, AF_INET6 } from './constants.js';

const IFNAME_MAX = 15;

/** @throws {TypeError} for anything but AF_INET and AF_INET6 */
export function checkFamily(family: unknown): number {
  if (typeof family !== 'number') throw invalidType('family', 'AF_INET (2) or AF_INET6 (10)', family);
  if (family !== AF_INET && family !== AF_INET6) {
    throw invalidValue('family', 'AF_INET (2) or AF_INET6 (10)', family);
  }
  return family;
}

/** A prefix length: 0 to 32 or 128. */
export function checkPrefixlen(name: string, family: number, value: unknown): number {
  return checkInteger(name, value, 0, family === AF_INET ? 32 : 128);
}

/** An interface name: 1 to 15 bytes, as dev_valid_name() of the kernel has it. */
export function checkIfname(value: unknown): string {
  const ifname = checkString('ifname', value);
  if (ifname === '' || Buffer.byteLength(ifname) > IFNAME_MAX || /[/\s]/.test(ifname)) {
    throw invalidValue('ifname', `1 to ${IFNAME_MAX} bytes without '/' and white space`, ifname);
  }
  return ifname;
}
