import { familyName, ipBytes } from '../../address/ip.js';
import { formatMac } from '../../address/mac.js';
import { AF_INET } from '../../constants/index.js';
import { checkBoolean, checkInteger, checkOptions, invalidValue } from '../../core/validate.js';
import {
  checkDomain,
  EXIT,
  type HostRequest,
  hostRequests,
  type LabConfig,
  type NetworkPlan,
  networkPlans,
  serviceHost,
} from './config.js';
import { addressAt, hasHost, type Prefix } from './prefix.js';

/** The interface of a host on one network. */
export interface Attachment {
  readonly network: NetworkPlan;
  readonly mac: string;
  /** Addresses by family: AF_INET, AF_INET6, in this order. */
  readonly addresses: ReadonlyMap<number, string>;
}

/** A checked host with its addresses. */
export interface HostPlan {
  readonly name: string;
  readonly attachments: readonly Attachment[];
  readonly isRouter: boolean;
}

/** The route of a host to a network that it is not on. */
export interface RoutePlan {
  readonly prefix: Prefix;
  readonly gateway: string;
  /** The network of the gateway. */
  readonly network: NetworkPlan;
}

/** The number of routers on the way from each network to one target. Networks that have no way there are missing. */
type Distances = ReadonlyMap<NetworkPlan, number>;

const CONFIG = ['networks', 'hosts', 'seed', 'dns', 'dhcp', 'domain'] as const;
const DEFAULT_DOMAIN = 'lab.test';

/** The plan of a whole lab, before anything is made. */
export class Topology {
  readonly networks: readonly NetworkPlan[];
  readonly hosts: readonly HostPlan[];
  readonly routes: ReadonlyMap<HostPlan, readonly RoutePlan[]>;
  readonly seed: number;
  readonly domain: string;
  readonly dns: HostPlan | undefined;
  readonly dhcp: HostPlan | undefined;
  readonly #distances = new Map<string, Distances>();

