import { ANY4, ipBytes, ipText, isHostIPv4, prefixlenOf } from '../../address/ip.js';
import { concat, equal, exactNumber, Reader, withoutHostBits } from '../bytes.js';
import type { RouteEntry } from '../config-sources.js';
import { decodeDomains, domainsFromText } from '../domains.js';
import { addressesOf, type Dhcp4Message, fixedOption, Option } from './message.js';

/** Route of a lease; the destination 0.0.0.0/0 is the default route. */
export type Route4 = Omit<RouteEntry, 'family'> & { destination: string };

/** Lease that a server offered or granted. Times are in seconds; Infinity means no end. */
export interface Dhcp4Lease {
  address: string;
  prefixlen: number;
  server: string;
  routes: Route4[];
  dns: string[];
  domains: string[];
  mtu: number | null;
  leaseTime: number;
  t1: number;
  t2: number;
}

/** The smallest MTU to accept: every IPv4 host takes 576 bytes (RFC 791); a smaller one would break more than it fixes. */
const MIN_MTU = 576;

/** Returns why an OFFER or ACK contains no valid lease; null if it does. */
export function faultOf({ options, yiaddr }: Dhcp4Message): string | null {
  const server = fixedOption(options, Option.SERVER_ID, 4);
  if (!isHostIPv4(yiaddr)) return `${ipText(yiaddr)} is not a valid host address`;
  if (!server) return 'it does not say which server it is from (option 54)';
  if (!isHostIPv4(server)) return `its server address ${ipText(server)} is invalid (option 54)`;
  return seconds(options, Option.LEASE_TIME) ? null : 'it has no lease time (option 51)';
}

/** Returns the lease in an OFFER or ACK; null if it is invalid: {@link faultOf} returns why. */
export function leaseOf(reply: Dhcp4Message): Dhcp4Lease | null {
  const { options, yiaddr } = reply;
  const server = fixedOption(options, Option.SERVER_ID, 4);
  const leaseTime = seconds(options, Option.LEASE_TIME);
  if (faultOf(reply) !== null || !server || !leaseTime) return null;

  const mask = fixedOption(options, Option.SUBNET_MASK, 4);
  const search = options.get(Option.DOMAIN_SEARCH);
  const domain = options.get(Option.DOMAIN_NAME);
  const domains = [...(domain ? domainsFromText(domain) : []), ...((search && decodeDomains(search)) ?? [])];
  const mtu = exactNumber(fixedOption(options, Option.MTU, 2) ?? new Uint8Array(), 2);
  const prefixlen = (mask && prefixlenOf(mask)) || classPrefixlen(yiaddr);
  return {
    address: ipText(yiaddr),
    prefixlen,
    server: ipText(server),
    routes: withLinkRoutes(routesOf(options), yiaddr, prefixlen),
    dns: hostAddresses(options.get(Option.DNS)),
    domains: [...new Set(domains)],
    mtu: mtu !== null && mtu >= MIN_MTU ? mtu : null,
    leaseTime,
    ...renewalTimes(leaseTime, seconds(options, Option.T1), seconds(options, Option.T2)),
  };
}

function seconds(options: Map<number, Uint8Array>, code: number): number | null {
  const value = fixedOption(options, code, 4);
  return value ? new Reader(value).seconds() : null;
}

/** Returns T1 and T2 (RFC 2131 4.4.5): the server's if they are in order, else 1/2 and 7/8 of the lease time. */
function renewalTimes(leaseTime: number, t1: number | null, t2: number | null): { t1: number; t2: number } {
  if (t1 && t2 && t1 < t2 && t2 < leaseTime) return { t1, t2 };
  return { t1: leaseTime * 0.5, t2: leaseTime * 0.875 };
}

function hostAddresses(value: Uint8Array | undefined): string[] {
  return [...new Set(addressesOf(value))].filter((address) => isHostIPv4(ipBytes(address)));
}

/** Returns the routes of a lease. RFC 3442: with classless routes, options 3 and 33 are ignored. */
function routesOf(options: Map<number, Uint8Array>): Route4[] {
  for (const code of [Option.CLASSLESS_ROUTES, Option.MS_CLASSLESS_ROUTES]) {
    const classless = options.get(code);
    const routes = classless && classlessRoutes(classless);
    if (routes) return routes;
  }
  const routers = hostAddresses(options.get(Option.ROUTER));
  return [
    ...routers.map((gateway) => ({ destination: ANY4, prefixlen: 0, gateway })),
    ...staticRoutes(addressesOf(options.get(Option.STATIC_ROUTES))),
  ];
}

/** Decodes option 33 (RFC 2132 5.8): pairs of a destination, never the default route, and a router. Skips an odd address. */
function staticRoutes(addresses: string[]): Route4[] {
  const routes: Route4[] = [];
  for (let i = 0; i + 1 < addresses.length; i += 2) {
    const [destination = ANY4, gateway = ANY4] = addresses.slice(i, i + 2);
    const bytes = ipBytes(destination);
    if (!isHostIPv4(bytes) || !isHostIPv4(ipBytes(gateway))) continue;
    // the option has no masks: the destination is a network of its class, or else a host
    const network = classPrefixlen(bytes);
    const prefixlen = equal(withoutHostBits(bytes, network), bytes) ? network : 32;
    routes.push({ destination, prefixlen, gateway });
  }
  return routes;
}

/** Adds an on-link route to each gateway that no other route reaches: clouds give a /32 and a router outside of it. */
function withLinkRoutes(routes: Route4[], address: Uint8Array, prefixlen: number): Route4[] {
  const onLink = [{ network: address, prefixlen }];
  for (const { destination, prefixlen, gateway } of routes) {
    if (gateway === null) onLink.push({ network: ipBytes(destination), prefixlen });
  }
  const isReached = (gateway: Uint8Array) =>
    onLink.some((link) =>
      equal(withoutHostBits(gateway, link.prefixlen), withoutHostBits(link.network, link.prefixlen)),
    );
  const far = new Set(routes.flatMap(({ gateway }) => (gateway && !isReached(ipBytes(gateway)) ? [gateway] : [])));
  return [...[...far].map((destination) => ({ destination, prefixlen: 32, gateway: null })), ...routes];
}

function classlessRoutes(value: Uint8Array): Route4[] | null {
  const routes: Route4[] = [];
  const reader = new Reader(value);
  while (reader.left > 0) {
    const prefixlen = reader.u8()!;
    const significant = prefixlen <= 32 ? reader.take(Math.ceil(prefixlen / 8)) : null;
    const gateway = reader.take(4);
    if (!significant || !gateway) return null;
    const destination = withoutHostBits(concat(significant, new Uint8Array(4 - significant.length)), prefixlen);
    const onLink = gateway.every((byte) => byte === 0);
    if (!onLink && !isHostIPv4(gateway)) continue;
    routes.push({ destination: ipText(destination), prefixlen, gateway: onLink ? null : ipText(gateway) });
  }
  return routes;
}

/** Returns the prefix length of an address's class (RFC 791), for servers that give no mask. */
function classPrefixlen(address: Uint8Array): number {
  const first = address[0] ?? 0;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}
