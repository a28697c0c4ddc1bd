import { iothaddr } from '../../address/iothaddr.js';
import { AF_INET6 } from '../../constants/index.js';
import { IothError } from '../../core/errors.js';
import { Acquisition } from '../acquisition.js';
import type { Clock } from '../clock.js';
import type { SourceConfig } from '../config-sources.js';
import type { InterfaceConfig } from '../interface-config.js';
import type { Service } from '../protocol-service.js';
import type { LeaseEvent, NetworkOptions, Notify } from '../provider.js';
import { withZone } from '../scoped-address.js';
import { RdClient, type RouterConfig } from './client.js';
import type { Prefix } from './message.js';
import { RdSocket } from './sockets.js';

/** An address of a prefix and an interface identifier needs half of the bits for each (RFC 4291 2.5.1). */
const PREFIXLEN = 64;

export interface RdServiceOptions {
  clock: Clock;
  notify: Notify;
  fqdn?: string;
  slaac: boolean;
}

/** Router discovery on one interface and, with `slaac`, addresses from the routers' prefixes. */
export class RdService implements Service {
  readonly #client: RdClient;
  readonly #mac: string;
  #socket: RdSocket | null = null;
  #acquisition: Acquisition | null = null;

  constructor(
    readonly config: InterfaceConfig,
    readonly options: RdServiceOptions,
  ) {
    const { clock, notify } = options;
    this.#mac = config.host.linkgetaddr(config.ifindex);
    const tell = (name: 'lease' | 'renew' | 'expire', found: RouterConfig) => {
      const source = this.#sourceOf(found);
      const refusals = config.set('rd', source);
      this.#acquisition?.succeedUnless(refusals, source.addresses);
      notify(name, this.#eventOf(found, source));
    };
    const events = {
      onFound: (found: RouterConfig) => tell('lease', found),
      onChanged: (found: RouterConfig) => tell('renew', found),
      onExpired: (found: RouterConfig) => tell('expire', found),
    };
    this.#client = new RdClient((message) => this.#socket?.send(message), clock, events, this.#mac);
  }

  async acquire(options: NetworkOptions): Promise<void> {
    const { host, ifindex } = this.config;
    this.#acquisition = new Acquisition(
      options,
      () => new IothError('ETIMEDOUT', { syscall: 'rd', hint: 'no router advertised itself' }),
    );
    try {
      await this.#acquisition.run(() => {
        this.#socket = new RdSocket(host, ifindex, (...received) => this.#client.receive(...received));
        this.#client.start();
      });
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      this.#acquisition = null;
    }
  }

  stop(): void {
    this.#end();
    this.#acquisition?.cancel('rd');
  }

  #end(): void {
    this.#client.stop();
    this.#socket?.close();
    this.#socket = null;
  }

  #sourceOf({ routers, prefixes, dns, domains, mtu }: RouterConfig): SourceConfig {
    return {
      addresses: this.options.slaac ? prefixes.flatMap((prefix) => this.#addressOf(prefix) ?? []) : [],
      routes: routers.map((gateway) => ({ family: AF_INET6, destination: null, prefixlen: 0, gateway })),
      dns: dns.map((server) => withZone(server, this.config)),
      domains,
      mtu,
    };
  }

  /** As iothconf: the hash of the fqdn for any prefix of 64 bits, EUI-64 where the router lets hosts choose. */
  #addressOf({ prefix, prefixlen, autonomous }: Prefix): SourceConfig['addresses'][number] | null {
    const { fqdn } = this.options;
    if (prefixlen !== PREFIXLEN || (!autonomous && fqdn === undefined)) return null;
    const address = fqdn === undefined ? iothaddr.eui64(prefix, this.#mac) : iothaddr.hash(prefix, fqdn);
    return { family: AF_INET6, address, prefixlen };
  }

  #eventOf({ routers, dns, domains }: RouterConfig, { addresses }: SourceConfig): LeaseEvent {
    const texts = addresses.map(({ address, prefixlen }) => `${address}/${prefixlen}`);
    const { ifindex } = this.config;
    return { protocol: 'rd', ifindex, addresses: texts, server: null, routers, dns, domains, leaseTime: null };
  }
}
