import { familyOf, withoutZone, zoneOf } from '../address/ip.js';
import type { Address } from '../address/sockaddr.js';
import {
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  EAI_BADFLAGS,
  EAI_FAMILY,
  EAI_NONAME,
} from '../constants/netdb.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/socket.js';
import { checkInteger, checkString, INT_MAX } from '../core/validate.js';
import { GaiError } from './errors.js';
import { findHost } from './host-addresses.js';
import type { NameSources } from './name-sources.js';
import { sortDestinations } from './rfc6724.js';
import { checkServicePort, type ServicePort, type SocketType, socketTypes } from './socket-types.js';

/** Address of a host for one kind of socket: the five fields of Python's socket.getaddrinfo. */
export interface AddrInfo {
  /** AF_INET or AF_INET6. */
  family: number;
  /** SOCK_*. */
  type: number;
  /** IPPROTO_*. */
  proto: number;
  /** The name at the end of the aliases, in the first entry and with AI_CANONNAME; else ''. */
  canonname: string;
  sockaddr: Address;
}

const KNOWN_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG;

/** Arguments of getaddrinfo(3) after `host` and `port`. Each number defaults to 0: any, or no flags. */
export interface AddrInfoHints {
  family?: number;
  type?: number;
  proto?: number;
  flags?: number;
  signal?: AbortSignal;
}

/** Resolves a host and a port like getaddrinfo(3), with names from `sources`, in the order of RFC 6724. */
export async function getaddrinfo(
  sources: NameSources,
  host: string | null,
  port: ServicePort,
  hints: AddrInfoHints = {},
): Promise<AddrInfo[]> {
  const request = checkRequest(host, port, hints);
  const fail = (eai: number, hint?: string) => new GaiError(eai, 'getaddrinfo', host, undefined, hint);
  const { type, proto, flags } = request;
  if ((flags & ~KNOWN_FLAGS) !== 0 || (host === null && flags & AI_CANONNAME)) throw fail(EAI_BADFLAGS);
  if (![AF_UNSPEC, AF_INET, AF_INET6].includes(request.family)) throw fail(EAI_FAMILY);
  if (host === null && request.port === null) throw fail(EAI_NONAME);
  const family = flags & AI_ADDRCONFIG ? configuredFamily(sources, request.family) : request.family;
  if (family === null) throw fail(EAI_NONAME);
  const types = socketTypes(request.port, type, proto, (flags & AI_NUMERICSERV) !== 0, () => sources.services());
  if (typeof types === 'number') throw fail(types);
  const { addresses, canonname } = await findHost(sources, { host, family, flags, signal: hints.signal });
  const infos = sortAddresses(sources, addresses).flatMap((address) => {
    const zone = zoneOf(address);
    const scopeid = zone === '' ? 0 : sources.zoneIndex(zone);
    if (scopeid === undefined) throw fail(EAI_NONAME, `the stack has no interface '${zone}' for ${address}`);
    return types.map((one) => addrInfo(withoutZone(address), scopeid, one));
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
  const family = familyOf(address);
  const sockaddr: Address =
    family === AF_INET ? { family: 'IPv4', address, port } : { family: 'IPv6', address, port, flowinfo: 0, scopeid };
  return { family, type, proto, canonname: '', sockaddr };
}

/** Returns the family to look up for AI_ADDRCONFIG: families without an address here are dropped; null if none is left. */
function configuredFamily(sources: NameSources, family: number): number | null {
  const configured = sources.configuredFamilies();
  if (family !== AF_UNSPEC) return configured.has(family) ? family : null;
  const [only = AF_UNSPEC, ...others] = configured;
  return others.length === 0 ? only : AF_UNSPEC;
}

function sortAddresses(sources: NameSources, addresses: string[]): string[] {
  if (addresses.length < 2) return addresses;
  const found = sources.sourcesOf(addresses);
  const candidates = addresses.map((address, i) => ({ address, source: found[i] ?? null }));
  return sortDestinations(candidates).map(({ address }) => address);
}
