import { queryError } from './errors.js';
import type { AddrInfo, AddrInfoHints, NameSources } from './getaddrinfo.js';
import { getaddrinfo } from './getaddrinfo.js';
import { getnameinfo, type NameInfoAddress } from './getnameinfo.js';
import { addressesOf } from './message.js';
import type { NameHost, NameProvider } from './provider.js';
import type { NameSettings } from './settings.js';
import type { ServicePort } from './socket-types.js';
import { LocalAddresses } from './source-addresses.js';
import type { StubResolver } from './stub-resolver.js';

/** Names resolved in TypeScript, over the stack's own sockets. */
export class BuiltinProvider implements NameProvider {
  readonly name = 'builtin';
  readonly #sources: NameSources;

  constructor(
    host: NameHost,
    settings: NameSettings,
    readonly engine: StubResolver,
  ) {
    this.#sources = nameSources(host, settings, engine);
  }

  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]> {
    return getaddrinfo(this.#sources, host, port, hints);
  }

  getnameinfo(address: NameInfoAddress, flags: number, options: { signal?: AbortSignal }): Promise<[string, string]> {
    return getnameinfo(this.#sources, address, flags, options);
  }

  async addresses(name: string, type: 'A' | 'AAAA', { signal }: { signal?: AbortSignal }): Promise<string[]> {
    const reply = await this.engine.query(name, type, signal);
    if (reply.status !== 'found') throw queryError(reply.status === 'nodata' ? 'ENODATA' : 'ENOTFOUND', type, name);
    return addressesOf(reply).map(({ address }) => address);
  }

  close(): void {
    this.engine.cancel();
  }
}

/** Where look-ups on `host` take from what they don't know. */
export function nameSources(host: NameHost, settings: NameSettings, engine: StubResolver): NameSources {
  const local = new LocalAddresses(host);
  return {
    hosts: () => settings.hosts(),
    services: () => settings.services(),
    searchList: () => ({ search: settings.conf.search, ndots: settings.conf.options.ndots }),
    query: (name, type, signal) => engine.query(name, type, signal),
    sourcesOf: (destinations) => local.sourcesOf(destinations),
    configuredFamilies: () => local.configuredFamilies(),
    zoneIndex: (zone) => local.zoneIndex(zone),
  };
}
