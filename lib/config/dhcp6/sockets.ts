import { AF_INET6, SO_REUSEADDR, SOCK_DGRAM, SOL_SOCKET } from '../../constants/socket.js';
import type { StackInterface } from '../../dns/stack-interface.js';
import type { Socket } from '../../socket/socket.js';
import { readyLinkLocal } from '../link-local.js';
import { prepared, receiveAll, trySend } from '../receive-loop.js';
import type { Dhcp6Transport } from './client.js';
import { CLIENT_PORT, SERVER_PORT, SERVERS_GROUP } from './message.js';

const MESSAGE_SIZE = 4096;

/** Transport of a DHCPv6 client: a UDP socket on the interface's link-local address, open while an answer is expected. */
export class Dhcp6Sockets implements Dhcp6Transport {
  onMessage: (message: Uint8Array) => void = () => {};
  #wanted = false;
  #udp: Socket | null = null;

  constructor(
    readonly host: StackInterface,
    readonly ifindex: number,
  ) {}

  listen(on: boolean): void {
    this.#wanted = on;
    if (on) {
      this.#open();
    } else {
      this.#udp?.close();
      this.#udp = null;
    }
  }

  send(message: Uint8Array): void {
    // the interface may have got its link-local address by now
    this.#open();
    trySend(() => this.#udp?.sync.sendto(message, [SERVERS_GROUP, SERVER_PORT, 0, this.ifindex]));
  }

  #open(): void {
    if (this.#udp || !this.#wanted) return;
    trySend(() => {
      const address = readyLinkLocal(this.host, this.ifindex);
      if (address !== null) this.#udp = this.#socket(address);
    });
  }

  #socket(address: string): Socket {
    const udp = prepared(this.host.socket(AF_INET6, SOCK_DGRAM, 0), (socket) => {
      socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
      socket.bind([address, CLIENT_PORT, 0, this.ifindex]);
    });
    void receiveAll(udp, async () => {
      const [message, from] = await udp.recvfrom(MESSAGE_SIZE);
      if (from.port === SERVER_PORT) this.onMessage(message);
    });
    return udp;
  }
}
