import { addressKey, type RouteEntry, routeKey, type SourceConfig } from './config-sources.js';
import type { StaticItem } from './language.js';

/** Returns the static configuration after adding and removing items, in their order. */
export function withItems(before: SourceConfig, items: readonly StaticItem[]): SourceConfig {
  const addresses = new Map(before.addresses.map((entry) => [addressKey(entry), entry]));
  const routes = new Map(before.routes.map((entry) => [routeKey(entry), entry]));
  const servers = new Map(before.servers.map((server) => [server, server]));
  const search = new Map(before.search.map((name) => [name, name]));
  for (const item of items) {
    if (item.item === 'domain') change(search, item.name, item.name, item.remove);
    else if (item.item === 'dns') change(servers, item.address, item.address, item.remove);
    else if (item.item === 'ip') change(addresses, addressKey(item), item, item.remove);
    else change(routes, routeKey(defaultRoute(item)), defaultRoute(item), item.remove);
  }
  // IPv6 servers first, like ioth_resolvconf(3)
  const sorted = [...servers.values()].sort((a, b) => Number(b.includes(':')) - Number(a.includes(':')));
  return {
    addresses: [...addresses.values()],
    routes: [...routes.values()],
    servers: sorted,
    search: [...search.values()],
    mtu: null,
  };
}

/** Returns the {@link addressKey} or {@link routeKey} of an item; null if it is neither an address nor a route. */
export function keyOf(item: StaticItem): string | null {
  if (item.item === 'ip') return addressKey(item);
  return item.item === 'gw' ? routeKey(defaultRoute(item)) : null;
}

function defaultRoute({ family, address }: Extract<StaticItem, { item: 'gw' }>): RouteEntry {
  return { family, destination: null, prefixlen: 0, gateway: address };
}

function change<T>(entries: Map<string, T>, key: string, entry: T, remove: boolean): void {
  if (remove) entries.delete(key);
  else entries.set(key, entry);
}
