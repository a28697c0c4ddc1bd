import type { Reply } from './message.js';
import type { NameSettings } from './settings.js';
import { SourceAddresses } from './source-addresses.js';
import type { StackInterface } from './stack-interface.js';
import type { StubResolver } from './stub-resolver.js';

/** Sources of getaddrinfo and getnameinfo: files, settings, DNS servers and the stack. */
export interface NameSources
  extends Pick<NameSettings, 'hosts' | 'services'>,
    Pick<SourceAddresses, 'sourcesOf' | 'configuredFamilies' | 'zoneIndex'> {
  searchList(): { search: readonly string[]; ndots: number };
  /** Asks the servers. Rejects with a {@link DnsError} if they have no reply. */
  query(name: string, type: 'A' | 'AAAA' | 'PTR', signal?: AbortSignal): Promise<Reply>;
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
