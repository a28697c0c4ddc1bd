import { printable } from '../core/printable.js';
import type { Style, Stylize } from '../core/printed-list.js';
import type { InterfaceAddress } from './address.js';
import type { Interface } from './interfaces.js';
import { FIRST_WIRE_INDEX, type InterfaceLink } from './link.js';

/** The widths of the columns of ip(8), with a space. */
const NAME_COLUMN = 17;
const STATE_COLUMN = 15;

/** Returns interfaces as `ip -br addr` prints them: name, state, addresses. */
export function interfaceLines(interfaces: readonly Interface[], stylize: Stylize): string[] {
  return interfaces.map((each) => {
    const name = printable(shownName(each, interfaces));
    const state = each.operstate ?? (each.up ? 'UNKNOWN' : 'DOWN');
    const addresses = each.addresses.map((one) => stylize(shownAddress(one), 'date')).join(' ');
    const columns = [
      stylize(name, 'special') + padding(name, NAME_COLUMN),
      stylize(state, styleOf(state)) + padding(state, STATE_COLUMN),
      addresses,
    ];
    return columns.join('').trimEnd();
  });
}

// from the plain text: colours take no room
function padding(text: string, width: number): string {
  return ' '.repeat(Math.max(1, width - text.length));
}

/** Returns the name with that of the lower link or the peer: 'left@right', or 'left@if5' if that is in another namespace. */
function shownName({ name, link, link_netnsid }: InterfaceLink, links: readonly InterfaceLink[]): string {
  if (link === undefined || link >= FIRST_WIRE_INDEX) return name;
  if (link === 0) return `${name}@NONE`;
  const other = link_netnsid === undefined ? links.find(({ ifindex }) => ifindex === link)?.name : undefined;
  return `${name}@${other ?? `if${link}`}`;
}

function shownAddress({ address, peer, prefixlen }: InterfaceAddress): string {
  return peer === undefined ? `${address}/${prefixlen}` : `${address} peer ${peer}/${prefixlen}`;
}

function styleOf(state: string): Style {
  if (state === 'UP') return 'string';
  return state === 'DOWN' ? 'regexp' : 'undefined';
}
