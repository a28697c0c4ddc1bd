import { domainToASCII } from 'node:url';
import { inetAton, ipBytes, ipText, ipVersion, isMapped, withoutZone, zoneOf } from '../address/ip.js';
import type { Address } from '../address/sockaddr.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  EAI_ADDRFAMILY,
  EAI_AGAIN,
  EAI_BADFLAGS,
  EAI_FAIL,
  EAI_FAMILY,
  EAI_NODATA,
  EAI_NONAME,
} from '../constants/index.js';
import { AbortError } from '../core/errors.js';
import { checkInteger, checkString, INT_MAX } from '../core/validate.js';
import { DnsError, GaiError } from './errors.js';
import type { HostEntry, Hosts } from './hosts.js';
import { addressesOf, type Reply } from './message.js';
import { type SourceAddress, sortDestinations } from './rfc6724.js';
import { searchNames } from './search-list.js';
import type { Services } from './services.js';
import { checkServicePort, type ServicePort, type SocketType, socketTypes } from './socket-types.js';

/** One address of a host for one kind of socket: the five fields of Python's socket.getaddrinfo. */
export interface AddrInfo {
  family: number;
  type: number;
  proto: number;
  /** With AI_CANONNAME, in the first entry: the name at the end of the aliases. Else ''. */
  canonname: string;
  sockaddr: Address;
}

/** Where getaddrinfo and getnameinfo take from what they don't know themselves. */
export interface NameSources {
  hosts(): Hosts;
  services(): Services;
  searchList(): { search: readonly string[]; ndots: number };
  /** Asks the servers. What they can't tell is a {@link DnsError}. */
  query(name: string, type: 'A' | 'AAAA' | 'PTR', signal?: AbortSignal): Promise<Reply>;
  /** For each destination the address from which the stack would send to it. */
  sourcesOf(destinations: readonly string[]): (SourceAddress | null)[];
  /** Which families have an address on some interface that isn't the loopback's (AI_ADDRCONFIG). */
  configuredFamilies(): { ipv4: boolean; ipv6: boolean };
  /** The interface index of a zone ('vde0', '3'); undefined where there is no such interface. */
  zoneIndex(zone: string): number | undefined;
}

const KNOWN_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG;

/** What a look-up is about: the arguments of getaddrinfo(3) after `host` and `port`, 0 for "any". */
export interface AddrInfoHints {
  family?: number;
  type?: number;
  proto?: number;
  flags?: number;
  signal?: AbortSignal;
}

/**
 * getaddrinfo(3) on names taken from `sources`: the hosts file first, then the DNS, in the order of RFC 6724.
 * @throws {GaiError} `eai` is the EAI_ number of C, `code` is Node's ('ENOTFOUND', 'EAI_AGAIN')
 */
export async function getaddrinfo(
  sources: NameSources,
  host: string | null,
  port: ServicePort,
  hints: AddrInfoHints = {},
): Promise<AddrInfo[]> {
  const request = checkRequest(host, port, hints);
  const fail = (eai: number, cause?: unknown) => new GaiError(eai, 'getaddrinfo', host, cause);
  const { type, proto, flags } = request;
  if ((flags & ~KNOWN_FLAGS) !== 0 || (host === null && flags & AI_CANONNAME)) throw fail(EAI_BADFLAGS);
  if (![AF_UNSPEC, AF_INET, AF_INET6].includes(request.family)) throw fail(EAI_FAMILY);
  if (host === null && request.port === null) throw fail(EAI_NONAME);
  const family = flags & AI_ADDRCONFIG ? configuredFamily(sources, request.family) : request.family;
  if (family === null) throw fail(EAI_NONAME);
  const types = socketTypes(request.port, type, proto, (flags & AI_NUMERICSERV) !== 0, () => sources.services());
  if (typeof types === 'number') throw fail(types);
  const { addresses, canonname } = await findHost(sources, host, family, flags, hints.signal, fail);
  const sorted = sortAddresses(sources, addresses);
  const infos = sorted.flatMap((address) => {
    const scopeid = zoneOf(address) && sources.zoneIndex(zoneOf(address));
    if (scopeid === undefined) throw fail(EAI_NONAME);
    return types.map((one) => addrInfo(withoutZone(address), Number(scopeid), one));
  });
  if (flags & AI_CANONNAME && infos[0]) infos[0].canonname = canonname;
  return infos;
}

function checkRequest(host: unknown, port: unknown, { family = 0, type = 0, proto = 0, flags = 0 }: AddrInfoHints) {
  if (host !== null) checkString('host', host);
  return {
    port: checkServicePort(port),
    family: checkInteger('family', family, 0, INT_MAX),
    type: checkInteger('type', type, 0, INT_MAX),
    proto: checkInteger('proto', proto, 0, INT_MAX),
    flags: checkInteger('flags', flags, 0, INT_MAX),
  };
}

function addrInfo(address: string, scopeid: number, { type, proto, port }: SocketType): AddrInfo {
  if (ipVersion(address) === 4) {
    return { family: AF_INET, type, proto, canonname: '', sockaddr: { family: 'IPv4', address, port } };
  }
  const sockaddr: Address = { family: 'IPv6', address, port, flowinfo: 0, scopeid };
  return { family: AF_INET6, type, proto, canonname: '', sockaddr };
}

/** The family that is left when those without an address here are left out; null for none. */
function configuredFamily(sources: NameSources, family: number): number | null {
  const { ipv4, ipv6 } = sources.configuredFamilies();
  if ((family === AF_INET && !ipv4) || (family === AF_INET6 && !ipv6)) return null;
  if (family !== AF_UNSPEC || ipv4 === ipv6) return family;
  return ipv4 ? AF_INET : AF_INET6;
}

