import { isPlainDomainName } from '../../address/domain-name.js';
import { INTERFACE_NAME, isInterfaceName } from '../../address/interface-name.js';
import { familyName, inetAton } from '../../address/ip.js';
import { AF_INET, AF_INET6 } from '../../constants/socket.js';
import {
  checkBoolean,
  checkEach,
  checkInteger,
  checkKeys,
  checkString,
  invalidType,
  invalidValue,
  repeatedIn,
} from '../../core/validate.js';
import { checkFaults, FAULT_NAMES, type LinkFaults } from '../../fabric/faults.js';
import type { Firewall } from '../../fabric/firewall/options.js';
import { checkNat, NAT_OPTIONS, NAT_TYPES, type NatBehavior, type NatType } from '../../fabric/nat/options.js';
import { VDE_MTU_MAX } from '../../netlink/index.js';
import { type Prefix, parsePrefix } from './prefix.js';
import { checkRouterAdvertisements, IPV6_MTU_MIN, type RouterAdvertisements } from './router-advertisements.js';

/** A network: its prefixes, and the faults of each of its links, in the names and units of tc-netem(8). */
export interface NetworkConfig extends LinkFaults {
  /** The IPv4 prefix: '10.0.0.0/24'. */
  prefix?: string;
  /** The IPv6 prefix: 'fd00::/64'. */
  prefix6?: string;
  /**
   * 'slirp': a way out of the lab, by the user-space NAT of libvdeplug_slirp. The network is then 10.0.2.0/24. Its hosts have a
   * default route and, without a DNS server in the lab, the machine's name servers. Default: none.
   */
  exit?: 'slirp';
  /** True if no route leads to it from the other networks, on purpose. Default false. */
  isolated?: boolean;
  /** The MTU of its hosts' interfaces in bytes: 68 to 9216, from 1280 with IPv6, to 1500 with an `exit`. Default 1500. */
  mtu?: number;
  /**
   * True if its routers advertise its IPv6 prefix (RFC 4861), or an object with options. The kernels of its other hosts then make
   * their IPv6 addresses and default routes from the advertisements (SLAAC, RFC 4862). Default false.
   */
  ra?: boolean | RouterAdvertisements;
}

/** The own link of a host to a network: faults of both directions, and faults of one direction, which replace them there. */
export interface HostLink extends LinkFaults {
  /** The faults of the frames from the host. A profile has its upload rate here. */
  up?: LinkFaults;
  /** The faults of the frames to the host. */
  down?: LinkFaults;
}

/** A host: the name of its network, an array of names, or an object with more options. */
export type HostConfig<N extends string = string> = N | readonly N[] | HostOptions<N>;

/** Options of a host. */
export interface HostOptions<N extends string = string> {
  /** The network or networks of the host. */
  networks: N | readonly N[];
  /** Its addresses, each in a prefix of one of its networks. Default, in each prefix: the next free one. */
  address?: string | readonly string[];
  /** True if the host forwards packets. Default: true on two or more networks. */
  router?: boolean;
  /** The faults of its own links, by network. Frames have these besides the faults of the network. Default: none. */
  links?: { readonly [network in N]?: HostLink };
  /** True if the host is on one of its networks at a time, first on the first one: `host.move()`. Default false. */
  roams?: boolean;
  /**
   * A NAT for IPv4 between its other networks, which become private, and the one outside: the kind of the NAT, or an object with
   * more options. Default: none.
   */
  nat?: NatType | NatOptions<N>;
  /**
   * A firewall for the packets of the host. That of a router is for what passes its network outside: that of its NAT, or its last
   * one. Default: none.
   */
  firewall?: Firewall;
}

/** Options of a NAT. The `to` of a forwarded port is the name of a host inside, or an address. */
export interface NatOptions<N extends string = string> extends NatBehavior {
  /** The network outside. Default: the last one of the host. */
  outside?: N;
  /** More IPv4 addresses outside, besides that of the host: 63 at most. Default: none. */
  addresses?: readonly string[];
  /** True if hosts inside may ask for forwarded ports by NAT-PMP (RFC 6886) and PCP (RFC 6887). Default false. */
  portMapping?: boolean;
  /**
   * True if hosts on its networks with IPv6 only reach IPv4 too, by NAT64 (RFC 6146) and names by DNS64 (RFC 6147): IPv4 addresses
   * are in 64:ff9b::/96 there. Default false.
   */
  nat64?: boolean;
  /**
   * A prefix outside that stands for the one of its network inside that has IPv6, and is as long (RFC 6296): '2001:db8:1::/64'.
   * That network is then private for IPv6 too. Default: none, IPv6 is routed as it is.
   */
  prefix6?: string;
}

