import { type AddressEntry, addressKey, type RouteEntry, routeKey, type SourceConfig } from './config-sources.js';
import type { StaticItem } from './language.js';

/** Returns the static configuration after adding and removing items, in their order. */
export function withItems(before: SourceConfig, items: readonly StaticItem[]): SourceConfig {
  const addresses = new Map(before.addresses.map((entry) => [addressKey(entry), entry]));
  const routes = new Map(before.routes.map((entry) => [routeKey(entry), entry]));
  const servers = new Set(before.servers);
  const search = new Set(before.search);
  for (const item of items) {
    if (item.item === 'domain') {
      change(search, item.name, item.remove);
    } else if (item.item === 'dns') {
      change(servers, item.address, item.remove);
    } else if (item.item === 'ip') {
      const entry = addressEntry(item);
      if (item.remove) addresses.delete(addressKey(entry));
      else addresses.set(addressKey(entry), entry);
    } else {
      const entry = defaultRoute(item);
      if (item.remove) routes.delete(routeKey(entry));
      else routes.set(routeKey(entry), entry);
    }
  }
  // IPv6 servers first, like ioth_resolvconf(3)
  const sorted = [...servers].sort((a, b) => Number(b.includes(':')) - Number(a.includes(':')));
  return {
    addresses: [...addresses.values()],
    routes: [...routes.values()],
    servers: sorted,
    search: [...search],
    mtu: null,
  };
}

/** Returns the {@link addressKey} or {@link routeKey} of an item; null if it is neither an address nor a route. */
export function keyOf(item: StaticItem): string | null {
  if (item.item === 'ip') return addressKey(addressEntry(item));
  return item.item === 'gw' ? routeKey(defaultRoute(item)) : null;
}

function addressEntry({ family, address, prefixlen }: Extract<StaticItem, { item: 'ip' }>): AddressEntry {
  return { family, address, prefixlen };
}

function defaultRoute({ family, address }: Extract<StaticItem, { item: 'gw' }>): RouteEntry {
  return { family, destination: null, prefixlen: 0, gateway: address };
}

function change(set: Set<string>, value: string, remove: boolean): void {
  if (remove) set.delete(value);
  else set.add(value);
}
