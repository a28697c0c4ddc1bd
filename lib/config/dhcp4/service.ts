import { ANY4 } from '../../address/ip.js';
import { AF_INET } from '../../constants/index.js';
import { IothError } from '../../core/errors.js';
import { Acquisition } from '../acquisition.js';
import type { Clock } from '../clock.js';
import { emptySource, type SourceConfig } from '../config-sources.js';
import type { InterfaceConfig } from '../interface-config.js';
import type { Service } from '../protocol-service.js';
import type { LeaseEvent, NetworkOptions, Notify } from '../provider.js';
import { Dhcp4Client, type Dhcp4Events } from './client.js';
import type { Dhcp4Lease } from './lease.js';
import { Dhcp4Sockets } from './sockets.js';

/** Seconds. RFC 5227 has several; every host of a virtual network answers within milliseconds. */
const PROBE_TIME = 0.06;

export interface Dhcp4ServiceOptions {
  clock: Clock;
  notify: Notify;
  fqdn?: string;
  previous?: string;
  probeTime?: number;
}

/** DHCPv4 on one interface. */
export class Dhcp4Service implements Service {
  readonly #client: Dhcp4Client;
  readonly #sockets: Dhcp4Sockets;
  #acquisition: Acquisition | null = null;

  constructor(
    readonly config: InterfaceConfig,
    { clock, notify, fqdn, previous, probeTime = PROBE_TIME }: Dhcp4ServiceOptions,
  ) {
    const { host, ifindex } = config;
    this.#sockets = new Dhcp4Sockets(host, ifindex);
    const events: Dhcp4Events = {
      onBound: (lease) => {
        const source = sourceOf(lease);
        const refusals = config.set('dhcp4', source);
        this.#acquisition?.succeedUnless(refusals, source.addresses);
        notify('lease', eventOf(lease, ifindex));
      },
      onRenewed: (lease) => {
        config.set('dhcp4', sourceOf(lease));
        notify('renew', eventOf(lease, ifindex));
      },
      onLost: (lease, reason) => {
        config.set('dhcp4', emptySource());
        notify('expire', { ...eventOf(lease, ifindex), reason });
      },
    };
    const options = { mac: host.linkgetaddr(ifindex), fqdn, previous, probeTime };
    this.#client = new Dhcp4Client(this.#sockets, clock, events, options);
    this.#sockets.onMessage = (payload) => this.#client.receive(payload);
    this.#sockets.onArp = (packet) => this.#client.receiveArp(packet);
  }

  get address(): string | undefined {
    return this.#client.lease?.address;
  }

  async acquire(options: NetworkOptions): Promise<void> {
    this.#acquisition = new Acquisition(options, () => {
      const { code, hint } = this.#client.failure;
      return new IothError(code, { syscall: 'dhcp', hint });
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
    this.#acquisition?.cancel('dhcp');
  }
}

function sourceOf(lease: Dhcp4Lease): SourceConfig {
  const { address, prefixlen, dns, domains, mtu } = lease;
  const routes = lease.routes.map((route) => ({
    family: AF_INET,
    destination: route.destination === ANY4 && route.prefixlen === 0 ? null : route.destination,
    prefixlen: route.prefixlen,
    gateway: route.gateway,
  }));
  return { addresses: [{ family: AF_INET, address, prefixlen }], routes, dns, domains, mtu };
}

function eventOf(lease: Dhcp4Lease, ifindex: number): LeaseEvent {
  const { address, prefixlen, server, routes, dns, domains, leaseTime } = lease;
  const routers = routes.filter((route) => route.prefixlen === 0).flatMap(({ gateway }) => gateway ?? []);
  return {
    protocol: 'dhcp4',
    ifindex,
    addresses: [`${address}/${prefixlen}`],
    server,
    routers,
    dns,
    domains,
    leaseTime,
  };
}
