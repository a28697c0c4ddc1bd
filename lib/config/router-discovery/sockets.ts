import {
  AF_INET6,
  ICMP6_FILTER,
  IPPROTO_ICMPV6,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_MULTICAST_HOPS,
  IPV6_RECVHOPLIMIT,
  SOCK_RAW,
} from '../../constants/index.js';
import { intOf } from '../../core/byte-order.js';
import type { StackInterface } from '../../dns/stack-interface.js';
import { CMSG_SPACE } from '../../socket/cmsg.js';
import { icmpFilter } from '../../socket/icmp-filter.js';
import type { Socket } from '../../socket/socket.js';
import { readyLinkLocal } from '../link-local.js';
import { receiveAll, trySend } from '../receive-loop.js';
import type { RouterDiscoveryTransport } from './client.js';
import { HOP_LIMIT, ND_ROUTER_ADVERT, ROUTERS_GROUP } from './message.js';

const MESSAGE_SIZE = 4096;

/** Raw ICMPv6 socket that sends solicitations and receives advertisements on one interface. */
export class RouterDiscoverySocket implements RouterDiscoveryTransport {
  onAdvert: (message: Uint8Array, source: string, hopLimit: number | null) => void = () => {};
  #socket: Socket | null = null;

  constructor(
    readonly host: StackInterface,
    readonly ifindex: number,
  ) {}

  open(): void {
    const socket = this.host.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    this.#socket = socket;
    socket.setsockopt(IPPROTO_ICMPV6, ICMP6_FILTER, icmpFilter(ND_ROUTER_ADVERT, 32));
    socket.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOP_LIMIT);
    socket.setsockopt(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    void receiveAll(socket, async () => {
      const [message, ancillary, , from] = await socket.recvmsg(MESSAGE_SIZE, CMSG_SPACE(4));
      if (from.scopeid !== this.ifindex) return;
      const hops = ancillary.find(([level, type]) => level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT)?.[2];
      const hopLimit = hops?.length === 4 ? intOf(hops) : null;
      this.onAdvert(message, from.address, hopLimit);
    });
  }

  send(message: Uint8Array): void {
    trySend(() => {
      // a tentative source address cannot send
      readyLinkLocal(this.host, this.ifindex);
      this.#socket?.sync.sendto(message, [ROUTERS_GROUP, 0, 0, this.ifindex]);
    });
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}
