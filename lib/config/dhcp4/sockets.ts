import { htons } from '../../address/inet.js';
import { ANY4, BROADCAST4 } from '../../address/ip.js';
import { ETH_P_ARP, ETH_P_IP } from '../../constants/packet.js';
import {
  AF_INET,
  AF_PACKET,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../constants/socket.js';
import type { StackInterface } from '../../dns/stack-interface.js';
import type { Socket } from '../../socket/socket.js';
import { decodeUdp, encodeUdp, type UdpPacket } from '../ipv4-udp.js';
import { prepared, receiveAll, trySend } from '../receive-loop.js';
import type { Dhcp4Transport } from './client.js';
import { CLIENT_PORT, SERVER_PORT } from './message.js';

const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';
/** Bytes; more than any DHCP message. A longer one is truncated, and thus malformed. */
const FRAME_SIZE = 4096;

/**
 * Transport of a DHCPv4 client. Uses packet sockets while it has no address (RFC 2131 4.1 lets servers answer to an
 * address that the host does not have yet), and a UDP socket once it has one.
 */
export class Dhcp4Sockets implements Dhcp4Transport {
  onMessage: (payload: Uint8Array, mac: string | null) => void = () => {};
  onArp: (packet: Uint8Array) => void = () => {};
  #ip: Socket | null = null;
  #arp: Socket | null = null;
  #udp: Socket | null = null;
  #wanted: 'link' | 'host' | 'nothing' = 'nothing';
  #address: string | undefined;

  constructor(
    readonly host: StackInterface,
    readonly ifindex: number,
  ) {}

  listen(to: 'link' | 'host' | 'nothing', address?: string): void {
    if (to !== 'link') this.#closeLink();
    if (to !== 'host' || address !== this.#address) this.#closeUdp();
    this.#wanted = to;
    this.#address = address;
    this.#open();
  }

  broadcast(message: Uint8Array): void {
    this.#open();
    if (this.#udp) trySend(() => this.#udp?.sync.sendto(message, [BROADCAST4, SERVER_PORT]));
    else this.#sendFrame(this.#ip, { source: ANY4, destination: BROADCAST4, payload: message });
  }

  unicast(message: Uint8Array, server: string): void {
    this.#open();
    trySend(() => this.#udp?.sync.sendto(message, [server, SERVER_PORT]));
  }

  /** Sends over a packet socket: it sends at once, while UDP might have to resolve the server's MAC address first. */
  sendRelease(message: Uint8Array, server: string, address: string, mac: string | null): void {
    trySend(() => {
      const socket = this.#packetSocket(ETH_P_IP);
      this.#sendFrame(socket, { source: address, destination: server, payload: message }, mac ?? BROADCAST_MAC);
      socket.close();
    });
  }

  arp(packet: Uint8Array): void {
    this.#open();
    this.#sendTo(this.#arp, ETH_P_ARP, packet);
  }

  /** Opens the sockets that are missing: there may have been no descriptor for one until now. */
  #open(): void {
    trySend(() => {
      if (this.#wanted === 'host') this.#udp ??= this.#udpSocket();
      if (this.#wanted !== 'link') return;
      this.#ip ??= this.#ipSocket();
      this.#arp ??= this.#arpSocket();
    });
  }

  #ipSocket(): Socket {
    const ip = this.#packetSocket(ETH_P_IP);
    void receiveAll(ip, async () => {
      const [bytes, { address }] = await ip.recvfrom(FRAME_SIZE);
      const packet = decodeUdp(bytes);
      if (ip !== this.#ip || packet?.sourcePort !== SERVER_PORT || packet.destinationPort !== CLIENT_PORT) return;
      // picoTCP gives the address that the frame went to
      this.onMessage(packet.payload, this.host.hasKernelSockets ? address : null);
    });
    return ip;
  }

  #arpSocket(): Socket {
    const arp = this.#packetSocket(ETH_P_ARP);
    void receiveAll(arp, async () => {
      const packet = await arp.recv(FRAME_SIZE);
      if (arp === this.#arp) this.onArp(packet);
    });
    return arp;
  }

  #packetSocket(protocol: number): Socket {
    // With protocol 0 the socket receives nothing before bind. Changing another protocol in bind makes the kernel wait for
    // all CPUs. Other stacks (picox) may use only the protocol that the socket is created with
    const initialProtocol = this.host.hasKernelSockets ? 0 : htons(protocol);
    return prepared(this.host.socket(AF_PACKET, SOCK_DGRAM, initialProtocol), (socket) => {
      // not on picoTCP: it would compare the MAC address from bind (zeros) with that of each frame, and deliver none
      if (this.host.hasKernelSockets) socket.bind({ ifindex: this.ifindex, protocol });
    });
  }

  #udpSocket(): Socket {
    const udp = prepared(this.host.socket(AF_INET, SOCK_DGRAM, 0), (socket) => {
      socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
      // picoTCP has neither option, and sends broadcasts without
      if (this.host.hasKernelSockets) {
        socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
        socket.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(this.host.link(this.ifindex)?.name ?? ''));
      }
      // not to the address: a server sends its refusal by broadcast, which would not arrive there
      socket.bind([ANY4, CLIENT_PORT]);
    });
    void receiveAll(udp, async () => {
      const [payload, from] = await udp.recvfrom(FRAME_SIZE);
      if (from.port === SERVER_PORT) this.onMessage(payload, null);
    });
    return udp;
  }

  #sendFrame(socket: Socket | null, packet: Omit<UdpPacket, 'sourcePort' | 'destinationPort'>, mac?: string): void {
    const bytes = encodeUdp({ ...packet, sourcePort: CLIENT_PORT, destinationPort: SERVER_PORT });
    this.#sendTo(socket, ETH_P_IP, bytes, mac);
  }

  #sendTo(socket: Socket | null, protocol: number, bytes: Uint8Array, address = BROADCAST_MAC): void {
    trySend(() => socket?.sync.sendto(bytes, { ifindex: this.ifindex, protocol, address }));
  }

  #closeLink(): void {
    const sockets = [this.#ip, this.#arp];
    this.#ip = null;
    this.#arp = null;
    // the kernel takes about 10 ms to close a packet socket: do not delay the lease by that
    setImmediate(() => {
      for (const socket of sockets) socket?.close();
    });
  }

  #closeUdp(): void {
    this.#udp?.close();
    this.#udp = null;
  }
}
