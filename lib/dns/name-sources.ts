import type { Hosts } from './hosts.js';
import type { Reply } from './message.js';
import type { ResolverStack } from './resolver-stack.js';
import type { SourceAddress } from './rfc6724.js';
import type { Services } from './services.js';
import type { NameSettings } from './settings.js';
import { SourceAddresses } from './source-addresses.js';
import type { StubResolver } from './stub-resolver.js';

/** Where getaddrinfo and getnameinfo take what they don't know themselves from. */
export interface NameSources {
  hosts(): Hosts;
  services(): Services;
  searchList(): { search: readonly string[]; ndots: number };
  /** Asks the servers. Where they have no reply it rejects with a {@link DnsError}. */
  query(name: string, type: 'A' | 'AAAA' | 'PTR', signal?: AbortSignal): Promise<Reply>;
  /** For each destination the address from which the stack would send to it. */
  sourcesOf(destinations: readonly string[]): (SourceAddress | null)[];
  /** The families that have an address on some interface that isn't the loopback's (AI_ADDRCONFIG). */
  configuredFamilies(): ReadonlySet<number>;
  /** The interface index of a zone ('vde0', '3'); undefined where there is no such interface. */
  zoneIndex(zone: string): number | undefined;
}

/** The sources of a stack, with its servers asked by `stub`. */
export function nameSources(stack: ResolverStack, settings: NameSettings, stub: StubResolver): NameSources {
  const addresses = new SourceAddresses(stack);
  return {
    hosts: () => settings.hosts(),
    services: () => settings.services(),
    searchList: () => ({ search: settings.conf.search, ndots: settings.conf.options.ndots }),
    query: (name, type, signal) => stub.query(name, type, signal),
    sourcesOf: (destinations) => addresses.sourcesOf(destinations),
    configuredFamilies: () => addresses.configuredFamilies(),
    zoneIndex: (zone) => addresses.zoneIndex(zone),
  };
}
