import { parseMac } from '../../address/mac.js';
import { AF_INET6 } from '../../constants/index.js';
import { IothError } from '../../core/errors.js';
import { Acquisition } from '../acquisition.js';
import type { Clock } from '../clock.js';
import { emptySource, type SourceConfig } from '../config-sources.js';
import type { InterfaceConfig } from '../interface-config.js';
import type { Service } from '../protocol-service.js';
import type { LeaseEvent, NetworkOptions, Notify } from '../provider.js';
import { withZone } from '../scoped-address.js';
import { Dhcp6Client, type Dhcp6Events, type Dhcp6Lease } from './client.js';
import { Dhcp6Sockets } from './sockets.js';

/** RFC 8415 18.2.10.1: an address of DHCPv6 says nothing of what else is on the link. */
const PREFIXLEN = 128;

export interface Dhcp6ServiceOptions {
  clock: Clock;
  notify: Notify;
  duid: Uint8Array;
  fqdn?: string;
  previous?: string[];
}

/** DHCPv6 on one interface. */
export class Dhcp6Service implements Service {
  readonly #client: Dhcp6Client;
  #acquisition: Acquisition | null = null;

  constructor(
    readonly config: InterfaceConfig,
    { clock, notify, duid, fqdn, previous }: Dhcp6ServiceOptions,
  ) {
    const { host, ifindex } = config;
    const sockets = new Dhcp6Sockets(host, ifindex);
    const events: Dhcp6Events = {
      onBound: (lease) => {
        const source = sourceOf(lease, config);
        const refusals = config.set('dhcp6', source);
        this.#acquisition?.succeedUnless(refusals, source.addresses);
        notify('lease', eventOf(lease, ifindex));
      },
      onRenewed: (lease) => {
        config.set('dhcp6', sourceOf(lease, config));
        notify('renew', eventOf(lease, ifindex));
      },
      onLost: (lease, reason) => {
        config.set('dhcp6', emptySource());
        notify('expire', { ...eventOf(lease, ifindex), reason });
      },
    };
    // as iothconf: the end of the MAC address tells the interfaces of a host apart
    const iaid = parseMac(host.linkgetaddr(ifindex)).readUInt32BE(2);
    this.#client = new Dhcp6Client(sockets, clock, events, { duid, iaid, fqdn, previous });
    sockets.onMessage = (message) => this.#client.receive(message);
  }

  get addresses(): string[] {
    return this.#client.lease?.addresses.map(({ address }) => address) ?? [];
  }

  async acquire(options: NetworkOptions): Promise<void> {
    this.#acquisition = new Acquisition(options, () => {
      const { code, hint } = this.#client.failure;
      return new IothError(code, { syscall: 'dhcp6', hint });
    });
    try {
      await this.#acquisition.run(() => this.#client.start());
    } catch (error) {
      this.#client.stop();
      throw error;
    } finally {
      this.#acquisition = null;
    }
  }

  stop(options: { release: boolean }): void {
    this.#client.stop(options);
    this.#acquisition?.cancel('dhcp6');
  }
}

function sourceOf({ addresses, dns, domains }: Dhcp6Lease, config: InterfaceConfig): SourceConfig {
  return {
    addresses: addresses.map(({ address }) => ({ family: AF_INET6, address, prefixlen: PREFIXLEN })),
    routes: [],
    dns: dns.map((server) => withZone(server, config)),
    domains,
    mtu: null,
  };
}

function eventOf({ addresses, server, dns, domains }: Dhcp6Lease, ifindex: number): LeaseEvent {
  const leaseTime = addresses.length === 0 ? null : Math.max(...addresses.map(({ valid }) => valid));
  const texts = addresses.map(({ address }) => `${address}/${PREFIXLEN}`);
  return { protocol: 'dhcp6', ifindex, addresses: texts, server, routers: [], dns, domains, leaseTime };
}
