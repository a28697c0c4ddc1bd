import {
  ICMP6_FILTER,
  IPPROTO_ICMPV6,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_MULTICAST_HOPS,
  IPV6_RECVHOPLIMIT,
  IPV6_UNICAST_HOPS,
} from '../../constants/inet.js';
import { AF_INET6, SOCK_RAW } from '../../constants/socket.js';
import { intOf } from '../../core/byte-order.js';
import type { StackInterface } from '../../dns/stack-interface.js';
import { CMSG_SPACE } from '../../socket/cmsg.js';
import { icmpFilter } from '../../socket/icmp-filter.js';
import type { Socket } from '../../socket/socket.js';
import { readyLinkLocal } from '../link-local.js';
import { receiveAll, trySend } from '../receive-loop.js';
import type { RouterDiscoveryTransport } from './client.js';
import { HOP_LIMIT, ROUTERS_GROUP } from './message.js';

const MESSAGE_SIZE = 4096;

/** Raw ICMPv6 socket for the messages of router discovery on one interface: that of a host, or of a router. */
export class RouterDiscoverySocket implements RouterDiscoveryTransport {
  onMessage: (message: Uint8Array, source: string, hopLimit: number | null) => void = () => {};
  #socket: Socket | null = null;

  /** @param type that of the messages to receive */
  constructor(
    readonly host: StackInterface,
    readonly ifindex: number,
    readonly type: number,
  ) {}

  open(): void {
    const socket = this.host.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    this.#socket = socket;
    socket.setsockopt(IPPROTO_ICMPV6, ICMP6_FILTER, icmpFilter(this.type, 32));
    for (const hops of [IPV6_MULTICAST_HOPS, IPV6_UNICAST_HOPS]) socket.setsockopt(IPPROTO_IPV6, hops, HOP_LIMIT);
    socket.setsockopt(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    void receiveAll(socket, async () => {
      const [message, ancillary, , from] = await socket.recvmsg(MESSAGE_SIZE, CMSG_SPACE(4));
      if (from.scopeid !== this.ifindex) return;
      const hops = ancillary.find(([level, type]) => level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT)?.[2];
      const hopLimit = hops?.length === 4 ? intOf(hops) : null;
      this.onMessage(message, from.address, hopLimit);
    });
  }

  send(message: Uint8Array, to: string = ROUTERS_GROUP): void {
    trySend(() => {
      // a tentative source address cannot send
      readyLinkLocal(this.host, this.ifindex);
      this.#socket?.sync.sendto(message, [to, 0, 0, this.ifindex]);
    });
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}