  /**
   * Checks a configuration, and computes the topology from it.
   * @throws {TypeError | RangeError} for an invalid value, naming the network or host
   */
  constructor(config: LabConfig) {
    const given = checkOptions(config as LabConfig | undefined, CONFIG);
    this.networks = networkPlans(given.networks);
    this.hosts = assignAddresses(hostRequests(given.hosts, this.networks), this.networks);
    this.#checkReachability();
    this.routes = new Map(this.hosts.map((host) => [host, this.routesOf(host)]));
    this.seed = checkInteger('config.seed', given.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
    this.domain = checkDomain(given.domain ?? DEFAULT_DOMAIN);
    this.dns = serviceHost('dns', given.dns, this.hosts);
    this.dhcp = serviceHost('dhcp', given.dhcp, this.hosts);
    if (this.dhcp && !this.dhcp.attachments.some(({ addresses }) => addresses.has(AF_INET))) {
      throw invalidValue('config.dhcp', 'a host with an IPv4 address, which DHCP gives out', given.dhcp);
    }
  }

  /** Returns the hosts on a network, in the order of the configuration. */
  membersOf(network: NetworkPlan): HostPlan[] {
    return this.hosts.filter((host) => attachmentOn(host, network));
  }

  /** Returns the text of hosts(5) for one host of the lab. Of another host's addresses, those on a shared network come first. */
  hostsTable(viewer: HostPlan): string {
    const lines = ['127.0.0.1 localhost', '::1 localhost'];
    for (const host of this.hosts) {
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
    return nearest.flatMap((attachment) =>
      [...attachment.addresses].flatMap(([family, address]) => {
        const hasRoute = routes.some(
          ({ prefix }) => prefix.family === family && attachment.network.prefixes.includes(prefix),
        );
        return isShared(attachment) || hasRoute ? [address] : [];
      }),
    );
  }

  /** Returns the routes of a host to all networks that it is not on: the way with the fewest routers, the first of equal ones. */
  routesOf(host: HostPlan): RoutePlan[] {
    return this.networks
      .filter((network) => !attachmentOn(host, network))
      .flatMap((network) => network.prefixes.flatMap((prefix) => this.#routeTo(network, prefix, host) ?? []));
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
        const distances = this.#distancesTo(network, family);
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

  #distancesTo(target: NetworkPlan, family: number): Distances {
    const key = `${target.name} ${family}`;
    const known = this.#distances.get(key);
    if (known) return known;
    const distances = new Map([[target, 0]]);
    this.#distances.set(key, distances);
    const routers = this.hosts.filter((host) => host.isRouter);
    // the loop also visits the entries that it adds to the Map
    for (const [network, distance] of distances) {
      for (const router of routers.filter((each) => attachmentOn(each, network))) {
        for (const { network: next, addresses } of router.attachments) {
          if (addresses.has(family) && !distances.has(next)) distances.set(next, distance + 1);
        }
      }
    }
    return distances;
  }
}

/** Returns the interface of a host on a network. */
export function attachmentOn(host: HostPlan, network: NetworkPlan): Attachment | undefined {
  return host.attachments.find((attachment) => attachment.network === network);
}

/** Assigns the addresses of all hosts: first those that hosts ask for, then the first free ones, in the order of the hosts. */
export function assignAddresses(requests: readonly HostRequest[], networks: readonly NetworkPlan[]): HostPlan[] {
  const pools = new Map(
    networks.flatMap((network) => network.prefixes.map((prefix) => [prefix, new Pool(network, prefix)])),
  );
  const wishes = new Map(requests.map((request) => [request, takeWishes(request, pools)]));
  return requests.map((request, position) => ({
    name: request.name,
    isRouter: isRouter(request),
    attachments: request.networks.map((network): Attachment => {
      const addresses = network.prefixes.map((prefix): [number, string] => {
        const wish = wishes.get(request)?.get(prefix);
        return [prefix.family, wish ?? (pools.get(prefix) as Pool).next(request.name)];
      });
      return { network, mac: macOf(networks.indexOf(network), position), addresses: new Map(addresses) };
    }),
  }));
}

/** Returns whether a host forwards packets. */
function isRouter({ name, networks, router }: HostRequest): boolean {
  return router === undefined ? networks.length > 1 : checkBoolean(`config.hosts.${name}.router`, router);
}

/** Takes the addresses that a host asks for, and returns them by prefix. */
function takeWishes({ name, addresses, networks }: HostRequest, pools: Map<Prefix, Pool>): Map<Prefix, string> {
  const wishes = new Map<Prefix, string>();
  const where = `config.hosts.${name}.address`;
  for (const address of addresses) {
    const prefixes = networks.flatMap((network) => network.prefixes);
    const prefix = prefixes.find((each) => hasHost(each, address));
    if (!prefix) {
      const known = prefixes.map(({ text }) => text).join(' or ');
      throw invalidValue(where, `an address that a host of ${known} can have`, address);
    }
    if (wishes.has(prefix)) throw invalidValue(where, `one address of ${prefix.text}`, addresses);
    pools.get(prefix)?.take(address, name);
    wishes.set(prefix, address);
  }
  return wishes;
}

/** The addresses of a prefix. */
class Pool {
  readonly #owners = new Map<string, string>();
  #last = 0n;

  constructor(
    readonly network: NetworkPlan,
    readonly prefix: Prefix,
  ) {
    if (!network.hasExit || prefix.text !== EXIT.prefix) return;
    for (const address of [EXIT.router, EXIT.nameserver]) this.#owners.set(this.#key(address), 'slirp');
  }

  take(address: string, host: string): void {
    // an address can have several texts: fd00::1 and fd00:0::1
    const key = this.#key(address);
    const owner = this.#owners.get(key);
    if (owner !== undefined) {
      throw invalidValue(`config.hosts.${host}.address`, `an address that host '${owner}' does not have`, address);
    }
    this.#owners.set(key, host);
  }

  next(host: string): string {
    for (this.#last++; this.#last <= this.prefix.capacity; this.#last++) {
      const address = addressAt(this.prefix, this.#last);
      if (this.#owners.has(this.#key(address))) continue;
      this.#owners.set(this.#key(address), host);
      return address;
    }
    const { text, capacity } = this.prefix;
    const expected = `large enough for its hosts: ${text} has ${capacity} addresses, and '${host}' needs one more`;
    throw invalidValue(
      `the ${familyName(this.prefix.family)} prefix of network '${this.network.name}'`,
      expected,
      text,
    );
  }

  #key(address: string): string {
    return Buffer.from(ipBytes(address)).toString('hex');
  }
}

/** Returns a locally administered MAC, which is the same in every run, so that captures can be compared. */
function macOf(network: number, host: number): string {
  return formatMac(Uint8Array.of(2, 0, network >> 8, network & 0xff, (host + 1) >> 8, (host + 1) & 0xff));
}
