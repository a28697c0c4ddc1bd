import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/index.js';
import { checkProvider, chooseProvider, type ProviderName } from '../core/provider.js';
import { checkOptions, checkSignal } from '../core/validate.js';
import { BuiltinProvider, nameSources } from './builtin.js';
import type { AddrInfo, AddrInfoHints } from './getaddrinfo.js';
import type { NameInfoAddress } from './getnameinfo.js';
import { NativeProvider } from './native.js';
import type { NetworkSettings } from './network-settings.js';
import type { NameHost, NameProvider } from './provider.js';
import { DNS_PORT, type Nameserver } from './resolv-conf.js';
import { NameSettings, type PathTag } from './settings.js';
import type { ServicePort } from './socket-types.js';
import { StubResolver, type StubResolverOptions } from './stub-resolver.js';

export interface ResolverOptions {
  /** Who resolves: libiothdns or the builtin resolver. Default: the environment's IOTH_DNS, else the builtin one. */
  provider?: ProviderName;
  /** Answers that the builtin resolver holds at most (default 1000); 0 turns its cache off. */
  cacheSize?: number;
}

/**
 * The names of one stack: all that Stack and the Node-shaped face need. Nothing is read, loaded or opened before the
 * first look-up, unless a configuration is given.
 */
export class Resolver {
  readonly #host: NameHost;
  readonly settings: NameSettings;
  /** The builtin resolver: what libiothdns can't do (other record types, other ports) goes through it. */
  readonly stub: StubResolver;
  readonly #builtin: BuiltinProvider;
  #native: NativeProvider | undefined;
  #choice: ProviderName | undefined;

  /** @param config a path, resolv.conf(5) text, or addresses of servers; null is /etc/resolv.conf */
  constructor(host: NameHost, config: string | null = null, options: ResolverOptions = {}) {
    this.#host = host;
    this.settings = new NameSettings(config);
    this.stub = this.newStub(() => this.settings.conf, { cacheSize: options.cacheSize });
    this.#builtin = new BuiltinProvider(host, this.settings, this.stub);
    if (options.provider !== undefined) this.#choice = checkProvider('options.dns', options.provider);
  }

  /** Who resolves. */
  get provider(): ProviderName {
    this.#choice ??= chooseProvider(undefined, 'IOTH_DNS');
    return this.#choice;
  }

  async getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints = {}): Promise<AddrInfo[]> {
    checkSignal(hints.signal);
    return this.#chosen().getaddrinfo(host, port, hints);
  }

  async getnameinfo(
    address: NameInfoAddress,
    flags = 0,
    options?: { signal?: AbortSignal },
  ): Promise<[host: string, service: string]> {
    const signal = checkSignal(checkOptions(options, ['signal']).signal);
    return this.#chosen().getnameinfo(address, flags, { signal });
  }

  /** Every address that the servers have for a name, in one family. */
  async addresses(name: string, type: 'A' | 'AAAA', options: { signal?: AbortSignal } = {}): Promise<string[]> {
    return this.#chosen().addresses(name, type, options);
  }

  /** The first address of a host in one family, for a socket; a link-local one with its zone. */
  async resolveHost(host: string, family: number, options?: { signal?: AbortSignal }): Promise<string> {
    const signal = checkSignal(checkOptions(options, ['signal']).signal);
    const only = family === AF_INET6 ? AF_INET6 : AF_INET;
    const [first] = await this.getaddrinfo(host, null, { family: only, type: SOCK_STREAM, signal });
    if (!first) throw new Error('getaddrinfo gives an address or fails');
    const { address, scopeid } = first.sockaddr;
    return scopeid ? `${address}%${scopeid}` : address;
  }

  /** iothdns_update(3). */
  update(config: string | null): void {
    this.settings.update(config);
    this.#changed();
  }

  /** What DHCP or router discovery told; it counts unless a configuration was given. */
  applyNetworkSettings(settings: NetworkSettings): void {
    if (this.settings.applyNetworkSettings(settings)) this.#changed();
  }

  setServers(servers: Nameserver[]): void {
    this.settings.setServers(servers);
    this.#changed();
  }

  /** iothdns_setpath(3). */
  setPath(tag: PathTag, path: string | null): void {
    this.settings.setPath(tag, path);
    this.#changed();
  }

  /** A resolver of its own on the same stack: other servers, nothing held. */
  newStub(conf: StubResolver['conf'], options: StubResolverOptions): StubResolver {
    return new StubResolver(this.#host, conf, options);
  }

  /** Ends what runs. The stack may be deleted when it settles; at once where there is nothing to wait for. */
  close(): Promise<void> | undefined {
    this.#builtin.close();
    return this.#native?.close();
  }

  closeSync(): void {
    this.#builtin.close();
    this.#native?.closeSync();
  }

  #chosen(): NameProvider {
    // libiothdns has no way to say another port or a zone
    const isPlain = ({ address, port }: Nameserver) => port === DNS_PORT && !address.includes('%');
    if (this.provider === 'builtin' || !this.settings.conf.nameservers.every(isPlain)) return this.#builtin;
    this.#native ??= new NativeProvider(this.#host, this.settings, nameSources(this.#host, this.settings, this.stub));
    return this.#native;
  }

  #changed(): void {
    this.stub.clearCache();
    this.#native?.settingsChanged();
  }
}
