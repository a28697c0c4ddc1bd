import { printable } from '../core/printable.js';
import type { Stylize } from '../core/printed-list.js';
import type { Route } from './route.js';
import { FLAGS, nameOf, PROTOCOLS, SCOPES, TABLES, TYPES } from './route-names.js';

/** Returns routes as ip-route(8) prints them, without metrics and lifetimes. A route with several gateways is several lines. */
export function routeLines(routes: readonly Route[], stylize: Stylize): string[] {
  return routes.map((route) => words(route, stylize).join(' '));
}

function words(route: Route, stylize: Stylize): string[] {
  const { family, gw, ifindex, ifname, table, protocol, scope, src, metric, pref, type, flags } = route;
  const address = (text: string) => stylize(text, 'date');
  const found = type === TYPES.unicast ? [] : [nameOf(TYPES, type)];
  found.push(address(destination(route)));
  if (gw !== null) found.push('via', ...(familyOf(gw) === family ? [] : [familyWord(gw)]), address(gw));
  if (ifindex > 0) found.push('dev', stylize(printable(ifname ?? `if${ifindex}`), 'special'));
  if (table !== TABLES.main) found.push('table', nameOf(TABLES, table));
  if (protocol !== PROTOCOLS.boot) found.push('proto', nameOf(PROTOCOLS, protocol));
  if (scope !== SCOPES.global) found.push('scope', nameOf(SCOPES, scope));
  if (src !== undefined) found.push('src', address(src));
  if (metric !== undefined) found.push('metric', String(metric));
  for (const [name, flag] of Object.entries(FLAGS)) if ((flags & flag) !== 0) found.push(name);
  if (pref !== undefined) found.push('pref', pref);
  return found;
}

function destination({ family, dst, dst_prefixlen }: Route): string {
  if (dst_prefixlen === 0) return 'default';
  return dst_prefixlen === (family === 'IPv4' ? 32 : 128) ? dst : `${dst}/${dst_prefixlen}`;
}

function familyOf(address: string): Route['family'] {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

function familyWord(address: string): string {
  return familyOf(address) === 'IPv6' ? 'inet6' : 'inet';
}
