/** Checks of the arguments that several requests share. */

import { INTERFACE_NAME, isInterfaceName } from '../address/interface-name.js';
import { AF_INET, AF_INET6 } from '../constants/index.js';
import { checkInteger, checkString, invalidType, invalidValue } from '../core/validate.js';

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

/** @throws {TypeError} for what no interface can be called */
export function checkIfname(value: unknown): string {
  const ifname = checkString('ifname', value);
  if (!isInterfaceName(ifname)) throw invalidValue('ifname', INTERFACE_NAME, ifname);
  return ifname;
}
