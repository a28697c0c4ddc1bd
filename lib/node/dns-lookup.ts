import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_V4MAPPED,
  NI_NAMEREQD,
  SOCK_STREAM,
} from '../constants/index.js';
import { checkInteger, checkPort, checkString, INT_MAX, invalidType, invalidValue } from '../core/validate.js';
import type { AddrInfo } from '../dns/getaddrinfo.js';
import type { Resolver } from '../dns/resolver.js';

interface CheckedLookup {
  family: number;
  flags: number;
  all: boolean;
  order: string;
}

const FLAGS = AI_ADDRCONFIG | AI_V4MAPPED | AI_ALL;
const FAMILIES = new Map<unknown, number>([
  [undefined, AF_UNSPEC],
  [null, AF_UNSPEC],
  [0, AF_UNSPEC],
  [4, AF_INET],
  ['IPv4', AF_INET],
  [6, AF_INET6],
  ['IPv6', AF_INET6],
]);
const ORDERS = ['verbatim', 'ipv4first', 'ipv6first'];

/** dns.lookup: the address of a host, or with `all` every one, as sockets would take them. */
export async function lookup(
  resolver: Resolver,
  hostname: string,
  options?: LookupOptions | number | null,
): Promise<LookupAddress | LookupAddress[]> {
  const { family, flags, all, order } = checkLookup(hostname, options);
  // as in Node
  if (!hostname) return all ? [] : ({ address: null, family: family === AF_INET6 ? 6 : 4 } as unknown as LookupAddress);
  const numeric = isIP(hostname);
  if (numeric) return all ? [{ address: hostname, family: numeric }] : { address: hostname, family: numeric };
  const infos = await resolver.getaddrinfo(hostname, null, { family, type: SOCK_STREAM, flags });
  const found = inOrder(infos, order).map(lookupAddress);
  return all ? found : (found[0] as LookupAddress);
}

/** dns.lookupService: getnameinfo(3) with NI_NAMEREQD. */
export async function lookupService(
  resolver: Resolver,
  address: string,
  port: number,
): Promise<{ hostname: string; service: string }> {
  if (isIP(checkString('address', address)) === 0) throw invalidValue('address', 'an IP address', address);
  checkPort('port', port);
  const [hostname, service] = await resolver.getnameinfo([address, port], NI_NAMEREQD);
  return { hostname, service };
}

/** Checks the arguments of lookup, and gives the options their defaults. */
export function checkLookup(hostname: unknown, given?: LookupOptions | number | null): CheckedLookup {
  if (hostname) checkString('hostname', hostname);
  const options = typeof given === 'number' ? { family: given } : (given ?? {});
  if (typeof options !== 'object') throw invalidType('options', 'an object or a family', given);
  const family = FAMILIES.get(options.family);
  if (family === undefined) throw invalidValue('options.family', "0, 4, 6, 'IPv4' or 'IPv6'", options.family);
  const flags = checkInteger('options.hints', options.hints ?? 0, 0, INT_MAX);
  if (flags & ~FLAGS) throw invalidValue('options.hints', 'ADDRCONFIG, V4MAPPED and ALL, or-ed', flags);
  const order = options.order ?? (options.verbatim === false ? 'ipv4first' : 'verbatim');
  if (!ORDERS.includes(order)) throw invalidValue('options.order', ORDERS.join(', '), order);
  return { family, flags, all: Boolean(options.all), order };
}

function inOrder(infos: AddrInfo[], order: string): AddrInfo[] {
  if (order === 'verbatim') return infos;
  const first = order === 'ipv4first' ? AF_INET : AF_INET6;
  return [...infos.filter(({ family }) => family === first), ...infos.filter(({ family }) => family !== first)];
}

function lookupAddress({ family, sockaddr: { address, scopeid } }: AddrInfo): LookupAddress {
  return { address: scopeid ? `${address}%${scopeid}` : address, family: family === AF_INET6 ? 6 : 4 };
}
