import { queryError } from './errors.js';
import { type AddrInfo, type AddrInfoHints, getaddrinfo } from './getaddrinfo.js';
import { getnameinfo, type NameInfoAddress } from './getnameinfo.js';
import { addressesOf } from './message.js';
import type { NameSources } from './name-sources.js';
import type { ServicePort } from './socket-types.js';
import type { StubResolver } from './stub-resolver.js';

/** Implementation of getaddrinfo and getnameinfo: the builtin resolver or libiothdns. */
export interface NameProvider {
  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]>;
  getnameinfo(address: NameInfoAddress, flags: number, options: { signal?: AbortSignal }): Promise<[string, string]>;
  /** Returns every address of a name in one family, without the hosts file and the search list. */
  addresses(name: string, type: 'A' | 'AAAA', options: { signal?: AbortSignal }): Promise<string[]>;
}

/** Creates the name resolution in TypeScript, over the stack's own sockets. */
export function builtinProvider(sources: NameSources, stub: StubResolver): NameProvider {
  return {
    getaddrinfo: (host, port, hints) => getaddrinfo(sources, host, port, hints),
    getnameinfo: (address, flags, options) => getnameinfo(sources, address, flags, options),
    addresses: async (name, type, { signal }) => {
      const reply = await stub.query(name, type, signal);
      if (reply.status !== 'found') throw queryError(reply.status === 'nodata' ? 'ENODATA' : 'ENOTFOUND', type, name);
      return addressesOf(reply);
    },
  };
}
