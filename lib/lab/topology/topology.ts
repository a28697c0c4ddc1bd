import { familyName, familyOf } from '../../address/ip.js';
import { NAT64_PREFIX, nat64Address } from '../../address/nat64-address.js';
import { AF_INET, AF_INET6 } from '../../constants/socket.js';
import { checkInteger, checkOptions, invalidValue } from '../../core/validate.js';
import { checkThreads } from '../../fabric/fabric.js';
import { checkFirewall, type FirewallPlan } from '../../fabric/firewall/options.js';
import { assignAddresses } from './addresses.js';
import { checkDomain, hostRequests, type LabConfig, type NetworkPlan, networkPlans, serviceHost } from './config.js';
import {
  type Attachment,
  attachmentOn,
  cableFor,
  cablesOf,
  type HostPlan,
  insideOf,
  nat64NetworksOf,
  privateOf,
  RoamingPlan,
} from './host-plan.js';
import { checkNats, type NatRouter } from './nat-router.js';
import { overlaps, type Prefix } from './prefix.js';

/** The route of a host to a network that it is not on. */
export interface RoutePlan {
  readonly prefix: Prefix;
  readonly gateway: string;
  /** The network of the gateway. */
  readonly network: NetworkPlan;
}

/** The number of routers on the way from each network to one target. Networks that have no way there are missing. */
type Distances = ReadonlyMap<NetworkPlan, number>;

const CONFIG = ['networks', 'hosts', 'seed', 'dns', 'dhcp', 'domain', 'threads'] as const;
const DEFAULT_DOMAIN = 'lab.test';

/** The plan of a whole lab, before anything is made. */
export class Topology {
  readonly networks: readonly NetworkPlan[];
  readonly hosts: readonly HostPlan[];
  readonly routes: Map<HostPlan, readonly RoutePlan[]>;
  readonly nats: ReadonlyMap<HostPlan, NatRouter>;
  readonly firewalls: ReadonlyMap<HostPlan, FirewallPlan>;
  readonly seed: number;
  /** The most threads that forward; undefined for as many as fit the machine. */
  readonly threads: number | undefined;
  readonly domain: string;
  readonly dns: HostPlan | undefined;
  readonly dhcp: HostPlan | undefined;
  /** How often a host has moved to another network. */
  moves = 0;
  readonly #distances = new Map<string, Distances>();
  /** What hosts get, by their {@link placeOf}. */
  readonly #routes = new Map<string, readonly RoutePlan[]>();
  readonly #tables = new Map<string, string>();

