import { checkString, invalidValue } from '../core/validate.js';

/** IFNAMSIZ is 16, with the NUL. */
const MAX_BYTES = 15;

/** What {@link isInterfaceName} takes, for messages. */
export const INTERFACE_NAME = `an interface name: 1 to ${MAX_BYTES} bytes without '/', ':' and white space`;

/**
 * Whether an interface can have this name: dev_valid_name() of the kernel, and the names that its sysctl tree has
 * for itself.
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
