import { printable } from '../core/printable.js';
import type { Style, Stylize } from '../core/printed-list.js';
import type { InterfaceAddress } from './address.js';
import type { Interface } from './interfaces.js';
import type { Link } from './link.js';

/** How wide ip(8) prints them, and a space. */
const NAME_COLUMN = 17;
const STATE_COLUMN = 15;

/** Interfaces as `ip -br addr` prints them: name, state, addresses. */
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

// by the text alone: colours take no room
function padding(text: string, width: number): string {
  return ' '.repeat(Math.max(1, width - text.length));
}

/** With the link under it or its peer: 'left@right', 'left@if5' where that is in another namespace. */
function shownName({ name, link, link_netnsid }: Link, links: readonly Link[]): string {
  if (link === undefined) return name;
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
