import type { Hosts } from './hosts.js';
import type { Reply } from './message.js';
import type { SourceAddress } from './rfc6724.js';
import type { Services } from './services.js';
import type { NameSettings } from './settings.js';
import { SourceAddresses } from './source-addresses.js';
import type { StackInterface } from './stack-interface.js';
import type { StubResolver } from './stub-resolver.js';

/** Sources of getaddrinfo and getnameinfo: files, settings, DNS servers and the stack. */
export interface NameSources {
  hosts(): Hosts;
  services(): Services;
  searchList(): { search: readonly string[]; ndots: number };
  /** Asks the servers. Rejects with a {@link DnsError} if they have no reply. */
  query(name: string, type: 'A' | 'AAAA' | 'PTR', signal?: AbortSignal): Promise<Reply>;
  /** Returns, for each destination, the address from which the stack would send to it. */
  sourcesOf(destinations: readonly string[]): (SourceAddress | null)[];
  /** Returns the families that have an address on an interface other than loopback (AI_ADDRCONFIG). */
  configuredFamilies(): ReadonlySet<number>;
  /** Returns the interface index of a zone ('vde0', '3'); undefined if there is no such interface. */
  zoneIndex(zone: string): number | undefined;
}

/** Creates the sources of a stack; `stub` asks its servers. */
export function nameSources(stack: StackInterface, settings: NameSettings, stub: StubResolver): NameSources {
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