  /**
   * Checks a configuration, and computes the topology from it.
   * @throws {TypeError | RangeError} for an invalid value, naming the network or host
   */
  constructor(config: LabConfig) {
    const given = checkOptions(config as LabConfig | undefined, CONFIG);
    this.networks = networkPlans(given.networks);
    this.hosts = assignAddresses(hostRequests(given.hosts, this.networks), this.networks);
    this.#checkOverlapsEverywhere();
    this.#checkReachability();
    this.#checkAdvertisements();
    this.routes = new Map(this.hosts.map((host) => [host, this.routesOf(host)]));
    this.nats = checkNats(this);
    this.firewalls = new Map(
      this.hosts
        .filter(({ firewall }) => firewall !== undefined)
        .map((host) => [
          host,
          checkFirewall(`config.hosts.${host.name}.firewall`, host.firewall, this.addressesByName),
        ]),
    );
    this.seed = checkInteger('config.seed', given.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
    this.threads = given.threads === undefined ? undefined : checkThreads('config.threads', given.threads);
    this.domain = checkDomain(given.domain ?? DEFAULT_DOMAIN);
    this.dns = serviceHost('dns', given.dns, this.hosts);
    this.dhcp = serviceHost('dhcp', given.dhcp, this.hosts);
    if (this.dhcp && !this.dhcp.attachments.some(({ addresses }) => addresses.has(AF_INET))) {
      throw invalidValue('config.dhcp', 'a host with an IPv4 address, which DHCP gives out', given.dhcp);
    }
  }

  /** Returns the hosts with a cable to a network, in the order of the configuration. */
  membersOf(network: NetworkPlan): HostPlan[] {
    return this.hosts.filter((host) => cableFor(host, network));
  }

  /** Returns all addresses of a host by its name. */
  readonly addressesByName = (name: string): readonly string[] | undefined => {
    const host = this.hosts.find((each) => each.name === name);
    return host && cablesOf(host).flatMap(({ addresses }) => [...addresses.values()]);
  };

  /** Notes that a host has moved to another network. */
  move(host: RoamingPlan, to: Attachment): void {
    host.moveTo(to);
    this.#tables.clear();
    this.routes.set(host, this.routesOf(host));
    this.moves++;
  }

  /**
   * Returns the text of hosts(5) for one host of the lab. Of another host's addresses, those on a shared network come first. With a
   * DNS server in the lab, names come from it, over its network: all but those that a NAT hides from it.
   */
  hostsTable(viewer: HostPlan): string {
    const place = placeOf(viewer);
    const table = this.#tables.get(place) ?? this.#newHostsTable(viewer);
    this.#tables.set(place, table);
    return table;
  }

  #newHostsTable(viewer: HostPlan): string {
    const lines = ['127.0.0.1 localhost', '::1 localhost'];
    const server = this.dns && (this.nat64Of(viewer)?.router ?? this.dns);
    for (const host of this.hosts) {
      if (server && (this.nats.size === 0 || this.addressesFor(server, host).length > 0)) continue;
      for (const address of this.addressesFor(viewer, host)) {
        lines.push(`${address} ${host.name}.${this.domain} ${host.name}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }

  /** Returns the addresses of a host that `viewer` has a way to: nearest first, and IPv4 first on the same network. */
  addressesFor(viewer: HostPlan, host: HostPlan): string[] {
    const isShared = ({ network }: Attachment) => attachmentOn(viewer, network) !== undefined;
    const routes = this.routes.get(viewer) ?? [];
    const nearest = [...host.attachments].sort((a, b) => Number(isShared(b)) - Number(isShared(a)));
    const found = nearest.flatMap((attachment) =>
      [...attachment.addresses].flatMap(([family, address]) => {
        const hasRoute = routes.some(
          ({ prefix }) => prefix.family === family && attachment.network.prefixes.includes(prefix),
        );
        return isShared(attachment) || hasRoute ? [address] : [];
      }),
    );
    const all = found.length > 0 ? found : this.#outerAddressesFor(viewer, host);
    const nat64 = all.length === 0 ? this.nat64Of(viewer) : undefined;
    return nat64 ? nat64AddressesOf(this.addressesFor(nat64.router, host)) : all;
  }

  /** Returns the addresses of the DNS servers that a host asks: its NAT64, if it has one, which serves DNS64. */
  nameServersOf(host: HostPlan): string[] {
    if (!this.dns) return [];
    const nat64 = this.nat64Of(host);
    return nat64 ? [nat64.address] : this.addressesFor(host, this.dns);
  }

  /** Returns the nearest NAT64 of a host with IPv6 only: its address, and the route to it. */
  nat64Of(host: HostPlan): { router: HostPlan; address: string; route: RoutePlan } | undefined {
    if (host.attachments.some(({ addresses }) => addresses.has(AF_INET))) return undefined;
    const [nearest] = this.hosts
      .flatMap((router) => nat64NetworksOf(router).map((network) => ({ router, network })))
      .map((each) => ({ ...each, distance: this.#distance(host, each.network, AF_INET6) }))
      .filter(({ distance }) => distance < Number.POSITIVE_INFINITY)
      .sort((a, b) => a.distance - b.distance);
    if (!nearest) return undefined;
    const { router, network } = nearest;
    const address = attachmentOn(router, network)!.addresses.get(AF_INET6)!;
    const isNear = attachmentOn(host, network) !== undefined;
    const route = isNear ? { prefix: NAT64, gateway: address, network } : this.#routeTo(network, NAT64, host);
    return route && { router, address, route };
  }

  /** Returns the addresses outside of a host: of the NATs that forward ports to it, and of the prefixes that stand for its own. */
  #outerAddressesFor(viewer: HostPlan, host: HostPlan): string[] {
    return [...this.nats].flatMap(([router, nat]) => {
      const ofRouter = nat.forwardsTo(host) ? this.addressesFor(viewer, router) : [];
      const isSeen = this.routes.get(viewer)?.some(({ prefix }) => prefix === router.nat!.prefix6);
      return [
        ...ofRouter.filter((address) => address === nat.outside.addresses.get(AF_INET)),
        ...(isSeen ? nat.addresses6Of(host) : []),
      ];
    });
  }

  /**
   * Returns the routes of a host to all networks that it is not on and that it has a way to: the way with the fewest routers, the
   * first of equal ones. Behind a NAT, a default route to the NAT is one of them.
   */
  routesOf(host: HostPlan): readonly RoutePlan[] {
    const place = placeOf(host);
    const routes = this.#routes.get(place) ?? this.#findRoutes(host);
    this.#routes.set(place, routes);
    return routes;
  }

  #findRoutes(host: HostPlan): RoutePlan[] {
    const routes = this.networks
      .filter((network) => !attachmentOn(host, network))
      .flatMap((network) => network.prefixes.flatMap((prefix) => this.#routeTo(network, prefix, host) ?? []));
    const out = this.#wayOut(host);
    const nat64 = this.nat64Of(host)?.route;
    return [
      ...routes,
      ...this.#prefixRoutes(host),
      ...(out ? [{ ...out, prefix: EVERYWHERE }] : []),
      ...(nat64 ? [nat64] : []),
    ];
  }

  /** Returns the routes of a host to the prefixes outside that stand for others: to the routers that translate them. */
  #prefixRoutes(host: HostPlan): RoutePlan[] {
    return this.hosts.flatMap((router) => {
      const { prefix6, outside } = router.nat ?? {};
      if (!prefix6 || !outside || router === host) return [];
      const near = attachmentOn(host, outside)?.addresses.has(AF_INET6);
      const gateway = near ? attachmentOn(router, outside)?.addresses.get(AF_INET6) : undefined;
      if (gateway !== undefined) return [{ prefix: prefix6, gateway, network: outside }];
      return this.#routeTo(outside, prefix6, host) ?? [];
    });
  }

  /** Returns the route of a host to the network outside of the next NAT. */
  #wayOut(host: HostPlan): RoutePlan | undefined {
    if (host.attachments.some(({ network }) => network.hasExit)) return undefined;
    const outsides = this.hosts
      .filter((router) => router.nat && router !== host && this.#isInside(host, router))
      .map(({ nat }) => nat!.outside)
      .filter((outside) => !attachmentOn(host, outside));
    const [nearest] = outsides.sort((a, b) => this.#distance(host, a) - this.#distance(host, b));
    const prefix = nearest?.prefixes.find(({ family }) => family === AF_INET);
    return nearest && prefix && this.#routeTo(nearest, prefix, host);
  }

  /**
   * Returns whether a host is outside of all NATs. Packets to addresses that it has no way to are lost, as on the internet, and not
   * refused: some servers close a session if they can't send.
   */
  isOutside(host: HostPlan): boolean {
    if (host.isRouter || this.#wayOut(host) || host.attachments.some(({ network }) => network.hasExit)) return false;
    return [...this.nats.values()].some(
      ({ outside: { network } }) => this.#distance(host, network) < Number.POSITIVE_INFINITY,
    );
  }

  /** Returns whether a host has a way to a network inside of a NAT. */
  #isInside(host: HostPlan, router: HostPlan): boolean {
    return insideOf(router).some(
      (network) => attachmentOn(host, network) || this.#distance(host, network) < Number.POSITIVE_INFINITY,
    );
  }

  /** Returns the number of routers from a host to a network. */
  #distance(host: HostPlan, network: NetworkPlan, family: number = AF_INET): number {
    const distances = this.#distancesTo(network, family);
    return Math.min(...host.attachments.map((each) => distances.get(each.network) ?? Number.POSITIVE_INFINITY));
  }

  /** Returns whether packets of hosts on one network get to another one without a NAT that hides it. */
  isReachedFrom(from: NetworkPlan, to: NetworkPlan, family: number): boolean {
    return this.#distancesTo(to, family).has(from);
  }

  /** Returns whether a host has an address of a prefix, or a way to it. */
  #sees(host: HostPlan, network: NetworkPlan, prefix: Prefix): boolean {
    return attachmentOn(host, network) !== undefined || this.#routeTo(network, prefix, host) !== undefined;
  }

  /** Checks the prefixes with each roaming host on each of its networks. @throws {TypeError} ERR_INVALID_ARG_VALUE */
  #checkOverlapsEverywhere(): void {
    this.#checkOverlaps();
    for (const host of this.hosts.filter((each) => each instanceof RoamingPlan)) {
      for (const cable of host.cables.toReversed()) {
        host.moveTo(cable);
        this.#checkOverlaps();
      }
    }
  }

  /**
   * Checks that prefixes do not overlap, except where no host has a way to both: behind two NATs, and on isolated networks.
   * @throws {TypeError} ERR_INVALID_ARG_VALUE
   */
  #checkOverlaps(): void {
    const all = this.networks.flatMap((network) => network.prefixes.map((prefix) => ({ network, prefix })));
    all.forEach(({ network, prefix }, position) => {
      const earlier = all.slice(0, position).find((other) => {
        if (!overlaps(other.prefix, prefix)) return false;
        const behind = [network, other.network].some((each) => each.isIsolated || this.#isBehindNat(each));
        const isSeen = (host: HostPlan) =>
          this.#sees(host, network, prefix) && this.#sees(host, other.network, other.prefix);
        return !behind || this.hosts.some(isSeen);
      });
      if (!earlier) return;
      const expected = `disjoint from that of network '${earlier.network.name}', ${earlier.prefix.text}`;
      throw invalidValue(`the prefix of network '${network.name}'`, expected, prefix.text);
    });
  }

  #isBehindNat(network: NetworkPlan): boolean {
    return this.hosts.some((host) => insideOf(host).includes(network));
  }

  #routeTo(target: NetworkPlan, prefix: Prefix, host: HostPlan): RoutePlan | undefined {
    const { family } = prefix;
    const distances = this.#distancesTo(target, family);
    const nearest = host.attachments
      .filter((attachment) => attachment.addresses.has(family) && distances.has(attachment.network))
      .sort((a, b) => distances.get(a.network)! - distances.get(b.network)!)[0];
    if (!nearest) return undefined;
    const { network } = nearest;
    const next = distances.get(network)! - 1;
    const router = this.membersOf(network).find(
      (other) =>
        other !== host &&
        other.isRouter &&
        other.attachments.some((attachment) => distances.get(attachment.network) === next),
    );
    const gateway = router && attachmentOn(router, network)?.addresses.get(family);
    return gateway === undefined ? undefined : { prefix, gateway, network };
  }

  /**
   * Checks that every network is reached from every other one of the same family, except networks that are isolated on purpose.
   * @throws {TypeError} ERR_INVALID_ARG_VALUE
   */
  #checkReachability(): void {
    const joined = this.networks.filter(({ isIsolated }) => !isIsolated);
    for (const network of joined) {
      for (const { family } of network.prefixes) {
        const distances = this.#distancesTo(network, family, true);
        const cut = joined.find(
          (other) => other.prefixes.some((prefix) => prefix.family === family) && !distances.has(other),
        );
        if (!cut) continue;
        const way = `reachable by ${familyName(family)} from network '${network.name}'`;
        const prefixes = cut.prefixes.map(({ text }) => text).join(', ');
        throw invalidValue(`network '${cut.name}'`, `${way}: put a host on both, or set { isolated: true }`, prefixes);
      }
    }
  }

  /** Checks that networks with router advertisements have a router. @throws {TypeError} ERR_INVALID_ARG_VALUE */
  #checkAdvertisements(): void {
    const silent = this.networks.find((each) => each.ra && !this.membersOf(each).some(({ isRouter }) => isRouter));
    if (!silent) return;
    const where = `config.networks.${silent.name}.ra`;
    throw invalidValue(where, 'of a network with a router: no host on it forwards packets', silent.ra);
  }

  /** @param isThroughNats true if NATs let packets in too: if the networks are joined at all */
  #distancesTo(target: NetworkPlan, family: number, isThroughNats = false): Distances {
    const key = `${target.name} ${family} ${isThroughNats}`;
    const known = this.#distances.get(key);
    if (known) return known;
    const distances = new Map([[target, 0]]);
    this.#distances.set(key, distances);
    const routers = this.hosts.filter((host) => host.isRouter);
    // the loop also visits the entries that it adds to the Map
    for (const [network, distance] of distances) {
      for (const router of routers.filter((each) => attachmentOn(each, network))) {
        const isInside = !isThroughNats && privateOf(router, family).includes(network);
        for (const { network: next, addresses } of router.attachments) {
          if (isInside && next === router.nat?.outside) continue;
          if (addresses.has(family) && !distances.has(next)) distances.set(next, distance + 1);
        }
      }
    }
    return distances;
  }
}

/** Two hosts of the same place have the same routes and see the same addresses: those on the same networks that forward nothing. */
function placeOf({ name, isRouter, attachments }: HostPlan): string {
  // ':' is in no name of a network, which is one of an interface
  return isRouter ? `host:${name}` : attachments.map(({ network }) => network.name).join(' ');
}

/** The prefix of a default route. */
const EVERYWHERE: Prefix = { text: '0.0.0.0/0', family: AF_INET, length: 0, base: 0n, capacity: 0n };

const NAT64: Prefix = { text: NAT64_PREFIX, family: AF_INET6, length: 96, base: 0n, capacity: 0n };

/** Returns the IPv6 addresses of a host, or else those that stand for its IPv4 addresses: RFC 6147, 5.1. */
export function nat64AddressesOf(addresses: readonly string[]): string[] {
  const own = addresses.filter((address) => familyOf(address) === AF_INET6);
  return own.length > 0 ? own : addresses.map(nat64Address);
}
