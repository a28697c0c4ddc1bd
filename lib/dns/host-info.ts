import { nameKey } from '../address/domain-name.js';
import { BROADCAST4, familyOf, withoutZone } from '../address/ip.js';
import { AI_CANONNAME, NI_NAMEREQD } from '../constants/netdb.js';
import { AF_INET, SOCK_STREAM } from '../constants/socket.js';
import { checkOptions, checkString } from '../core/validate.js';
import { GaiError } from './errors.js';
import type { Resolver } from './resolver.js';

/** Names and addresses of a host: a `struct hostent` in Python's form. */
export type HostInfo = [hostname: string, aliases: string[], addresses: string[]];

interface Options {
  signal?: AbortSignal;
}

/** Looks up a host by name, IPv4 only: gethostbyname(3). */
export async function hostByName(resolver: Resolver, host: string, options?: Options): Promise<HostInfo> {
  const { signal } = checkOptions(options, ['signal']);
  checkString('host', host);
  if (host === '') return ['0.0.0.0', [], ['0.0.0.0']];
  if (host === '<broadcast>') return [host, [], [BROADCAST4]];
  const hints = { family: AF_INET, type: SOCK_STREAM, flags: AI_CANONNAME, signal };
  const infos = await resolver.getaddrinfo(host, null, hints);
  const canonname = infos[0]?.canonname || host;
  const names = familyOf(host) === 0 ? [...namesInFile(resolver, canonname), host] : [];
  return [canonname, aliasesOf(canonname, names), infos.map(({ sockaddr }) => sockaddr.address)];
}

/** Looks up a host by address, or by the first address of a name: gethostbyaddr(3). */
export async function hostByAddress(resolver: Resolver, host: string, options?: Options): Promise<HostInfo> {
  const { signal } = checkOptions(options, ['signal']);
  checkString('address', host);
  const address = familyOf(host) === 0 ? await firstAddress(resolver, host, signal) : host;
  const [name] = await resolver.getnameinfo([address, 0], NI_NAMEREQD, { signal });
  return [name, aliasesOf(name, namesInFile(resolver, name)), [address]];
}

/** Returns the fully qualified name of a host, like Python's getfqdn. */
export async function qualifiedName(resolver: Resolver, name: string, options?: Options): Promise<string> {
  checkOptions(options, ['signal']);
  const given = checkString('name', name).trim();
  const asked = ['', '0.0.0.0', '::'].includes(given) ? resolver.hostname : given;
  try {
    const [found, aliases] = await hostByAddress(resolver, asked, options);
    return [found, ...aliases].find((one) => one.includes('.')) ?? found;
  } catch (error) {
    if (error instanceof GaiError) return asked;
    throw error;
  }
}

async function firstAddress(resolver: Resolver, host: string, signal: AbortSignal | undefined): Promise<string> {
  const [first] = await resolver.getaddrinfo(host === '' ? null : host, null, { type: SOCK_STREAM, signal });
  return withoutZone(first?.sockaddr.address ?? '');
}

/** Returns the aliases on the lines of a canonical name in the hosts file. */
function namesInFile({ settings }: Resolver, canonical: string): readonly string[] {
  const key = nameKey(canonical);
  const entries = settings.hosts().byName(canonical);
  return entries.filter((entry) => nameKey(entry.canonical) === key).flatMap(({ aliases }) => aliases);
}

function aliasesOf(canonical: string, names: readonly string[]): string[] {
  const others = new Map(names.map((name) => [nameKey(name), name]));
  others.delete(nameKey(canonical));
  return [...others.values()];
}