/** The argument of `Lab.create`. */
export interface LabConfig<N extends string = string, H extends string = string> {
  /** The networks by name, which is the name of the interface on each host too. A string is the prefix: '10.0.0.0/24'. */
  networks: Readonly<Record<N, string | NetworkConfig>>;
  /** The hosts by name, in the order in which they get addresses. */
  hosts: Readonly<Record<H, HostConfig<NoInfer<N>>>>;
  /** The seed of random faults: the same seed repeats them. Default 1. */
  seed?: number;
  /** The host that serves the lab's names by DNS. It does not roam. Without one every host has a hosts table. */
  dns?: NoInfer<H>;
  /**
   * The host that gives the hosts on its networks their IPv4 addresses by DHCP. It does not roam. Without one, and on a network
   * with an `exit`, they are set without DHCP.
   */
  dhcp?: NoInfer<H>;
  /** The domain of the hosts' names. Default 'lab.test'. */
  domain?: string;
  /**
   * The most worker threads that forward frames, from 1 to 64. Networks that a NAT joins share one, as do the networks of a host
   * with a firewall. Default: one for each four processors of the machine, and at least one.
   */
  threads?: number;
}

/** The locator, the prefix, the router and the name server of libslirp's network. @internal */
export const EXIT = { vnl: 'slirp://', prefix: '10.0.2.0/24', router: '10.0.2.2', nameserver: '10.0.2.3' } as const;

/** A checked network. @internal */
export interface NetworkPlan {
  readonly name: string;
  /** One prefix of each family that it has, IPv4 first. */
  readonly prefixes: readonly Prefix[];
  readonly faults: LinkFaults;
  readonly isIsolated: boolean;
  /** True if it has a way out of the lab. */
  readonly hasExit: boolean;
  readonly mtu: number | undefined;
  /** What its routers advertise, as it was given. */
  readonly ra?: RouterAdvertisements | undefined;
}

/** The faults of a host's own link. @internal */
export interface LinkPlan {
  readonly up: LinkFaults;
  readonly down: LinkFaults;
}

/** A checked host. @internal */
export interface HostRequest {
  readonly name: string;
  readonly networks: readonly NetworkPlan[];
  /** The addresses that it asks for. */
  readonly addresses: readonly string[];
  readonly router: unknown;
  /** Its own links with faults, by the names of their networks. */
  readonly links: ReadonlyMap<string, LinkPlan>;
  readonly roams: boolean;
  readonly nat: NatRequest | undefined;
  readonly firewall: unknown;
}

/** The checked place of a NAT. Its behaviour is checked once the addresses of hosts are known. @internal */
export interface NatRequest {
  readonly outside: NetworkPlan;
  readonly addresses: readonly string[];
  readonly portMapping: boolean;
  readonly nat64: boolean;
  readonly prefix6: Prefix | undefined;
  readonly behavior: NatType | NatBehavior;
}

const MTU_MIN = 68;
/** The MTU of a network without another one. @internal */
export const ETHERNET_MTU = 1500;
const HOST_NAME = "letters, digits and '-' between them, 63 at most, and not a number";

/** Reads the networks of a configuration. @internal */
export function networkPlans(value: unknown): NetworkPlan[] {
  const networks = entriesOf('config.networks', value).map(([name, network]) => networkPlan(name, network));
  if (networks.length === 0) throw invalidValue('config.networks', 'at least one network', value);
  return networks;
}

/** Returns the entries of an object, in their order. */
function entriesOf(name: string, value: unknown, expected = 'an object with names as keys'): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw invalidType(name, expected, value);
}

