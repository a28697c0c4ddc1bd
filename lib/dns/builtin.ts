import { queryError } from './errors.js';
import { type AddrInfo, type AddrInfoHints, getaddrinfo } from './getaddrinfo.js';
import { getnameinfo, type NameInfoAddress } from './getnameinfo.js';
import { addressesOf } from './message.js';
import type { NameSources } from './name-sources.js';
import type { NameProvider } from './provider.js';
import type { ServicePort } from './socket-types.js';
import type { StubResolver } from './stub-resolver.js';

/** Name resolution in TypeScript, over the stack's own sockets. */
export class BuiltinProvider implements NameProvider {
  constructor(
    readonly sources: NameSources,
    readonly stub: StubResolver,
  ) {}

  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]> {
    return getaddrinfo(this.sources, host, port, hints);
  }

  getnameinfo(address: NameInfoAddress, flags: number, options: { signal?: AbortSignal }): Promise<[string, string]> {
    return getnameinfo(this.sources, address, flags, options);
  }

  async addresses(name: string, type: 'A' | 'AAAA', { signal }: { signal?: AbortSignal }): Promise<string[]> {
    const reply = await this.stub.query(name, type, signal);
    if (reply.status !== 'found') throw queryError(reply.status === 'nodata' ? 'ENODATA' : 'ENOTFOUND', type, name);
    return addressesOf(reply).map(({ address }) => address);
  }
}
