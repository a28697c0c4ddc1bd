import { ANY4 } from '../../address/ip.js';
import { AF_INET } from '../../constants/socket.js';
import type { InterfaceConfig } from '../interface-config.js';
import { type LeaseContent, ProtocolService, type ServiceOptions } from '../protocol-service.js';
import { Dhcp4Client } from './client.js';
import type { Dhcp4Lease } from './lease.js';
import { Dhcp4Sockets } from './sockets.js';

/** RFC 5227 waits several seconds; hosts of a virtual network answer within milliseconds. */
const PROBE_SECONDS = 0.06;

/** Service of DHCPv4 on one interface. */
export class Dhcp4Service extends ProtocolService<Dhcp4Lease> {
  protected readonly client: Dhcp4Client;

  constructor(config: InterfaceConfig, options: ServiceOptions, requestedAddress: string | undefined) {
    super('dhcp4', config, options);
    const { host, ifindex } = config;
    const sockets = new Dhcp4Sockets(host, ifindex);
    this.client = new Dhcp4Client(sockets, options.clock, this.leaseEvents, {
      mac: host.linkgetaddr(ifindex),
      fqdn: options.fqdn,
      requestedAddress,
      probeTime: PROBE_SECONDS,
    });
    sockets.onMessage = (...received) => this.client.receive(...received);
    sockets.onArp = (packet) => this.client.receiveArp(packet);
  }

  protected contentOf({ address, prefixlen, routes, server, mtu, leaseTime }: Dhcp4Lease): LeaseContent {
    return {
      addresses: [{ family: AF_INET, address, prefixlen }],
      routes: routes.map((route) => ({
        ...route,
        family: AF_INET,
        destination: route.destination === ANY4 && route.prefixlen === 0 ? null : route.destination,
      })),
      mtu,
      server,
      routers: routes.filter((route) => route.prefixlen === 0).flatMap(({ gateway }) => gateway ?? []),
      leaseTime,
    };
  }
}
