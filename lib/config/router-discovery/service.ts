import { iothaddr } from '../../address/iothaddr.js';
import { AF_INET6 } from '../../constants/socket.js';
import type { AddressEntry } from '../config-sources.js';
import type { InterfaceConfig } from '../interface-config.js';
import { type LeaseContent, ProtocolService, type ServiceOptions } from '../protocol-service.js';
import { type RouterConfig, RouterDiscoveryClient } from './client.js';
import { ND_ROUTER_ADVERT, type Prefix, type RouterAdvert } from './message.js';
import { RouterDiscoverySocket } from './sockets.js';

/** The prefix and the interface identifier have 64 bits each (RFC 4291 2.5.1). */
const PREFIXLEN = 64;
/** With its own length the stack would take a prefix to be on the link that no router says is there (RFC 5942 4). */
const OFF_LINK_PREFIXLEN = 128;

/** Flags M and O of a router, about DHCPv6 (RFC 4861 4.2). */
export type RouterAdvice = Pick<RouterAdvert, 'managed' | 'other'>;

/** Service of router discovery on one interface; with `slaac` it makes addresses from the routers' prefixes. */
export class RouterDiscoveryService extends ProtocolService<RouterConfig> {
  #advise: (advice: RouterAdvice) => void = () => {};
  /** Resolves with the flags of the first advertisement; stays pending if none comes. */
  readonly advice = new Promise<RouterAdvice>((resolve) => {
    this.#advise = resolve;
  });
  protected readonly client: RouterDiscoveryClient;

  constructor(
    config: InterfaceConfig,
    options: ServiceOptions,
    readonly slaac: boolean,
  ) {
    super('rd', config, options);
    const { host, ifindex } = config;
    const socket = new RouterDiscoverySocket(host, ifindex, ND_ROUTER_ADVERT);
    const events = {
      onFound: (found: RouterConfig, advert: RouterAdvert) => {
        this.update('lease', found);
        this.#advise(advert);
      },
      onChanged: (found: RouterConfig) => this.update('renew', found),
      onExpired: (left: RouterConfig) => this.update('expire', left),
    };
    this.client = new RouterDiscoveryClient(socket, options.clock, events, host.linkgetaddr(ifindex));
    socket.onMessage = (...received) => this.client.receive(...received);
  }

  protected contentOf({ routers, prefixes, mtu }: RouterConfig): LeaseContent {
    return {
      addresses: this.slaac ? prefixes.flatMap((prefix) => this.#addressOf(prefix) ?? []) : [],
      routes: routers.map((gateway) => ({ family: AF_INET6, destination: null, prefixlen: 0, gateway })),
      mtu,
      server: null,
      routers,
      leaseTime: null,
    };
  }

  /** Makes an address like iothconf: with an fqdn its hash, for any 64-bit prefix; else EUI-64, if the router allows SLAAC. */
  #addressOf({ prefix, prefixlen, onLink, autonomous }: Prefix): AddressEntry | null {
    const { fqdn } = this.options;
    if (prefixlen !== PREFIXLEN || (!autonomous && fqdn === undefined)) return null;
    const address = fqdn === undefined ? iothaddr.eui64(prefix, this.client.mac) : iothaddr.hash(prefix, fqdn);
    return { family: AF_INET6, address, prefixlen: onLink ? prefixlen : OFF_LINK_PREFIXLEN };
  }
}
