import type { AddrInfo, AddrInfoHints } from './getaddrinfo.js';
import type { NameInfoAddress } from './getnameinfo.js';
import type { ServicePort } from './socket-types.js';

/** A way to do getaddrinfo and getnameinfo: the builtin resolver or libiothdns. */
export interface NameProvider {
  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]>;
  getnameinfo(address: NameInfoAddress, flags: number, options: { signal?: AbortSignal }): Promise<[string, string]>;
  /** Every address of a name in one family, without hosts file and search list. */
  addresses(name: string, type: 'A' | 'AAAA', options: { signal?: AbortSignal }): Promise<string[]>;
}
