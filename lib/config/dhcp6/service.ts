import { parseMac } from '../../address/mac.js';
import { AF_INET6 } from '../../constants/index.js';
import type { InterfaceConfig } from '../interface-config.js';
import { type LeaseContent, ProtocolService, type ServiceOptions } from '../protocol-service.js';
import { Dhcp6Client, type Dhcp6Lease } from './client.js';
import { Dhcp6Sockets } from './sockets.js';

/** RFC 8415 18.2.10.1: an address of DHCPv6 says nothing of what else is on the link. */
const PREFIXLEN = 128;

/** DHCPv6 on one interface. */
export class Dhcp6Service extends ProtocolService<Dhcp6Lease> {
  protected readonly client: Dhcp6Client;

  constructor(config: InterfaceConfig, options: ServiceOptions, duid: Uint8Array, requestedAddresses: string[]) {
    super('dhcp6', config, options);
    const { host, ifindex } = config;
    const { clock, fqdn } = options;
    const sockets = new Dhcp6Sockets(host, ifindex);
    // as iothconf: the end of the MAC address differs between the interfaces of a host
    const iaid = parseMac(host.linkgetaddr(ifindex)).readUInt32BE(2);
    const client = new Dhcp6Client(sockets, clock, this.leaseEvents, { duid, iaid, fqdn, requestedAddresses });
    sockets.onMessage = (message) => client.receive(message);
    this.client = client;
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
