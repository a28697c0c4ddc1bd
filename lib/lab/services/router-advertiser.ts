import { familyOf } from '../../address/ip.js';
import { realClock, Timer } from '../../config/clock.js';
import {
  encodeAdvert,
  isSolicit,
  ND_ROUTER_SOLICIT,
  NODES_GROUP,
  type RouterAdvert,
} from '../../config/router-discovery/message.js';
import { RouterDiscoverySocket } from '../../config/router-discovery/sockets.js';
import { AF_INET6 } from '../../constants/socket.js';
import type { Stack } from '../../stack/stack.js';
import { ETHERNET_MTU, type NetworkPlan } from '../topology/config.js';
import type { HostPlan } from '../topology/host-plan.js';
import { addressAt } from '../topology/prefix.js';
import { withDefaults } from '../topology/router-advertisements.js';
import type { Topology } from '../topology/topology.js';

/** The first ones come faster: RFC 4861, 6.2.4. A second is for hosts of networks that lose frames. */
const INITIAL_ADVERTISEMENTS = 3;
const INITIAL_INTERVAL_SECONDS = 1;
const UNSPECIFIED = '::';

/**
 * Advertises a router (RFC 4861, RFC 8106) on each of its networks with advertisements: again and again, and to each host that
 * asks. It ends with the stack, and does not keep the process alive.
 */
export function advertiseRouter(stack: Stack, host: HostPlan, topology: Topology): void {
  for (const { network, mac } of host.attachments) {
    if (!network.ra) continue;
    const { interval } = withDefaults(network.ra, ETHERNET_MTU);
    const socket = new RouterDiscoverySocket(stack, stack.if_nametoindex(network.name), ND_ROUTER_SOLICIT);
    const send = (to: string) => socket.send(encodeAdvert(advertOf(topology, network), mac), to);
    socket.onMessage = (message, source, hopLimit) => {
      if (isSolicit(message, hopLimit)) send(source === UNSPECIFIED ? NODES_GROUP : source);
    };
    socket.open();
    const timer = new Timer(realClock);
    stack.once('close', () => timer.clear());
    let initial = INITIAL_ADVERTISEMENTS;
    const sendAgain = () => {
      timer.set(--initial > 0 ? INITIAL_INTERVAL_SECONDS : interval, sendAgain);
      send(NODES_GROUP);
    };
    sendAgain();
  }
}

/** Returns what a router advertises on a network now. */
function advertOf(topology: Topology, network: NetworkPlan): RouterAdvert {
  const { managed, other, interval, lifetime, validLifetime, preferredLifetime, mtu } = withDefaults(
    network.ra ?? {},
    network.mtu ?? ETHERNET_MTU,
  );
  const prefix = network.prefixes.find(({ family }) => family === AF_INET6)!;
  // RFC 8106, 5.1
  const nameLifetime = 3 * interval;
  return {
    managed,
    other,
    routerLifetime: lifetime,
    prefixes: [
      {
        prefix: addressAt(prefix, 0n),
        prefixlen: prefix.length,
        onLink: true,
        autonomous: true,
        valid: validLifetime,
        preferred: preferredLifetime,
      },
    ],
    mtu,
    dns: serversFor(topology, network).map((address) => ({ address, lifetime: nameLifetime })),
    domains: topology.dns ? [{ name: topology.domain, lifetime: nameLifetime }] : [],
  };
}

/** Returns the IPv6 addresses of the DNS servers that hosts of a network ask. */
function serversFor(topology: Topology, network: NetworkPlan): string[] {
  const host = topology.membersOf(network).find(({ isRouter }) => !isRouter);
  const servers = host ? topology.nameServersOf(host) : [];
  return servers.filter((address) => familyOf(address) === AF_INET6);
}
