import { asciiName, isDomainName } from '../address/domain-name.js';
import { ANY4, familyOf, inetAton, ipBytes, ipText, isLoopback, isMapped, withoutZone, zoneOf } from '../address/ip.js';
import {
  AI_ALL,
  AI_NUMERICHOST,
  AI_PASSIVE,
  AI_V4MAPPED,
  EAI_ADDRFAMILY,
  EAI_NODATA,
  EAI_NONAME,
} from '../constants/netdb.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/socket.js';
import { AbortError } from '../core/errors.js';
import { DnsError, eaiOf, GaiError } from './errors.js';
import { addressesOf } from './message.js';
import type { NameSources } from './name-sources.js';

/** Arguments of getaddrinfo(3) that select the addresses. */
export interface HostQuery {
  host: string | null;
  family: number;
  flags: number;
  signal: AbortSignal | undefined;
}

/** Addresses of a host, and the name at the end of its aliases. */
export interface HostAddresses {
  addresses: string[];
  canonname: string;
}

/** Source of the hosts file and of the zones that the stack has. */
type HostsSource = Pick<NameSources, 'hosts' | 'zoneIndex'>;

const LOOPBACK = ['::1', '127.0.0.1'];
const ANY = ['::', ANY4];

/** Finds the addresses of a host, unsorted: in the hosts file first, then in the DNS. */
export async function findHost(sources: NameSources, query: HostQuery): Promise<HostAddresses> {
  const { host, family, flags } = query;
  if (host === null) return { addresses: ofFamily(flags & AI_PASSIVE ? ANY : LOOPBACK, family, 0), canonname: '' };
  const numeric = numericAddress(host);
  if (numeric !== null) {
    const address = inFamily(numeric, family, flags);
    if (address === null) throw new GaiError(EAI_ADDRFAMILY, 'getaddrinfo', host);
    return { addresses: [address], canonname: host };
  }
  const name = asciiName(host);
  if (flags & AI_NUMERICHOST || !isDomainName(name)) throw new GaiError(EAI_NONAME, 'getaddrinfo', host);
  return findInFile(sources, name, family, flags) ?? findInDns(sources, name, query);
}

/** Resolves `host` without asking a server: a numeric host, the hosts file, localhost. */
export function resolveLocally(sources: HostsSource, host: string, family: number): string | undefined {
  const numeric = numericAddress(host);
  if (numeric !== null) return inFamily(numeric, family, 0) ?? undefined;
  const name = asciiName(host);
  return isDomainName(name) ? findInFile(sources, name, family, 0)?.addresses[0] : undefined;
}

/** Returns whether `host` is an address that a socket of `family` cannot use. */
export function isOfOtherFamily(host: string, family: number): boolean {
  const numeric = numericAddress(host);
  return numeric !== null && inFamily(numeric, family, 0) === null;
}

/** Parses a numeric host, including inet_aton(3)'s short forms; returns null for a name. */
function numericAddress(host: string): string | null {
  return familyOf(host) === AF_INET6 ? host : inetAton(host);
}

/** Returns `address` in that family: unchanged, mapped to IPv6 if the flags allow it, or unmapped; else null. */
function inFamily(address: string, family: number, flags: number): string | null {
  const own = familyOf(address);
  if (family === AF_UNSPEC || family === own) return address;
  if (own === AF_INET) return flags & AI_V4MAPPED ? `::ffff:${address}` : null;
  const bytes = ipBytes(address);
  return isMapped(bytes) ? ipText(bytes.subarray(12)) : null;
}

/** Looks a name up in the hosts file. RFC 6761, 6.3: localhost is always this stack, whatever the file or a server says. */
function findInFile(sources: HostsSource, name: string, family: number, flags: number): HostAddresses | undefined {
  const isLocalhost = /(^|\.)localhost\.?$/i.test(name);
  const named = sources.hosts().byName(name);
  const entries = isLocalhost ? named.filter(({ address }) => isLoopback(address)) : named;
  // loopback addresses have no zone, but hosts files write one: '::1%lo0'
  const written = entries.map(({ address }) => (isLocalhost ? withoutZone(address) : address));
  const addresses = usable(sources, ofFamily(written, family, flags));
  if (addresses.length > 0) return { addresses, canonname: entries[0]?.canonical ?? name };
  return isLocalhost ? { addresses: ofFamily(LOOPBACK, family, flags), canonname: 'localhost' } : undefined;
}

/** Removes addresses in a zone that the stack does not have ('fe80::1%lo0'), unless all are such. */
function usable({ zoneIndex }: HostsSource, addresses: string[]): string[] {
  const good = addresses.filter((address) => zoneOf(address) === '' || zoneIndex(zoneOf(address)) !== undefined);
  return good.length > 0 ? good : addresses;
}

function ofFamily(addresses: readonly string[], family: number, flags: number): string[] {
  const take = (wanted: number) => addresses.filter((address) => familyOf(address) === wanted);
  if (family === AF_UNSPEC) return [...new Set(addresses)];
  if (family === AF_INET) return [...new Set(take(AF_INET))];
  const ipv6 = take(AF_INET6);
  const mapped = flags & AI_V4MAPPED && (ipv6.length === 0 || flags & AI_ALL) ? take(AF_INET) : [];
  return [...new Set([...ipv6, ...mapped.map((address) => `::ffff:${address}`)])];
}

async function findInDns(
  sources: NameSources,
  name: string,
  { host, family, flags, signal }: HostQuery,
): Promise<HostAddresses> {
  const types: ('A' | 'AAAA')[] = [];
  if (family !== AF_INET6 || flags & AI_V4MAPPED) types.push('A');
  if (family !== AF_INET) types.push('AAAA');
  const { search, ndots } = sources.searchList();
  let exists = false;
  let failure: DnsError | undefined;
  for (const candidate of searchNames(name, search, ndots)) {
    const results = await Promise.allSettled(types.map((type) => sources.query(candidate, type, signal)));
    if (signal?.aborted) throw new AbortError(signal.reason);
    const replies = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const addresses = ofFamily(replies.flatMap(addressesOf), family, flags);
    if (addresses.length > 0) {
      const canonname = replies.find(({ status }) => status === 'found')?.canonicalName ?? candidate;
      return { addresses, canonname };
    }
    exists ||= replies.some(({ status }) => status !== 'nxdomain');
    const reason: unknown = results.find((result) => result.status === 'rejected')?.reason;
    if (reason === undefined) continue;
    if (!(reason instanceof DnsError) || reason.code === 'ECANCELLED') throw reason;
    failure = reason;
    // a server that fails for this name may know the next one; a silent one will not answer either
    if (reason.code === 'ETIMEOUT' || reason.code === 'ECONNREFUSED') break;
  }
  if (failure) throw new GaiError(eaiOf(failure), 'getaddrinfo', host, failure);
  throw new GaiError(exists ? EAI_NODATA : EAI_NONAME, 'getaddrinfo', host);
}

/**
 * Returns the full names to query for `name`, in the order of res_search(3). A name that ends in a dot is already full. A
 * name with at least `ndots` dots is tried as it is first; any other only after the search list.
 */
export function searchNames(name: string, search: readonly string[], ndots: number): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1) || '.'];
  const expanded = search.map((domain) => (domain === '' || domain === '.' ? name : `${name}.${domain}`));
  const dots = name.split('.').length - 1;
  const names = dots >= ndots ? [name, ...expanded] : [...expanded, name];
  return [...new Set(names)].filter(isDomainName);
}
