import { inspect } from 'node:util';
import { printable } from '../core/printable.js';
import type { InterfaceLink } from '../netlink/index.js';
import type { Stack } from '../stack/stack.js';
import { isColoured, table } from './terminal.js';

const IFF_NAMES: readonly (readonly [flag: number, name: string])[] = [
  [0x8, 'LOOPBACK'],
  [0x2, 'BROADCAST'],
  [0x80, 'NOARP'],
  [0x1000, 'MULTICAST'],
  [0x1, 'UP'],
  [0x10000, 'LOWER_UP'],
];

/** Formats addresses as `ip -br addr` does. */
export function addressText(stack: Stack): string {
  return listText(stack.interfaces());
}

/** Formats routes as `ip route` does, IPv4 first. */
export function routeText(stack: Stack): string {
  return listText(stack.routes());
}

/** Formats a list as util.inspect does; '' if it is empty. */
function listText(list: readonly unknown[]): string {
  return list.length === 0 ? '' : inspect(list, { colors: isColoured() });
}

/** Formats links as `ip -br link` does, with the MTU. */
export function linkText(links: readonly InterfaceLink[]): string {
  const rows = links.map(({ name, operstate, up, mac, mtu, flags }) => [
    printable(name),
    operstate ?? (up ? 'UNKNOWN' : 'DOWN'),
    mac ?? '-',
    `mtu ${mtu} <${IFF_NAMES.flatMap(([flag, word]) => (flags & flag ? [word] : [])).join(',')}>`,
  ]);
  return table(rows);
}