function networkPlan(name: string, value: unknown): NetworkPlan {
  const where = `config.networks.${name}`;
  if (!isInterfaceName(name) || name === 'lo' || !/^[a-z][\w-]*$/i.test(name)) {
    const expected = `letters, digits, '-' and '_', a letter first, and ${INTERFACE_NAME}: the hosts' interfaces have it`;
    throw invalidValue('the name of a network', expected, name);
  }
  if (typeof value === 'string') {
    const prefixes = [parsePrefix(where, value)];
    return { name, prefixes, faults: {}, isIsolated: false, hasExit: false, mtu: undefined };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidType(where, "a prefix such as '10.0.0.0/24', or an object with it", value);
  }
  const { exit, prefix = exit && EXIT.prefix, prefix6, isolated = false, mtu, ra, ...faults }: NetworkConfig = value;
  if (exit !== undefined && exit !== 'slirp') throw invalidValue(`${where}.exit`, "'slirp'", exit);
  if (exit && prefix !== EXIT.prefix) throw invalidValue(`${where}.prefix`, `${EXIT.prefix}, that of slirp`, prefix);
  const prefixes = [
    ...(prefix === undefined ? [] : [prefixOf(`${where}.prefix`, prefix, AF_INET)]),
    ...(prefix6 === undefined ? [] : [prefixOf(`${where}.prefix6`, prefix6, AF_INET6)]),
  ];
  if (prefixes.length === 0) throw invalidValue(where, "an object with a 'prefix' or a 'prefix6'", value);
  checkKeys(where, value, ['prefix', 'prefix6', 'exit', 'isolated', 'mtu', 'ra', ...FAULT_NAMES]);
  checkFaults(faults, where);
  return {
    name,
    prefixes,
    faults,
    isIsolated: checkBoolean(`${where}.isolated`, isolated),
    hasExit: exit !== undefined,
    mtu: mtu === undefined ? undefined : checkMtu(`${where}.mtu`, mtu, prefixes, exit !== undefined),
    ra: checkRouterAdvertisements(`${where}.ra`, ra, prefixes, mtu ?? ETHERNET_MTU),
  };
}

/** Checks an MTU: IPv4 and IPv6 have a smallest one, and libslirp takes no longer packets than Ethernet. */
function checkMtu(where: string, value: unknown, prefixes: readonly Prefix[], hasExit: boolean): number {
  const hasIPv6 = prefixes.some(({ family }) => family === AF_INET6);
  return checkInteger(where, value, hasIPv6 ? IPV6_MTU_MIN : MTU_MIN, hasExit ? ETHERNET_MTU : VDE_MTU_MAX);
}

function prefixOf(where: string, value: unknown, family: number): Prefix {
  const prefix = parsePrefix(where, value);
  if (prefix.family === family) return prefix;
  throw invalidValue(where, `an ${familyName(family)} prefix, not an ${familyName(prefix.family)} one`, value);
}

/** Reads the hosts of a configuration. @internal */
export function hostRequests(value: unknown, networks: readonly NetworkPlan[]): HostRequest[] {
  const entries = entriesOf('config.hosts', value);
  if (entries.length === 0) throw invalidValue('config.hosts', 'at least one host', value);
  const taken = new Set(['localhost']);
  return entries.map(([name, host]) => {
    const key = name.toLowerCase();
    // a name that inet_aton(3) reads as an address would never be looked up
    if (!/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(name) || inetAton(name) !== null) {
      throw invalidValue('the name of a host', HOST_NAME, name);
    }
    if (taken.has(key)) throw invalidValue('the name of a host', 'unique, ignoring case', name);
    taken.add(key);
    return hostRequest(name, host, networks);
  });
}

function hostRequest(name: string, value: unknown, networks: readonly NetworkPlan[]): HostRequest {
  const where = `config.hosts.${name}`;
  const isNames = typeof value === 'string' || Array.isArray(value);
  if (!isNames && (typeof value !== 'object' || value === null)) {
    throw invalidType(where, 'the name of a network, an array of them, or an object', value);
  }
  const options: Record<string, unknown> = isNames ? { networks: value } : (value as Record<string, unknown>);
  checkKeys(where, options, ['networks', 'address', 'router', 'roams', 'nat', 'firewall', 'links']);
  const names = listOf(`${where}.networks`, options.networks);
  if (names.length === 0) throw invalidValue(where, 'on a network: it has none', value);
  const repeated = repeatedIn(names);
  if (repeated !== undefined) throw invalidValue(`${where}.networks`, `without '${repeated}' twice`, names);
  const found = names.map((network) => findNetwork(where, network, networks));
  const roams = checkBoolean(`${where}.roams`, options.roams ?? false);
  if (roams) checkRoaming(where, options, found);
  return {
    name,
    networks: found,
    addresses: options.address === undefined ? [] : listOf(`${where}.address`, options.address),
    router: options.router,
    links: linkPlans(`${where}.links`, options.links, names),
    roams,
    nat: options.nat === undefined ? undefined : natRequest(`${where}.nat`, options.nat, found, options.router),
    firewall: options.firewall,
  };
}

