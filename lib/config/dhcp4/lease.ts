import { ANY4, ipBytes, ipText, isHostIPv4, prefixlenOf } from '../../address/ip.js';
import { concat, exactNumber, Reader, withoutHostBits } from '../bytes.js';
import { decodeDomains, domainsFromText } from '../domains.js';
import { addressesOf, type Dhcp4Reply, Option } from './message.js';

/** A route beyond the link. `gateway` null: the destination is on the link itself. */
export interface Route4 {
  destination: string;
  prefixlen: number;
  gateway: string | null;
}

/** What a server offered or granted. Times are in seconds; Infinity for a lease without end. */
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

/** The smallest MTU that every IPv4 host must take (RFC 791): less would break more than it mends. */
const MIN_MTU = 576;

/** The lease in an OFFER or ACK; null where it makes no sense (no server, no lease time, an address no host can have). */
export function leaseOf(reply: Dhcp4Reply): Dhcp4Lease | null {
  const { options, yiaddr } = reply;
  const server = options.get(Option.SERVER_ID);
  const leaseTime = seconds(options.get(Option.LEASE_TIME));
  if (!isHostIPv4(yiaddr) || !server || !isHostIPv4(server) || !leaseTime) return null;

  const mask = options.get(Option.SUBNET_MASK);
  const search = options.get(Option.DOMAIN_SEARCH);
  const domain = options.get(Option.DOMAIN_NAME);
  const domains = [...(domain ? domainsFromText(domain) : []), ...((search && decodeDomains(search)) ?? [])];
  const mtu = exactNumber(options.get(Option.MTU) ?? new Uint8Array(), 2);
  return {
    address: ipText(yiaddr),
    prefixlen: (mask && prefixlenOf(mask)) || classPrefixlen(yiaddr),
    server: ipText(server),
    routes: routesOf(options),
    dns: hostAddresses(options.get(Option.DNS)),
    domains: [...new Set(domains)],
    mtu: mtu !== null && mtu >= MIN_MTU ? mtu : null,
    leaseTime,
    ...renewalTimes(leaseTime, seconds(options.get(Option.T1)), seconds(options.get(Option.T2))),
  };
}

function seconds(value: Uint8Array | undefined): number | null {
  return value?.length === 4 ? new Reader(value).seconds() : null;
}

/** RFC 2131 4.4.5: half and seven eighths of the lease, unless the server gave times in the right order. */
function renewalTimes(leaseTime: number, t1: number | null, t2: number | null): { t1: number; t2: number } {
  if (t1 && t2 && t1 < t2 && t2 < leaseTime) return { t1, t2 };
  return { t1: leaseTime * 0.5, t2: leaseTime * 0.875 };
}

function hostAddresses(value: Uint8Array | undefined): string[] {
  return [...new Set(addressesOf(value))].filter((address) => isHostIPv4(ipBytes(address)));
}

/** RFC 3442: where there are classless routes, the routers of option 3 are not looked at. */
function routesOf(options: Map<number, Uint8Array>): Route4[] {
  const classless = options.get(Option.CLASSLESS_ROUTES);
  const routes = classless && classlessRoutes(classless);
  if (routes) return routes;
  return hostAddresses(options.get(Option.ROUTER)).map((gateway) => ({ destination: ANY4, prefixlen: 0, gateway }));
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

/** The prefix length of an address's class (RFC 791), for servers that give no mask. */
function classPrefixlen(address: Uint8Array): number {
  const first = address[0] ?? 0;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}
