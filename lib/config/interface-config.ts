import { ipBytes, isLinkLocalIPv6, zoneOf } from '../address/ip.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import type { NetworkSettings } from '../dns/settings.js';
import type { StackInterface } from '../dns/stack-interface.js';
import {
  type AddressEntry,
  addressKey,
  destinationKey,
  emptySource,
  mtuKey,
  type RouteEntry,
  routeKey,
  SOURCES,
  type SourceConfig,
  type SourceName,
} from './config-sources.js';
import type { Unapplied } from './provider.js';
import { mergeSettings } from './resolvconf.js';

/** rtm_protocol of routes that the kernel made from a router advertisement. */
const RTPROT_RA = 9;

/**
 * Errors of removing an entry that is already gone. Linux: EADDRNOTAVAIL for an address, ENXIO if the interface has lost
 * IPv6, ESRCH for a route, ENODEV for the interface. picox: ENODEV and ENOENT.
 */
export const GONE_ALREADY = ['EADDRNOTAVAIL', 'ENXIO', 'ESRCH', 'ENODEV', 'ENOENT'];

type Entry = { kind: 'address'; entry: AddressEntry } | { kind: 'route'; entry: RouteEntry };

/** Address, route or MTU that the stack refused to add or to remove. */
export interface RejectedEntry extends Unapplied {
  key: string;
}

/**
 * Configuration of one interface: the entries that each source wants, and those that are installed. A change of a source
 * touches only the entries that differ: a renewed lease disturbs no connection.
 */
export class InterfaceConfig {
  readonly #sources = new Map<SourceName, SourceConfig>();
  /** Entries that were put on the interface, or were already there. */
  readonly #installed = new Map<string, Entry>();
  #originalMtu: number | null = null;

  constructor(
    readonly host: StackInterface,
    readonly ifindex: number,
  ) {}

  get(source: SourceName): SourceConfig {
    return this.#sources.get(source) ?? emptySource();
  }

  /** Replaces the entries of `source` and updates the interface. Returns the entries that the stack refused. */
  set(source: SourceName, config: SourceConfig): RejectedEntry[] {
    this.#sources.set(source, config);
    return this.reconcile();
  }

