import { type AddressEntry, addressKey, type RouteEntry, routeKey, type SourceConfig } from './config-sources.js';
import type { StaticItem } from './language.js';

/** The static configuration after some items more, or fewer, in their order. */
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
  // as ioth_resolvconf(3) writes them: IPv6 servers first
  const sorted = [...servers].sort((a, b) => Number(b.includes(':')) - Number(a.includes(':')));
  return {
    addresses: [...addresses.values()],
    routes: [...routes.values()],
    servers: sorted,
    search: [...search],
    mtu: null,
  };
}

/** What an item adds, as {@link addressKey} and {@link routeKey} name it; null for what is no address or route. */
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
