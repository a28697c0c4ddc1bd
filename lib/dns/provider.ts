import type { AddrInfo, AddrInfoHints } from './getaddrinfo.js';
import type { NameInfoAddress } from './getnameinfo.js';
import type { ServicePort } from './socket-types.js';

/** Implementation of getaddrinfo and getnameinfo: the builtin resolver or libiothdns. */
export interface NameProvider {
  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]>;
  getnameinfo(address: NameInfoAddress, flags: number, options: { signal?: AbortSignal }): Promise<[string, string]>;
  /** Returns every address of a name in one family, without the hosts file and the search list. */
  addresses(name: string, type: 'A' | 'AAAA', options: { signal?: AbortSignal }): Promise<string[]>;
}