  /** Updates the interface to match the sources. Retries entries that were refused before. */
  reconcile(): RejectedEntry[] {
    const desired = this.#desired();
    const rejected: RejectedEntry[] = [];
    const gone = [...this.#installed].filter(([key]) => !desired.has(key));
    // remove routes first: a gateway is reached through an address
    for (const [key, entry] of gone.reverse()) {
      const error = errorOf(() => this.#remove(entry));
      // it may have gone with its interface or address, or the user removed it
      const isGone = !error || GONE_ALREADY.includes(error.code);
      // an entry that is still there is removed the next time
      if (isGone) this.#installed.delete(key);
      else rejected.push({ key, item: textOf(entry), action: 'remove', error });
    }
    // with the first IPv4 address of a network the kernel also drops the network's other addresses and their routes
    if (gone.some(([, { kind, entry }]) => kind === 'address' && entry.family === AF_INET)) {
      for (const [key, { entry }] of this.#installed) {
        if (entry.family === AF_INET && desired.has(key)) this.#installed.delete(key);
      }
    }
    for (const [key, entry] of desired) {
      if (this.#installed.has(key)) continue;
      const error = errorOf(() => this.#installed.set(key, this.#add(entry)));
      if (error) rejected.push({ key, item: textOf(entry), action: 'add', error });
    }
    return [...rejected, ...this.#setMtu()];
  }

  /** Installs everything again after the link was down: the kernel dropped routes and IPv6 addresses then. */
  reinstall(): void {
    this.#installed.clear();
    this.reconcile();
  }

  /** Drops entries of the static source by their keys. */
  dropStatic(keys: readonly string[]): void {
    const { addresses, routes, ...rest } = this.get('static');
    this.#sources.set('static', {
      ...rest,
      addresses: addresses.filter((entry) => !keys.includes(addressKey(entry))),
      routes: routes.filter((entry) => !keys.includes(routeKey(entry))),
    });
  }

  /** The name settings of all sources. As in iothconf static servers come first, then DHCPv6's, then DHCPv4's. */
  get settings(): NetworkSettings {
    const order = ['static', 'dhcp6', 'dhcp4', 'rd'] as const;
    const { servers, search } = mergeSettings(order.map((name) => this.get(name)));
    return { servers: [...new Set(servers.map(this.#withZone, this))], search };
  }

  /** Adds the zone to a link-local name server, which is useless without one: 'fe80::1%vde0'. */
  #withZone(server: string): string {
    if (zoneOf(server) !== '' || !isLinkLocalIPv6(ipBytes(server))) return server;
    return `${server}%${this.#ifname()}`;
  }

  #ifname(): string {
    return this.host.link(this.ifindex)?.name ?? String(this.ifindex);
  }

  /** Returns every address and, per destination, the route of the first source that has one. */
  #desired(): Map<string, Entry> {
    const desired = new Map<string, Entry>();
    const destinations = new Set<string>();
    const sources = SOURCES.map((name) => this.get(name));
    for (const entry of sources.flatMap(({ addresses }) => addresses)) {
      desired.set(addressKey(entry), { kind: 'address', entry });
    }
    // on-link routes first: gateways may be reached through them
    const routes = sources.flatMap((source) => source.routes);
    for (const entry of [...routes.filter((r) => r.gateway === null), ...routes.filter((r) => r.gateway !== null)]) {
      const destination = destinationKey(entry);
      if (destinations.has(destination)) continue;
      destinations.add(destination);
      desired.set(routeKey(entry), { kind: 'route', entry });
    }
    return desired;
  }

  /** Adds an entry. Returns it as it is on the interface. */
  #add(item: Entry): Entry {
    const { kind, entry } = item;
    try {
      if (kind === 'address') this.host.ipaddr_add(entry.family, entry.address, entry.prefixlen, this.ifindex);
      else this.#addRoute(entry);
    } catch (error) {
      const exists = error instanceof IothError && error.code === 'EEXIST';
      if (!exists || (kind === 'route' && !this.#takesOver(entry))) throw error;
      if (kind === 'address' && entry.family === AF_INET6) return { kind, entry: this.#asFound(entry) };
    }
    return item;
  }

  /** Returns an IPv6 address with the prefix length that it has already: the kernel's own choice for a router's prefix. */
  #asFound(entry: AddressEntry): AddressEntry {
    const found = this.host.addressesOf(this.ifindex).find(({ address }) => address === entry.address);
    return found ? { ...entry, prefixlen: found.prefixlen } : entry;
  }

  #addRoute({ family, gateway, destination, prefixlen }: RouteEntry): void {
    this.host.iproute_add(family, gateway, destination, prefixlen, this.ifindex);
  }

  /**
   * Handles EEXIST of a route; returns whether the route is there now. It is if it was there already, if it replaced one that
   * the kernel made from a router advertisement, or if it was added with a higher metric behind routes of other interfaces: it
   * stays when those go.
   */
  #takesOver(entry: RouteEntry): boolean {
    const { family, gateway, destination, prefixlen } = entry;
    const there = this.host.routes(family).filter((route) => {
      const isDefault = destination === null && route.dst_prefixlen === 0;
      return isDefault || (route.dst === destination && route.dst_prefixlen === prefixlen);
    });
    if (there.some((route) => route.gw === gateway && route.ifindex === this.ifindex)) return true;
    const own = there.filter(({ ifindex }) => ifindex === this.ifindex);
    if (own.some(({ protocol }) => protocol !== RTPROT_RA)) return false;
    for (const { gw, ifindex } of own) this.host.iproute_del(family, gw, destination, prefixlen, ifindex);
    const others = there.filter(({ ifindex }) => ifindex !== this.ifindex);
    if (others.length === 0) {
      this.#addRoute(entry);
    } else {
      const metric = 1 + Math.max(...others.map((route) => route.metric ?? 0));
      this.host.iproute_add(`${textOf({ kind: 'route', entry })} dev ${this.#ifname()} metric ${metric}`);
    }
    return true;
  }

  #remove({ kind, entry }: Entry): void {
    const { host, ifindex } = this;
    if (kind === 'address') host.ipaddr_del(entry.family, entry.address, entry.prefixlen, ifindex);
    else host.iproute_del(entry.family, entry.gateway, entry.destination, entry.prefixlen, ifindex);
  }

  /** Sets the MTU to the smallest that a server or router asks for, never more than the original one. */
  #setMtu(): RejectedEntry[] {
    const asked = SOURCES.map((name) => this.get(name).mtu).filter((mtu) => mtu !== null);
    if (asked.length === 0 && this.#originalMtu === null) return [];
    const key = mtuKey(Math.min(...asked));
    const error = errorOf(() => {
      const link = this.host.link(this.ifindex);
      if (!link) return;
      this.#originalMtu ??= link.mtu;
      const mtu = Math.min(this.#originalMtu, ...asked);
      if (mtu !== link.mtu) this.host.linksetmtu(this.ifindex, mtu);
      if (asked.length === 0) this.#originalMtu = null;
    });
    return error ? [{ key, item: key, action: 'add', error }] : [];
  }
}

/** Formats an address, or a route in the syntax of ip-route(8). */
function textOf({ kind, entry }: Entry): string {
  if (kind === 'address') return `${entry.address}/${entry.prefixlen}`;
  const { destination, prefixlen, gateway } = entry;
  return (
    (destination === null ? 'default' : `${destination}/${prefixlen}`) + (gateway === null ? '' : ` via ${gateway}`)
  );
}

/** Runs a change; returns the stack's error, or undefined. */
function errorOf(change: () => void): IothError | undefined {
  try {
    change();
    return undefined;
  } catch (error) {
    if (!(error instanceof IothError)) throw error;
    return error;
  }
}
