import type { LookupAddress, RecordWithTtl } from 'node:dns';
import { asciiName } from '../address/domain-name.js';
import { reverseName, withoutZone } from '../address/ip.js';
import { NI_NAMEREQD } from '../constants/netdb.js';
import { AF_INET6, SOCK_STREAM } from '../constants/socket.js';
import { DnsError, queryError } from '../dns/errors.js';
import type { RecordType, Reply } from '../dns/message.js';
import type { Nameserver } from '../dns/resolv-conf.js';
import type { Resolver } from '../dns/resolver.js';
import type { StubResolver } from '../dns/stub-resolver.js';
import { anyRecords, type NodeRecords, nodeRecords, type QueryType } from './dns-records.js';
import type { DnsSource, Queries, ResolverSettings } from './dns-source.js';

/** The characters that c-ares accepts in a name. */
const NAME = /^[\w.*/-]*$/;

/** Resolves names for node:dns with the resolver of a stack. */
export class StackDnsSource implements DnsSource {
  readonly queries: Queries;

  constructor(readonly resolver: Resolver) {
    this.queries = new StackQueries(resolver, resolver.queries);
  }

  setServers(servers: Nameserver[]): void {
    this.resolver.setQueryServers(servers);
  }

  newQueries(settings: ResolverSettings): Queries {
    const { settings: stack } = this.resolver;
    const conf = () => {
      const { conf } = stack;
      const nameservers = settings.servers ?? conf.nameservers;
      return { ...conf, nameservers, options: { ...conf.options, edns0: false } };
    };
    const { timeout, tries: attempts } = settings;
    const options = { cacheSize: 0, timeout, attempts, local: () => settings.local };
    return new StackQueries(this.resolver, this.resolver.newQueries(conf, options));
  }

  async lookup(hostname: string, family: number, flags: number): Promise<LookupAddress[]> {
    const found = await this.resolver.getaddrinfo(hostname, null, { family, type: SOCK_STREAM, flags });
    return found.map(({ family, sockaddr: { address, scopeid } }) => ({
      address: scopeid ? `${address}%${scopeid}` : address,
      family: family === AF_INET6 ? 6 : 4,
    }));
  }

  lookupService(address: string, port: number): Promise<[string, string]> {
    return this.resolver.getnameinfo([address, port], NI_NAMEREQD);
  }
}

/** Queries of a stack. Does not change names: as in Node, the search list applies only to look-ups of hosts. */
class StackQueries implements Queries {
  constructor(
    readonly resolver: Resolver,
    readonly stub: StubResolver,
  ) {}

  getServers(): Nameserver[] {
    return this.stub.conf().nameservers;
  }

  async query(type: QueryType, name: string, withTtl: boolean): Promise<unknown> {
    if (type === 'address') return this.#reverse(name);
    if (type === 'ANY') return anyRecords((await this.#ask(name, type)).records);
    if (type === 'SOA') return (await this.#records(name, type))[0];
    if (type !== 'A' && type !== 'AAAA') return this.#records(name, type);
    // libiothdns returns addresses without their time to live
    if (!withTtl && this.stub === this.resolver.queries) return this.resolver.addresses(checkName(name, type), type);
    const records: RecordWithTtl[] = await this.#records(name, type);
    return withTtl ? records : records.map(({ address }) => address);
  }

  cancel(): void {
    this.stub.cancel();
  }

  /** Returns the names of an address, from the hosts file or from PTR records. */
  async #reverse(ip: string): Promise<string[]> {
    const known = this.resolver.settings.hosts().byAddress(ip);
    if (known !== undefined) return [known];
    try {
      return await this.#records(reverseName(withoutZone(ip)), 'PTR');
    } catch (error) {
      if (!(error instanceof DnsError)) throw error;
      const code = error.code === 'ENODATA' ? 'ENOTFOUND' : error.code;
      throw new DnsError(code, 'getHostByAddr', ip, 'no name is known for it', error);
    }
  }

  async #records<T extends keyof NodeRecords>(name: string, type: T): Promise<NodeRecords[T][]> {
    const records = nodeRecords((await this.#ask(name, type)).records, type);
    if (records.length === 0) throw queryError('ENODATA', type, name);
    return records;
  }

  async #ask(name: string, type: RecordType): Promise<Reply> {
    const reply = await this.stub.query(checkName(name, type), type);
    if (reply.status === 'found') return reply;
    throw queryError(reply.status === 'nodata' ? 'ENODATA' : 'ENOTFOUND', type, name);
  }
}

/** Returns a name in the form in which c-ares queries it; '' is the root. @throws {DnsError} EBADNAME */
function checkName(name: string, type: RecordType): string {
  const ascii = asciiName(name);
  if (!NAME.test(ascii) || (ascii === '' && name !== '')) throw queryError('EBADNAME', type, name);
  return ascii || '.';
}