function checkRoaming(where: string, options: Record<string, unknown>, networks: readonly NetworkPlan[]): void {
  if (networks.length < 2) throw invalidValue(`${where}.roams`, 'of a host with two networks or more', options.roams);
  const other = ['router', 'nat'].find((name) => options[name] !== undefined && options[name] !== false);
  if (other !== undefined) throw invalidValue(`${where}.${other}`, 'of a host that does not roam', options[other]);
}

function natRequest(where: string, value: unknown, networks: readonly NetworkPlan[], router: unknown): NatRequest {
  if (networks.length < 2) throw invalidValue(where, 'of a host on two networks or more', value);
  if (router === false) throw invalidValue(where, 'of a host that forwards packets: not with { router: false }', value);
  if (typeof value === 'object' && value !== null) {
    checkKeys(where, value, [...NAT_OPTIONS, 'outside', 'addresses', 'portMapping', 'nat64', 'prefix6']);
  }
  const isObject = typeof value === 'object' && value !== null;
  const {
    outside,
    addresses = [],
    portMapping = false,
    nat64 = false,
    prefix6,
    ...behavior
  } = (isObject ? value : { type: value }) as NatOptions;
  // the kinds of NAT are checked before all else, since a misspelt one is the most likely mistake
  const type = behavior.type ?? 'port-restricted';
  if (!NAT_TYPES.includes(type)) checkNat(isObject ? `${where}.type` : where, type);
  const last = networks[networks.length - 1]!;
  return {
    outside: outside === undefined ? last : findNetwork(`${where}.outside`, outside, networks),
    addresses: listOf(`${where}.addresses`, addresses),
    portMapping: checkBoolean(`${where}.portMapping`, portMapping),
    nat64: checkBoolean(`${where}.nat64`, nat64),
    prefix6: prefix6 === undefined ? undefined : prefixOf(`${where}.prefix6`, prefix6, AF_INET6),
    behavior,
  };
}

/** Reads the faults of a host's own links. @param networks the names of its networks */
function linkPlans(where: string, value: unknown, networks: readonly string[]): Map<string, LinkPlan> {
  if (value === undefined) return new Map();
  const links = entriesOf(where, value);
  checkKeys(where, value as object, networks);
  return new Map(links.map(([network, link]) => [network, linkPlan(`${where}.${network}`, link)]));
}

function linkPlan(where: string, value: unknown): LinkPlan {
  const { up, down, ...both }: HostLink = Object.fromEntries(entriesOf(where, value, 'faults, or { up, down }'));
  checkKeys(where, value as object, ['up', 'down', ...FAULT_NAMES]);
  checkFaults(both, where);
  if (up !== undefined) checkFaults(up, `${where}.up`);
  if (down !== undefined) checkFaults(down, `${where}.down`);
  return { up: up ?? both, down: down ?? both };
}

function findNetwork(where: string, name: string, networks: readonly NetworkPlan[]): NetworkPlan {
  const found = networks.find((network) => network.name === name);
  if (found) return found;
  const known = networks.map((network) => network.name).join(', ');
  throw invalidValue(where, `on existing networks (${known})`, name);
}

function listOf(where: string, value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return checkEach(where, 'a list', list, (_, item) => checkString(where, item));
}

/** Returns the host that a configuration names for a service, whose addresses must not change. @internal */
export function serviceHost<T extends { readonly name: string; readonly cables?: unknown }>(
  option: string,
  value: unknown,
  hosts: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = hosts.find(({ name }) => name === value);
  if (found?.cables) throw invalidValue(`config.${option}`, 'a host that does not roam', value);
  if (found) return found;
  throw invalidValue(`config.${option}`, `one of the hosts ${hosts.map(({ name }) => name).join(', ')}`, value);
}

/** Reads the domain of a configuration. @internal */
export function checkDomain(value: unknown): string {
  const domain = checkString('config.domain', value);
  if (isPlainDomainName(domain) && !domain.endsWith('.')) return domain;
  throw invalidValue('config.domain', "a domain name such as 'lab.test'", value);
}
