import { isHostIPv4, isLinkLocalIPv6 } from '../../address/ip.js';
import { isNat64Address } from '../../address/nat64-address.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../../constants/packet.js';
import type { Verdict } from '../gate.js';
import { Headers, u16 } from '../headers.js';
import { answerArp, askedAddress } from '../nat/arp.js';
import { addressNumber, addressText } from '../nat/ipv4-packet.js';
import { InsideHosts } from './inside-hosts.js';
import { ToIpv4 } from './to-ipv4.js';
import { ToIpv6 } from './to-ipv6.js';
import { IPV6_IS_LONGER } from './transport.js';

/** The first of the reserved addresses (RFC 1112, 4), which no network of a lab has. Each network inside has a /16. */
const FIRST_ADDRESS = addressNumber('240.0.0.0');
const ADDRESSES = 0x1_0000;
const [AT_SOURCE, AT_DESTINATION] = [14 + 8, 14 + 24];
const HEADERS = 14 + 40;

/** What a NAT64 is made of. */
export interface Nat64Settings {
  /** The MAC of the router on the network inside. */
  readonly mac: Uint8Array;
  /** Its place among the networks inside of the router. */
  readonly place: number;
}

/**
 * Returns the route of the router to the IPv4 addresses that stand for the hosts of a network inside. Its MTU leaves room for the
 * header of IPv6, so that the kernel itself tells the senders of longer packets.
 */
export function nat64Route(place: number, network: string, mtu: number): string {
  return `${addressText(FIRST_ADDRESS + place * ADDRESSES)}/16 dev ${network} mtu ${mtu - IPV6_IS_LONGER}`;
}

/**
 * The part of a NAT64 (RFC 6146) that changes the family of packets (RFC 7915), between its router and a network inside with IPv6
 * only. The kernel of the router gets IPv4 packets from addresses that stand for the hosts, and the NAT for IPv4 does the rest.
 */
export class Nat64 {
  note: string | undefined;
  readonly hosts: InsideHosts;
  readonly #mac: Uint8Array;
  readonly #headers = new Headers();
  readonly #toIpv4: ToIpv4;
  readonly #toIpv6: ToIpv6;
  #frames: Buffer[] = [];

  constructor({ mac, place }: Nat64Settings) {
    this.#mac = mac;
    this.hosts = new InsideHosts(FIRST_ADDRESS + place * ADDRESSES);
    this.#toIpv4 = new ToIpv4(this.hosts);
    this.#toIpv6 = new ToIpv6(this.hosts);
  }

  /** Decides about a frame from inside to the router. */
  toRouter(frame: Buffer, length: number): Verdict {
    this.note = undefined;
    const isOurs = length >= HEADERS && u16(frame, 12) === ETH_P_IPV6 && frame.compare(this.#mac, 0, 6, 0, 6) === 0;
    if (!isOurs || !isNat64Address(frame, AT_DESTINATION)) return 'pass';
    if (!isHostIPv4(frame.subarray(AT_DESTINATION + 12, AT_DESTINATION + 16)))
      return this.#drop('no address of a host');
    if (!isSender(frame)) return this.#drop('no address that it answers');
    this.hosts.note(frame, AT_SOURCE);
    this.#headers.parse(frame, length);
    const packet = this.#toIpv4.translate(frame, this.#headers);
    if (typeof packet === 'string') return this.#drop(packet);
    this.note = `nat64: to ${addressText(frame.readUInt32BE(AT_DESTINATION + 12))}`;
    return this.#replace(frame.subarray(0, 12), ETH_P_IP, [packet]);
  }

  /** Decides about a frame from the router to inside. */
  fromRouter(frame: Buffer, length: number): Verdict {
    this.note = undefined;
    if (this.hosts.has(askedAddress(frame, length))) return answerArp(frame);
    this.#headers.parse(frame, length);
    const { etherType, family, network } = this.#headers;
    if (etherType !== ETH_P_IP || family !== 4 || network !== 14) return 'pass';
    const destination = frame.readUInt32BE(network + 16);
    if (!this.hosts.has(destination)) return 'pass';
    const mac = this.hosts.macOf(destination);
    const packets = mac ? this.#toIpv6.translate(frame, this.#headers) : 'no such host';
    if (typeof packets === 'string') return this.#drop(packets);
    this.note = `nat64: from ${addressText(frame.readUInt32BE(network + 12))}`;
    return this.#replace(Buffer.concat([mac!, frame.subarray(6, 12)]), ETH_P_IPV6, packets);
  }

  /** Returns the frames in place of the last one. */
  released(): readonly Buffer[] {
    const frames = this.#frames;
    if (frames.length > 0) this.#frames = [];
    return frames;
  }

  #drop(reason: string): Verdict {
    this.note = `dropped: nat64: ${reason}`;
    return 'drop';
  }

  #replace(macs: Buffer, etherType: number, packets: readonly Buffer[]): Verdict {
    const type = Buffer.of(etherType >> 8, etherType & 0xff);
    this.#frames = packets.map((packet) => Buffer.concat([macs, type, packet]));
    return 'replace';
  }
}

/** Returns whether the sender is a host beyond the link, and not one behind the NAT64 itself: RFC 6146, 3.5. */
function isSender(frame: Buffer): boolean {
  const address = frame.subarray(AT_SOURCE, AT_SOURCE + 16);
  const isNone = address[0] === 0xff || address.every((byte) => byte === 0);
  return !isNone && !isLinkLocalIPv6(address) && !isNat64Address(frame, AT_SOURCE);
}
