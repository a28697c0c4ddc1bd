import { checkString, invalidValue } from '../core/validate.js';

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
