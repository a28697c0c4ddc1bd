import { checkLocator, resolveLocator } from '../vde/locator.js';

/** Splits a VNL into its interface name, if it has one ('left:vde:///tmp/sw'), and its locator, by the rule of ioth_vdestack. */
export function splitVnl(vnl: string): [ifname: string | undefined, locator: string] {
  const colon = vnl.indexOf(':');
  const scheme = vnl.indexOf('://');
  if (colon < 0 || colon === scheme) return [undefined, vnl];
  return [vnl.slice(0, colon), vnl.slice(colon + 1)];
}

/** Returns a VNL with its locator resolved and checked: see {@link resolveLocator} and {@link checkLocator}. */
export function resolveVnl(vnl: string): string {
  const [ifname, locator] = splitVnl(vnl);
  const resolved = resolveLocator(locator);
  checkLocator(resolved, 'ioth_newstack');
  return `${ifname === undefined ? '' : `${ifname}:`}${resolved}`;
}

/** Returns the interface that joins a VNL: the name in front of it, else vde0, vde1 … by position. */
export function interfaceName(vnl: string, position: number): string {
  return splitVnl(vnl)[0] ?? `vde${position}`;
}

/** Writes VNLs in a message. */
export function quoted(vnls: readonly string[]): string {
  return vnls.map((vnl) => `'${vnl}'`).join(' or ');
}
