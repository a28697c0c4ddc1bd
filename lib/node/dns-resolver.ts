import type { RecordWithTtl, ResolveOptions } from 'node:dns';
import { isIP } from 'node:net';
import { asciiName } from '../address/domain-name.js';
import { reverseName } from '../address/ip.js';
import { checkInteger, checkOptions, checkString, INT_MAX, invalidType, invalidValue } from '../core/validate.js';
import { formatServer, parseServer } from '../dns/dns-config.js';
import { DnsError, queryError } from '../dns/errors.js';
import type { RecordType, Reply } from '../dns/message.js';
import type { Nameserver } from '../dns/resolv-conf.js';
import type { Resolver } from '../dns/resolver.js';
import type { StubResolver } from '../dns/stub-resolver.js';
import { anyRecords, NODE_TYPES, type NodeRecords, nodeRecords } from './dns-records.js';

/** Options of `new stack.dns.Resolver()`. */
export interface DnsResolverOptions {
  /** Milliseconds that a server has for a response; -1 is the stack's own setting. */
  timeout?: number;
  /** How often the servers are tried. */
  tries?: number;
}

/**
 * The queries of node:dns/promises on a stack. Names are taken as they are: as in Node, the search list is for look-ups
 * of hosts only.
 */
abstract class RecordQueries {
  protected constructor(
    protected readonly resolver: Resolver,
    protected readonly stub: StubResolver,
  ) {}

  abstract setServers(servers: readonly string[]): void;

  getServers(): string[] {
    return this.stub.conf().nameservers.map(formatServer);
  }

  /** The records of a type: 'A' unless another is named. */
  async resolve(hostname: string, rrtype = 'A'): Promise<unknown> {
    const type = checkString('rrtype', rrtype);
    if (type === 'ANY') return this.resolveAny(hostname);
    if (type === 'SOA') return this.resolveSoa(hostname);
    if (type === 'A') return this.resolve4(hostname);
    if (type === 'AAAA') return this.resolve6(hostname);
    const known = NODE_TYPES.find((one) => one === type);
    if (known === undefined) throw invalidValue('rrtype', `one of ANY, ${NODE_TYPES.join(', ')}`, rrtype);
    return this.#records(hostname, known);
  }

  resolve4(hostname: string, options?: ResolveOptions): Promise<string[] | RecordWithTtl[]> {
    return this.#addresses(hostname, 'A', options);
  }

  resolve6(hostname: string, options?: ResolveOptions): Promise<string[] | RecordWithTtl[]> {
    return this.#addresses(hostname, 'AAAA', options);
  }

  async resolveAny(hostname: string) {
    return anyRecords((await this.#query(hostname, 'ANY')).records);
  }

  resolveCaa(hostname: string) {
    return this.#records(hostname, 'CAA');
  }

  resolveCname(hostname: string) {
    return this.#records(hostname, 'CNAME');
  }

  resolveMx(hostname: string) {
    return this.#records(hostname, 'MX');
  }

  resolveNaptr(hostname: string) {
    return this.#records(hostname, 'NAPTR');
  }

  resolveNs(hostname: string) {
    return this.#records(hostname, 'NS');
  }

  resolvePtr(hostname: string) {
    return this.#records(hostname, 'PTR');
  }

  async resolveSoa(hostname: string) {
    const [first] = await this.#records(hostname, 'SOA');
    if (!first) throw queryError('ENODATA', 'SOA', hostname);
    return first;
  }

  resolveSrv(hostname: string) {
    return this.#records(hostname, 'SRV');
  }

  resolveTxt(hostname: string) {
    return this.#records(hostname, 'TXT');
  }

  /** The names of an address: from the hosts file, or PTR records. */
  async reverse(ip: string): Promise<string[]> {
    if (isIP(checkString('ip', ip)) === 0) throw invalidValue('ip', 'an IP address', ip);
    const known = this.resolver.settings.hosts().byAddress(ip);
    if (known !== undefined) return [known];
    try {
      return await this.#records(reverseName(ip), 'PTR');
    } catch (error) {
      if (!(error instanceof DnsError)) throw error;
      const code = error.code === 'ENODATA' ? 'ENOTFOUND' : error.code;
      throw new DnsError(code, 'getHostByAddr', ip, 'no name is known for it', error);
    }
  }

  async #addresses(
    hostname: string,
    type: 'A' | 'AAAA',
    options?: ResolveOptions,
  ): Promise<string[] | RecordWithTtl[]> {
    // null as in Node
    const { ttl = false }: Partial<ResolveOptions> = checkOptions(options ?? undefined);
    if (!ttl && this.stub === this.resolver.stub) return this.resolver.addresses(checkName(hostname), type);
    const records = await this.#records(hostname, type);
    return ttl ? records : records.map(({ address }) => address);
  }

  async #records<T extends keyof NodeRecords>(hostname: string, type: T): Promise<NodeRecords[T][]> {
    return nodeRecords((await this.#query(hostname, type)).records, type);
  }

  async #query(hostname: string, type: RecordType): Promise<Reply> {
    const reply = await this.stub.query(checkName(hostname), type);
    if (reply.status === 'found') return reply;
    throw queryError(reply.status === 'nodata' ? 'ENODATA' : 'ENOTFOUND', type, hostname);
  }
}

function checkName(hostname: string): string {
  return asciiName(checkString('name', hostname));
}

/** The queries of `stack.dns` itself: with the stack's servers and cache. */
export class StackQueries extends RecordQueries {
  constructor(resolver: Resolver) {
    super(resolver, resolver.stub);
  }

  setServers(servers: readonly string[]): void {
    this.resolver.setServers(checkServers(servers));
  }
}

/** dns.promises.Resolver: servers, timeout and tries of its own, and cancel(). It caches nothing. */
export class StackResolver extends RecordQueries {
  #servers: Nameserver[] | undefined;

  constructor(resolver: Resolver, options?: DnsResolverOptions) {
    const { timeout = -1, tries: attempts }: DnsResolverOptions = checkOptions(options);
    checkInteger('options.timeout', timeout, -1, INT_MAX);
    if (attempts !== undefined) checkInteger('options.tries', attempts, 1, INT_MAX);
    const conf = () => {
      const { conf } = resolver.settings;
      if (!this.#servers) return conf;
      // as Node's asks them: without EDNS
      return { ...conf, nameservers: this.#servers, options: { ...conf.options, edns0: false } };
    };
    super(resolver, resolver.newStub(conf, { cacheSize: 0, timeout: timeout < 0 ? undefined : timeout, attempts }));
  }

  setServers(servers: readonly string[]): void {
    this.#servers = checkServers(servers);
  }

  /** Ends the queries on their way with ECANCELLED. */
  cancel(): void {
    this.stub.cancel();
  }
}

function checkServers(servers: readonly string[]): Nameserver[] {
  if (!Array.isArray(servers)) throw invalidType('servers', 'an array of addresses', servers);
  // map would leave out what a sparse array lacks
  return Array.from(servers, (text, i) => {
    const server = parseServer(checkString(`servers[${i}]`, text));
    if (!server) throw invalidValue(`servers[${i}]`, "an address such as '10.0.0.1' or '[fd00::1]:53'", text);
    return server;
  });
}
