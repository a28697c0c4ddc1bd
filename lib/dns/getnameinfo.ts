import { familyOf, reverseName, withoutZone } from '../address/ip.js';
import {
  EAI_BADFLAGS,
  EAI_FAMILY,
  EAI_NONAME,
  NI_DGRAM,
  NI_NAMEREQD,
  NI_NOFQDN,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
} from '../constants/netdb.js';
import { checkInteger, checkPort, checkString, INT_MAX, invalidType } from '../core/validate.js';
import { DnsError, eaiOf, GaiError } from './errors.js';
import type { NameSources } from './name-sources.js';

/** Address to look up: `[address, port]` or an object. */
export type NameInfoAddress = readonly [address: string, port: number] | { address: string; port: number };

const NI_IDN = 32;
const KNOWN_FLAGS = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | NI_IDN;

/**
 * Looks up the names of an address and its port, like getnameinfo(3), in the hosts file, the DNS and the services file.
 * Returns the number where there is no name.
 */
export async function getnameinfo(
  sources: NameSources,
  sockaddr: NameInfoAddress,
  flags = 0,
  { signal }: { signal?: AbortSignal } = {},
): Promise<[host: string, service: string]> {
  const { address, port } = checkNameInfo(sockaddr, flags);
  if ((flags & ~KNOWN_FLAGS) !== 0 || (flags & NI_NUMERICHOST && flags & NI_NAMEREQD)) {
    throw new GaiError(flags & ~KNOWN_FLAGS ? EAI_BADFLAGS : EAI_NONAME, 'getnameinfo', address);
  }
  const name = flags & NI_NUMERICHOST ? undefined : await nameOf(sources, address, flags, signal);
  if (name === undefined && flags & NI_NAMEREQD) throw new GaiError(EAI_NONAME, 'getnameinfo', address);
  const protocol = flags & NI_DGRAM ? 'udp' : 'tcp';
  const service = flags & NI_NUMERICSERV ? undefined : sources.services().name(port, protocol);
  return [flags & NI_NOFQDN ? localName(sources, name ?? address) : (name ?? address), service ?? String(port)];
}

/** Checks the arguments of getnameinfo. @throws {GaiError} EAI_FAMILY for a name instead of an address */
export function checkNameInfo(sockaddr: NameInfoAddress, flags: number): { address: string; port: number } {
  checkInteger('flags', flags, 0, INT_MAX);
  if (typeof sockaddr !== 'object' || sockaddr === null) throw invalidType('sockaddr', '[address, port]', sockaddr);
  const { address, port } = 'address' in sockaddr ? sockaddr : { address: sockaddr[0], port: sockaddr[1] };
  checkString('address', address);
  checkPort('port', port);
  if (familyOf(address) === 0) throw new GaiError(EAI_FAMILY, 'getnameinfo', address);
  return { address, port };
}

async function nameOf(
  sources: NameSources,
  address: string,
  flags: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const known = sources.hosts().byAddress(address);
  if (known !== undefined) return known;
  try {
    const { records } = await sources.query(reverseName(withoutZone(address)), 'PTR', signal);
    const record = records.find(({ type }) => type === 'PTR');
    return record?.type === 'PTR' ? record.data : undefined;
  } catch (error) {
    if (!(error instanceof DnsError) || error.code === 'ECANCELLED') throw error;
    if (flags & NI_NAMEREQD) throw new GaiError(eaiOf(error), 'getnameinfo', address, error);
    return undefined;
  }
}

/** Applies NI_NOFQDN: strips the stack's own domain, the first of its search list, from a name. */
function localName(sources: NameSources, name: string): string {
  const domain = sources.searchList().search[0];
  if (!domain || !name.toLowerCase().endsWith(`.${domain.toLowerCase()}`)) return name;
  return name.slice(0, -domain.length - 1);
}
