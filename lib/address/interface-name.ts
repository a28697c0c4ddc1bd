import { checkIfindex, checkString, invalidType, invalidValue } from '../core/validate.js';

/** The longest interface name: IFNAMSIZ is 16, with the NUL. */
const MAX_BYTES = 15;

/** The names that {@link isInterfaceName} accepts, for messages. */
export const INTERFACE_NAME = `an interface name: 1 to ${MAX_BYTES} bytes without '/', ':' and white space`;

/**
 * Returns whether an interface can have this name: the rules of the kernel's dev_valid_name(), without the names that its
 * sysctl tree reserves.
 */
export function isInterfaceName(name: string): boolean {
  return (
    /^[^\s/:]+$/.test(name) && Buffer.byteLength(name) <= MAX_BYTES && !['.', '..', 'all', 'default'].includes(name)
  );
}

export function checkIfname(value: unknown): string {
  const ifname = checkString('ifname', value);
  if (!isInterfaceName(ifname)) throw invalidValue('ifname', INTERFACE_NAME, ifname);
  return ifname;
}

/** Checks an index or a name of an interface, without asking the stack. */
export function checkInterface(value: unknown): number | string {
  if (typeof value === 'number') return checkIfindex('ifindex', value);
  if (typeof value !== 'string') throw invalidType('ifindex', 'the index or the name of an interface', value);
  if (isInterfaceName(checkString('ifindex', value))) return value;
  throw invalidValue('ifindex', `an index, or ${INTERFACE_NAME}`, value);
}
