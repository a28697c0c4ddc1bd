import { EAI_ADDRFAMILY } from '../constants/netdb.js';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/socket.js';
import { checkProvider, chooseProvider, type ProviderName } from '../core/provider.js';
import { checkOptions, checkSignal } from '../core/validate.js';
import { GaiError } from './errors.js';
import type { AddrInfo, AddrInfoHints } from './getaddrinfo.js';
import type { NameInfoAddress } from './getnameinfo.js';
import { isOfOtherFamily, resolveLocally } from './host-addresses.js';
import { gethostname } from './host-names.js';
import { type NameSources, nameSources } from './name-sources.js';
import { NativeProvider } from './native.js';
import { builtinProvider, type NameProvider } from './provider.js';
import { DNS_PORT, type Nameserver } from './resolv-conf.js';
import { NameSettings, type NetworkSettings, type PathTag } from './settings.js';
import type { ServicePort } from './socket-types.js';
import type { StackInterface } from './stack-interface.js';
import { StubResolver, type StubResolverOptions } from './stub-resolver.js';

const OTHER_SOCKET = {
  [AF_INET]: 'an IPv6 address needs a socket of its family: socket(AF_INET6)',
  [AF_INET6]: "an IPv4 address needs a socket of its family, socket(AF_INET), or the form '::ffff:10.0.0.1'",
};

export interface ResolverOptions {
  /** The resolver: libiothdns or the builtin one. Default: the environment variable IOTH_DNS, else builtin. */
  provider?: ProviderName;
  /** The most replies that the builtin resolver caches, default 1000; 0 turns its cache off. */
  cacheSize?: number;
  /** The name of the stack's host. Default: that of the machine. */
  hostname?: string;
}

/**
 * Name resolver of one stack, for Stack and the Node-shaped modules. Reads, loads and opens nothing before the first
 * look-up, unless a configuration is given.
 */
export class Resolver {
  readonly settings: NameSettings;
  /** The builtin resolver, for look-ups of hosts. */
  readonly stub: StubResolver;
  /** The builtin resolver, for node:dns queries. */
  readonly queries: StubResolver;
  /** The name that its host has for itself; undefined for that of the machine. */
  readonly ownHostname: string | undefined;
  readonly #stack: StackInterface;
  readonly #sources: NameSources;
  readonly #builtin: NameProvider;
  #native: NativeProvider | undefined;
  #choice: ProviderName | undefined;

  /** @param config a path, resolv.conf(5) text, or addresses of servers; null means /etc/resolv.conf */
  constructor(stack: StackInterface, config: string | null = null, options: ResolverOptions = {}) {
    this.#stack = stack;
    this.settings = new NameSettings(config);
    this.ownHostname = options.hostname;
    this.stub = new StubResolver(stack, () => this.settings.conf, { cacheSize: options.cacheSize });
    this.queries = this.newQueries(() => this.settings.queryConf, { cacheSize: options.cacheSize });
    this.#sources = nameSources(stack, this.settings, this.stub);
    this.#builtin = builtinProvider(this.#sources, this.queries);
    if (options.provider !== undefined) this.#choice = checkProvider('options.dns', options.provider);
  }

  /** The name of the stack's host. */
  get hostname(): string {
    return this.ownHostname ?? gethostname();
  }

  async getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints = {}): Promise<AddrInfo[]> {
    checkSignal(hints.signal);
    return this.#activeProvider().getaddrinfo(host, port, hints);
  }

  async getnameinfo(
    address: NameInfoAddress,
    flags = 0,
    options?: { signal?: AbortSignal },
  ): Promise<[host: string, service: string]> {
    const signal = checkSignal(checkOptions(options, ['signal']).signal);
    return this.#activeProvider().getnameinfo(address, flags, { signal });
  }

  /** Returns every address that the servers have for a name, in one family. */
  async addresses(name: string, type: 'A' | 'AAAA', options: { signal?: AbortSignal } = {}): Promise<string[]> {
    const provider = this.settings.queryServers ? this.#builtin : this.#activeProvider();
    return provider.addresses(name, type, options);
  }

  /** Returns the first address of a host in one family, for a socket; a link-local one includes its zone. */
  async resolveHost(host: string, family: number, options?: { signal?: AbortSignal }): Promise<string> {
    const signal = checkSignal(checkOptions(options, ['signal']).signal);
    const only = family === AF_INET6 ? AF_INET6 : AF_INET;
    if (isOfOtherFamily(host, only)) {
      throw new GaiError(EAI_ADDRFAMILY, 'getaddrinfo', host, undefined, OTHER_SOCKET[only]);
    }
    const [first] = await this.getaddrinfo(host, null, { family: only, type: SOCK_STREAM, signal });
    if (!first) throw new Error('getaddrinfo gives an address or fails');
    const { address, scopeid } = first.sockaddr;
    return scopeid ? `${address}%${scopeid}` : address;
  }

  /**
   * Resolves a host without asking a server: a numeric host in any form that getaddrinfo takes, the first entry in the hosts
   * file, or localhost (RFC 6761, 6.3).
   * @returns an address, with its zone if `host` or the hosts file has one ('fe80::1%vde0'); undefined for any other host,
   *   and for a host without an address in that family
   * @throws {IothError} if the hosts file can't be read
   */
  resolveLocally(host: string, family: number): string | undefined {
    return resolveLocally(this.#sources, host, family);
  }

  /** Replaces the configuration: iothdns_update(3). */
  update(config: string | null): void {
    this.settings.update(config);
    this.#settingsChanged();
  }

  /** Applies settings from DHCP or router discovery, unless a configuration was given. */
  applyNetworkSettings(settings: NetworkSettings): void {
    if (this.settings.applyNetworkSettings(settings)) this.#settingsChanged();
  }

  /** Sets the servers of node:dns queries: dns.setServers. */
  setQueryServers(servers: Nameserver[]): void {
    this.settings.queryServers = servers;
    this.queries.clearCache();
  }

  /** Sets the path of the hosts or services file: iothdns_setpath(3). */
  setPath(tag: PathTag, path: string | null): void {
    this.settings.setPath(tag, path);
    this.#settingsChanged();
  }

  /** Creates a separate resolver on this stack. Like c-ares it treats an unreadable reply as a failure of the server. */
  newQueries(conf: StubResolver['conf'], options: StubResolverOptions): StubResolver {
    return new StubResolver(this.#stack, conf, { ...options, heedsUnreadable: true });
  }

  /** Cancels running queries. The stack may be deleted when the promise is fulfilled, or at once if there is none. */
  close(): Promise<void> | undefined {
    this.#cancel();
    return this.#native?.close();
  }

  /** Cancels running queries. @throws {IothError} EBUSY if a call of libiothdns is still running */
  closeSync(): void {
    this.#cancel();
    this.#native?.closeSync();
  }

  #activeProvider(): NameProvider {
    // libiothdns takes no other port and no zone
    const isPlain = ({ address, port }: Nameserver) => port === DNS_PORT && !address.includes('%');
    this.#choice ??= chooseProvider(undefined, 'IOTH_DNS');
    if (this.#choice === 'builtin' || !this.settings.conf.nameservers.every(isPlain)) return this.#builtin;
    this.#native ??= new NativeProvider(this.#stack, this.settings, this.#sources);
    return this.#native;
  }

  #cancel(): void {
    this.stub.cancel();
    this.queries.cancel();
  }

  #settingsChanged(): void {
    this.stub.clearCache();
    this.queries.clearCache();
    this.#native?.settingsChanged();
  }
}