interface Found {
  addresses: string[];
  canonname: string;
}
type Fail = (eai: number, cause?: unknown) => GaiError;

async function findHost(
  sources: NameSources,
  host: string | null,
  family: number,
  flags: number,
  signal: AbortSignal | undefined,
  fail: Fail,
): Promise<Found> {
  if (host === null) {
    const [ipv6, ipv4] = flags & AI_PASSIVE ? ['::', '0.0.0.0'] : ['::1', '127.0.0.1'];
    const addresses = [ipv6, ipv4].filter((_, i) => family === AF_UNSPEC || (family === AF_INET6) === (i === 0));
    return { addresses, canonname: '' };
  }
  const numeric = numericAddress(host);
  if (numeric !== null) {
    const address = inFamily(numeric, family, flags);
    if (address === null) throw fail(EAI_ADDRFAMILY);
    return { addresses: [address], canonname: host };
  }
  const name = asciiName(host);
  if (flags & AI_NUMERICHOST || name === '') throw fail(EAI_NONAME);
  for (const entries of [sources.hosts().byName(name), loopbackEntries(name)]) {
    const addresses = ofFamily(entries, family, flags);
    if (addresses.length > 0) return { addresses, canonname: entries[0]?.canonical ?? name };
  }
  return findInDns(sources, name, family, flags, signal, fail);
}

/** The address that `host` is the text of, with inet_aton(3)'s short forms; null for a name. */
function numericAddress(host: string): string | null {
  return ipVersion(host) === 6 ? host : inetAton(host);
}

/** The name in the DNS's letters (RFC 5891); '' where it has none. */
export function asciiName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII starts with them
  return /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name);
}

// RFC 6761, 6.3: localhost is this stack, whatever a server says
function loopbackEntries(name: string): HostEntry[] {
  if (!/(^|\.)localhost\.?$/i.test(name)) return [];
  return [
    { address: '::1', version: 6, canonical: 'localhost' },
    { address: '127.0.0.1', version: 4, canonical: 'localhost' },
  ];
}

/** `address` as one of that family: as it is, or mapped to and fro where that is allowed. */
function inFamily(address: string, family: number, flags: number): string | null {
  const version = ipVersion(address);
  if (family === AF_UNSPEC || version === (family === AF_INET ? 4 : 6)) return address;
  if (version === 4) return flags & AI_V4MAPPED ? `::ffff:${address}` : null;
  const bytes = ipBytes(address);
  return isMapped(bytes) ? ipText(bytes.subarray(12)) : null;
}

function ofFamily(entries: readonly Pick<HostEntry, 'address' | 'version'>[], family: number, flags: number): string[] {
  const take = (version: 4 | 6) => entries.filter((entry) => entry.version === version).map(({ address }) => address);
  if (family === AF_UNSPEC) return [...new Set(entries.map(({ address }) => address))];
  if (family === AF_INET) return [...new Set(take(4))];
  const ipv6 = take(6);
  const mapped = flags & AI_V4MAPPED && (ipv6.length === 0 || flags & AI_ALL) ? take(4) : [];
  return [...new Set([...ipv6, ...mapped.map((address) => `::ffff:${address}`)])];
}

async function findInDns(
  sources: NameSources,
  name: string,
  family: number,
  flags: number,
  signal: AbortSignal | undefined,
  fail: Fail,
): Promise<Found> {
  const types: ('A' | 'AAAA')[] = [];
  if (family !== AF_INET6 || flags & AI_V4MAPPED) types.push('A');
  if (family !== AF_INET) types.push('AAAA');
  const { search, ndots } = sources.searchList();
  let isThere = false;
  let failed: unknown;
  for (const candidate of searchNames(name, search, ndots)) {
    const replies = await Promise.allSettled(types.map((type) => sources.query(candidate, type, signal)));
    if (signal?.aborted) throw new AbortError(signal.reason);
    const answers = replies.flatMap((reply) => (reply.status === 'fulfilled' ? [reply.value] : []));
    const addresses = ofFamily(answers.flatMap(addressesOf), family, flags);
    if (addresses.length > 0) {
      const canonname = answers.find(({ status }) => status === 'found')?.canonicalName ?? candidate;
      return { addresses, canonname };
    }
    isThere ||= answers.some(({ status }) => status !== 'nxdomain');
    const reason: unknown = replies.find((reply) => reply.status === 'rejected')?.reason;
    if (reason === undefined) continue;
    if (!(reason instanceof DnsError) || reason.code === 'ECANCELLED') throw reason;
    failed = reason;
    // a server that fails for this name may know the next one; one that is silent doesn't
    if (reason.code === 'ETIMEOUT' || reason.code === 'ECONNREFUSED') break;
  }
  if (failed !== undefined) throw fail(eaiOf(failed), failed);
  throw fail(isThere ? EAI_NODATA : EAI_NONAME);
}

/** The EAI_ number for a query that failed: what may pass is EAI_AGAIN. */
export function eaiOf(error: unknown): number {
  const code = error instanceof DnsError ? error.code : '';
  return ['ETIMEOUT', 'ESERVFAIL', 'EREFUSED', 'ECONNREFUSED'].includes(code) ? EAI_AGAIN : EAI_FAIL;
}

function sortAddresses(sources: NameSources, addresses: string[]): string[] {
  if (addresses.length < 2) return addresses;
  const found = sources.sourcesOf(addresses);
  const candidates = addresses.map((address, i) => ({ address, source: found[i] ?? null }));
  return sortDestinations(candidates).map(({ address }) => address);
}
