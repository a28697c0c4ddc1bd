import { parseMac } from '../../address/mac.js';
import { AF_INET6 } from '../../constants/socket.js';
import type { InterfaceConfig } from '../interface-config.js';
import { type LeaseContent, ProtocolService, type ServiceOptions } from '../protocol-service.js';
import type { NetworkOptions } from '../provider.js';
import type { RouterAdvice } from '../router-discovery/service.js';
import { Dhcp6Client, type Dhcp6Lease } from './client.js';
import { Dhcp6Sockets } from './sockets.js';

/** RFC 8415 18.2.10.1: an address from DHCPv6 does not tell which other addresses are on the link. */
const PREFIXLEN = 128;
/**
 * How long to wait for a router to tell whether the link has DHCPv6 (RFC 4861 6.2.6: it answers within half a second).
 * RFC 4862 5.5.2: without a router there may be DHCPv6.
 */
const ROUTER_WAIT_MS = 1000;

/** Service of DHCPv6 on one interface. */
export class Dhcp6Service extends ProtocolService<Dhcp6Lease> {
  protected readonly client: Dhcp6Client;

  /** @param advice the flags of a router on DHCPv6; undefined ignores routers */
  constructor(
    config: InterfaceConfig,
    options: ServiceOptions,
    duid: Uint8Array,
    requestedAddresses: string[],
    readonly advice?: Promise<RouterAdvice>,
  ) {
    super('dhcp6', config, options);
    const { host, ifindex } = config;
    const { clock, fqdn } = options;
    const sockets = new Dhcp6Sockets(host, ifindex);
    // as iothconf: the end of the MAC address differs between the interfaces of a host
    const iaid = parseMac(host.linkgetaddr(ifindex)).readUInt32BE(2);
    this.client = new Dhcp6Client(sockets, clock, this.leaseEvents, { duid, iaid, fqdn, requestedAddresses });
    sockets.onMessage = (message) => this.client.receive(message);
  }

  /** Starts the client. RFC 4861 4.2: M means addresses and all else, O means all else; with neither it asks for nothing. */
  protected override begin({ timeout }: NetworkOptions): void {
    if (!this.advice) {
      this.client.start();
      return;
    }
    const without = () => this.#heed({ managed: true, other: true });
    const timer = setTimeout(without, Math.min(ROUTER_WAIT_MS, timeout / 2)).unref();
    void this.advice.then((advice) => {
      clearTimeout(timer);
      this.#heed(advice);
    });
  }

  #heed({ managed, other }: RouterAdvice): void {
    // it may have been stopped, or have started without a router
    if (!this.isPending || this.client.state !== 'stopped') return;
    if (managed || other) this.client.start(managed ? 'addresses' : 'options');
    else this.settleWithNothing();
  }

  protected contentOf({ addresses, server }: Dhcp6Lease): LeaseContent {
    return {
      addresses: addresses.map(({ address }) => ({ family: AF_INET6, address, prefixlen: PREFIXLEN })),
      routes: [],
      mtu: null,
      server,
      routers: [],
      leaseTime: addresses.length === 0 ? null : Math.max(...addresses.map(({ valid }) => valid)),
    };
  }
}
