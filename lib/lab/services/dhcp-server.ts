import { ANY4, BROADCAST4, ipBytes, netmaskOf } from '../../address/ip.js';
import { formatMac } from '../../address/mac.js';
import { concat, equal, u32 } from '../../config/bytes.js';
import {
  CLIENT_PORT,
  DHCPACK,
  DHCPDECLINE,
  DHCPDISCOVER,
  DHCPINFORM,
  DHCPNAK,
  DHCPOFFER,
  DHCPRELEASE,
  DHCPREQUEST,
  Option,
  SERVER_PORT,
} from '../../config/dhcp4/message.js';
import { receiveAll, trySend } from '../../config/receive-loop.js';
import {
  AF_INET,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../constants/socket.js';
import type { Stack } from '../../stack/stack.js';
import { type Attachment, cablesOf, type HostPlan } from '../topology/host-plan.js';
import type { Prefix } from '../topology/prefix.js';
import type { Topology } from '../topology/topology.js';
import { DhcpLeases } from './dhcp-leases.js';
import { decodeRequest, encodeReply, type ReceivedRequest, type ServerReply } from './dhcp-message.js';

const LEASE_SECONDS = 3600;
/** The time that an offered address waits for the request: RFC 2131, 3.1, leaves it to the server. */
const OFFER_SECONDS = 60;
const MAX_MESSAGE = 4096;

/**
 * Starts a DHCPv4 server (RFC 2131) in a stack, on each network of its host but those with an exit: slirp has a server there. It
 * ends with the stack, and does not keep the process alive.
 */
export function serveDhcp(stack: Stack, host: HostPlan, topology: Topology): void {
  for (const attachment of host.attachments) {
    const { name, prefixes, hasExit } = attachment.network;
    const prefix = prefixes.find(({ family }) => family === AF_INET);
    if (prefix && !hasExit) serveNetwork(stack, name, new DhcpResponder(topology, attachment, prefix));
  }
}

function serveNetwork(stack: Stack, ifname: string, responder: DhcpResponder): void {
  const socket = stack.socket(AF_INET, SOCK_DGRAM);
  socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
  socket.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(ifname));
  socket.bind([ANY4, SERVER_PORT]);
  void receiveAll(socket, async () => {
    const [bytes] = await socket.recvfrom(MAX_MESSAGE);
    const request = decodeRequest(bytes);
    const reply = request && responder.answer(request);
    if (!request || !reply) return;
    // RFC 2131, 4.1: a client without an address does not answer ARP, so the reply is a broadcast
    const to = request.ciaddr === ANY4 || reply.type === DHCPNAK ? BROADCAST4 : request.ciaddr;
    trySend(() => socket.sync.sendto(encodeReply(request, reply), [to, CLIENT_PORT]));
  });
}

/** Makes the replies of a server on one network: RFC 2131, 4.3. */
export class DhcpResponder {
  readonly #topology: Topology;
  readonly #attachment: Attachment;
  readonly #prefix: Prefix;
  readonly #leases: DhcpLeases;
  readonly #address: string;

  /** @param attachment the server's interface */
  constructor(topology: Topology, attachment: Attachment, prefix: Prefix) {
    this.#topology = topology;
    this.#attachment = attachment;
    this.#prefix = prefix;
    this.#leases = new DhcpLeases(topology, attachment.network, prefix);
    this.#address = attachment.addresses.get(AF_INET) as string;
  }

  answer(request: ReceivedRequest): ServerReply | null {
    // a lab has no relay
    if (request.giaddr !== ANY4) return null;
    switch (request.type) {
      case DHCPDISCOVER:
        return this.#grant(request, DHCPOFFER);
      case DHCPREQUEST:
        return this.#answerRequest(request);
      case DHCPINFORM:
        return { type: DHCPACK, yiaddr: ANY4, options: this.#settings(request) };
      case DHCPDECLINE:
        this.#leases.decline(request.chaddr, LEASE_SECONDS);
        return null;
      case DHCPRELEASE:
        this.#leases.release(request.chaddr);
        return null;
      default:
        return null;
    }
  }

  /** Answers a DHCPREQUEST: RFC 2131, 4.3.2. */
  #answerRequest(request: ReceivedRequest): ServerReply | null {
    const chosen = request.options.get(Option.SERVER_ID);
    if (chosen && !equal(chosen, ipBytes(this.#address))) return null;
    const wished = request.options.get(Option.REQUESTED_ADDRESS) ?? ipBytes(request.ciaddr);
    const address = this.#leases.addressOf(request.chaddr) ?? this.#leases.lease(request.chaddr, OFFER_SECONDS);
    if (address !== undefined && equal(wished, ipBytes(address))) return this.#grant(request, DHCPACK);
    return { type: DHCPNAK, yiaddr: ANY4, options: [[Option.SERVER_ID, ipBytes(this.#address)]] };
  }

  #grant(request: ReceivedRequest, type: number): ServerReply | null {
    const yiaddr = this.#leases.lease(request.chaddr, type === DHCPOFFER ? OFFER_SECONDS : LEASE_SECONDS);
    if (yiaddr === undefined) return null;
    return { type, yiaddr, options: [[Option.LEASE_TIME, u32(LEASE_SECONDS)], ...this.#settings(request)] };
  }

  #settings({ chaddr }: ReceivedRequest): [number, Uint8Array][] {
    const { dns, domain } = this.#topology;
    const client = this.#clientOf(chaddr);
    const settings: [number, Uint8Array][] = [
      [Option.SERVER_ID, ipBytes(this.#address)],
      [Option.SUBNET_MASK, netmaskOf(4, this.#prefix.length)],
    ];
    const routes = this.#routesOf(client);
    if (routes.length > 0) settings.push([Option.CLASSLESS_ROUTES, concat(...routes)]);
    if (!dns) return settings;
    const servers = this.#topology.addressesFor(client, dns).filter((address) => !address.includes(':'));
    if (servers.length > 0) settings.push([Option.DNS, concat(...servers.map(ipBytes))]);
    return [...settings, [Option.DOMAIN_NAME, Buffer.from(domain, 'latin1')]];
  }

  /** Returns the lab's host with a MAC, or a similar plan for an unknown client. */
  #clientOf(mac: Uint8Array): HostPlan {
    const { network } = this.#attachment;
    const text = formatMac(mac);
    const isThis = (each: Attachment) => each.network === network && each.mac === text;
    const known = this.#topology.hosts.find((host) => cablesOf(host).some(isThis));
    return (
      known ?? { name: '', isRouter: false, attachments: [{ network, mac: text, addresses: new Map([[AF_INET, '']]) }] }
    );
  }

  /** Returns the classless static routes of a client: RFC 3442. */
  #routesOf(client: HostPlan): Uint8Array[] {
    return this.#topology
      .routesOf(client)
      .filter(({ prefix, network }) => prefix.family === AF_INET && network === this.#attachment.network)
      .map(({ prefix, gateway }) => {
        const significant = Math.ceil(prefix.length / 8);
        const network = ipBytes(prefix.text.split('/')[0] as string).subarray(0, significant);
        return concat(Uint8Array.of(prefix.length), network, ipBytes(gateway));
      });
  }
}
