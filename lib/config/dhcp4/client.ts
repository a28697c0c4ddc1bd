import { randomInt } from 'node:crypto';
import { ANY4, ipBytes } from '../../address/ip.js';
import { formatMac, parseMac } from '../../address/mac.js';
import { ARPHRD_ETHER } from '../../constants/packet.js';
import { decodeArp, encodeArpProbe, isConflict } from '../arp.js';
import { concat, serverText, u16 } from '../bytes.js';
import { type Clock, Timer } from '../clock.js';
import { encodeDomain } from '../domains.js';
import type { LeaseEvents, ProtocolClient } from '../protocol-service.js';
import { type Dhcp4Lease, faultOf, leaseOf } from './lease.js';
import {
  DHCPACK,
  DHCPDECLINE,
  DHCPDISCOVER,
  DHCPNAK,
  DHCPOFFER,
  DHCPRELEASE,
  DHCPREQUEST,
  type Dhcp4Message,
  decodeReply,
  encodeRequest,
  fixedOption,
  isOfExchange,
  Option,
} from './message.js';

/** Transport of a client on its link. A message that cannot be sent is lost, as on any network: nothing here throws. */
export interface Dhcp4Transport {
  /**
   * Sets what to listen to. `link`: all IPv4 and ARP packets of the link, for a host without an address. `host`: UDP to
   * `address`. `nothing`.
   */
  listen(to: 'link' | 'host' | 'nothing', address?: string): void;
  /** Sends to every server on the link, from 0.0.0.0 or from the address it listens to. */
  broadcast(message: Uint8Array): void;
  /** Sends to one server, from the address it listens to. */
  unicast(message: Uint8Array, server: string): void;
  /** Sends to one server, from an address that will be removed. @param mac that of the server or its relay; null if unknown */
  sendRelease(message: Uint8Array, server: string, address: string, mac: string | null): void;
  arp(packet: Uint8Array): void;
}

export interface Dhcp4Options {
  mac: string;
  fqdn?: string;
  /** The address to request first. */
  requestedAddress?: string;
  /** Seconds to wait for other hosts to claim the address (RFC 5227); 0 does not probe. */
  probeTime: number;
}

type State = 'stopped' | 'selecting' | 'requesting' | 'probing' | 'declined' | 'bound' | 'renewing' | 'rebinding';

/** RFC 2131 4.1 lets the pauses depend on the network: a virtual one is fast. */
const PAUSES_SECONDS = { first: 0.5, longest: 64 };
/** How many times a REQUEST is sent before the client starts again. */
const MAX_REQUESTS = 4;
/** The pause after each DECLINE but the first (RFC 2131 3.1.5). */
const DECLINE_PAUSE_SECONDS = 10;
const NAK_PAUSE_SECONDS = 1;
/** RFC 2131 4.4.5 asks for a minute between two REQUESTs of a renewal: too long for a lease of a few minutes. */
const MIN_RENEW_PAUSE_SECONDS = { ofShortLease: 4, ofLongLease: 60 };
const LONG_LEASE_SECONDS = 600;
const PROBES = 3;
const MAX_MESSAGE_SIZE = 1500;
/** The minimum, even if a server asks for less: renewing more often would keep client and network busy. */
const MIN_RENEWAL_SECONDS = 1;

const PARAMETERS = Uint8Array.of(
  Option.SUBNET_MASK,
  Option.CLASSLESS_ROUTES, // before ROUTER: RFC 3442
  Option.MS_CLASSLESS_ROUTES,
  Option.ROUTER,
  Option.STATIC_ROUTES,
  Option.DNS,
  Option.DOMAIN_NAME,
  Option.DOMAIN_SEARCH,
  Option.MTU,
  Option.LEASE_TIME,
  Option.T1,
  Option.T2,
);

const REQUESTED_OPTIONS: [number, Uint8Array][] = [
  [Option.MAX_SIZE, u16(MAX_MESSAGE_SIZE)],
  [Option.PARAMETERS, PARAMETERS],
];

/** Client of RFC 2131 4.4 (figure 5). Owns no socket and no clock: both are passed in. */
export class Dhcp4Client implements ProtocolClient {
  #state: State = 'stopped';
  #lease: Dhcp4Lease | null = null;
  #offer: Dhcp4Lease | null = null;
  /** The MAC address from which the server or its relay acknowledged the lease. */
  #serverMac: string | null = null;
  #failure: ProtocolClient['failure'] | null = null;
  #requestedAddress: string | undefined;
  #xid = 0;
  #began = 0;
  /** Seconds of the exchange, as the last message has them. */
  #secs = 0;
  #declines = 0;
  /** When the lease was requested. Its times count from then (RFC 2131 4.4.1). */
  #requestedAt = 0;
  /** The timer of the current state. */
  readonly #timer: Timer;
  readonly #expiry: Timer;

  constructor(
    readonly transport: Dhcp4Transport,
    readonly clock: Clock,
    readonly events: LeaseEvents<Dhcp4Lease>,
    readonly options: Dhcp4Options,
  ) {
    this.#requestedAddress = options.requestedAddress;
    this.#timer = new Timer(clock);
    this.#expiry = new Timer(clock);
  }

  get state(): State {
    return this.#state;
  }

  get lease(): Dhcp4Lease | null {
    return this.#lease;
  }

  get failure(): ProtocolClient['failure'] {
    return this.#failure ?? { code: 'ETIMEDOUT', hint: 'no DHCP server answered' };
  }

  start(): void {
    if (this.#state === 'stopped') this.#discover();
  }

  /** Stops the client; with `release` sends RELEASE (RFC 2131 4.4.6). */
  stop({ release = false } = {}): void {
    const lease = this.#lease;
    this.#enter('stopped');
    if (release && lease) {
      this.#newExchange();
      const message = this.#message(DHCPRELEASE, lease.address, [serverId(lease)]);
      this.transport.sendRelease(message, lease.server, lease.address, this.#serverMac);
    }
    this.#lease = null;
    this.transport.listen('nothing');
  }

  /**
   * Handles the payload of a UDP datagram from the server port to the client port: any bytes.
   * @param mac the address that its frame came from; null if unknown
   */
  receive(bytes: Uint8Array, mac: string | null = null): void {
    if (this.#state === 'stopped' || this.#state === 'bound') return;
    const reply = decodeReply(bytes);
    if (!reply && isOfExchange(bytes, this.#xid)) this.#dropped('an answer of a DHCP server', 'it cannot be read');
    if (reply?.xid !== this.#xid || formatMac(reply.chaddr) !== this.options.mac) return;
    if (reply.type === DHCPNAK) this.#refused(reply);
    if (reply.type !== DHCPOFFER && reply.type !== DHCPACK) return;
    const lease = leaseOf(reply);
    if (!lease) {
      const what = reply.type === DHCPOFFER ? 'an offer' : 'an acknowledgement';
      this.#dropped(`${what} of ${reply.yiaddr.join('.')}`, faultOf(reply) ?? '');
    } else if (reply.type === DHCPACK) this.#acknowledged(lease, mac);
    else if (this.#state === 'selecting') this.#request(lease);
  }

  /** Records a dropped message as the failure, unless a more important one is known: a refusal or an address conflict. */
  #dropped(what: string, why: string): void {
    const hint = `${what} was dropped: ${why}`;
    if (!this.#failure || this.#failure.code === 'ETIMEDOUT') this.#failure = { code: 'ETIMEDOUT', hint };
  }

  /** Handles an ARP packet of the link: any bytes. */
  receiveArp(bytes: Uint8Array): void {
    const packet = this.#state === 'probing' ? decodeArp(bytes) : null;
    const offer = this.#offer;
    if (!packet || !offer || !isConflict(packet, this.options.mac, offer.address)) return;
    this.#failure = {
      code: 'EADDRINUSE',
      hint: `${packet.senderMac} uses ${offer.address}, which ${offer.server} offered`,
    };
    this.#enter('declined');
    this.#newExchange();
    this.transport.broadcast(this.#message(DHCPDECLINE, null, [requestedAddress(offer.address), serverId(offer)]));
    this.#requestedAddress = undefined;
    this.#timer.set(this.#declines++ === 0 ? 0 : DECLINE_PAUSE_SECONDS, () => this.#discover());
  }

  #discover(): void {
    this.#enter('selecting');
    this.#newExchange();
    this.transport.listen('link');
    const options = this.#requestedAddress === undefined ? [] : [requestedAddress(this.#requestedAddress)];
    this.#timer.retransmit(PAUSES_SECONDS, () => this.transport.broadcast(this.#message(DHCPDISCOVER, null, options)));
  }

  #request(offer: Dhcp4Lease): void {
    this.#enter('requesting');
    this.#offer = offer;
    this.#requestedAt = this.clock.now();
    let sendings = 0;
    this.#timer.retransmit(PAUSES_SECONDS, () => {
      if (sendings++ === MAX_REQUESTS) this.#discover();
      else
        this.transport.broadcast(this.#message(DHCPREQUEST, null, [requestedAddress(offer.address), serverId(offer)]));
    });
  }

  #acknowledged(lease: Dhcp4Lease, mac: string | null): void {
    if (this.#state === 'requesting') {
      // an ACK of another server is not for this request, even with the right xid
      if (lease.address !== this.#offer?.address || lease.server !== this.#offer.server) return;
      this.#offer = lease;
      this.#serverMac = mac;
      this.#probe(lease);
    } else if (this.#state === 'renewing' || this.#state === 'rebinding') {
      if (lease.address !== this.#lease?.address) return;
      if (lease.server !== this.#lease.server) this.#serverMac = mac;
      this.#bind(lease);
      this.events.onRenewed(lease);
    }
  }

  /** Checks by ARP that no other host has the address (RFC 2131 4.4.1). */
  #probe(lease: Dhcp4Lease): void {
    this.#enter('probing');
    let probes = this.options.probeTime === 0 ? PROBES : 0;
    const next = () => {
      if (probes++ === PROBES) {
        this.#bind(lease);
        this.events.onBound(lease);
      } else {
        this.transport.arp(encodeArpProbe(this.options.mac, lease.address));
        this.#timer.set(this.options.probeTime / PROBES, next);
      }
    };
    next();
  }

  #bind(lease: Dhcp4Lease): void {
    this.#enter('bound');
    this.#lease = lease;
    this.#failure = null;
    this.#declines = 0;
    this.transport.listen('nothing');
    const requestedAt = this.#requestedAt;
    this.#expiry.set(requestedAt + lease.leaseTime - this.clock.now(), () => this.#lose('expired'));
    const renewal = requestedAt + lease.t1 - this.clock.now();
    this.#timer.set(Math.max(MIN_RENEWAL_SECONDS, renewal), () => this.#extend(lease, 'renewing', requestedAt));
  }

  /** Asks for an extension (RFC 2131 4.4.5): from T1 on its own server, from T2 on every server. */
  #extend(lease: Dhcp4Lease, state: 'renewing' | 'rebinding', requestedAt: number): void {
    this.#enter(state);
    this.#newExchange();
    this.#requestedAt = this.clock.now();
    this.transport.listen('host', lease.address);
    const end = requestedAt + (state === 'renewing' ? lease.t2 : lease.leaseTime);
    const { ofShortLease, ofLongLease } = MIN_RENEW_PAUSE_SECONDS;
    const minPause = lease.leaseTime >= LONG_LEASE_SECONDS ? ofLongLease : ofShortLease;
    const request = () => {
      const left = end - this.clock.now();
      const message = this.#message(DHCPREQUEST, lease.address, []);
      if (state === 'rebinding') {
        this.transport.broadcast(message);
        this.#timer.set(Math.max(left / 2, minPause), request);
      } else if (left > 0) {
        this.transport.unicast(message, lease.server);
        this.#timer.set(Math.min(left, Math.max(left / 2, minPause)), request);
      } else {
        this.#extend(lease, 'rebinding', requestedAt);
      }
    };
    request();
  }

  #lose(reason: 'expired' | 'refused'): void {
    const lease = this.#lease;
    if (!lease) return;
    this.#lease = null;
    this.#requestedAddress = reason === 'expired' ? lease.address : undefined;
    this.transport.listen('nothing');
    this.events.onLost(lease, reason);
    // a listener may have stopped the client
    if (this.#state !== 'stopped') this.#discover();
  }

  #refused(reply: Dhcp4Message): void {
    const server = fixedOption(reply.options, Option.SERVER_ID, 4);
    const from = this.#state === 'requesting' ? this.#offer?.server : this.#lease?.server;
    if (this.#state === 'selecting' || this.#state === 'probing' || this.#state === 'declined') return;
    // during rebinding any server may refuse
    if (this.#state !== 'rebinding' && server?.join('.') !== from) return;
    const text = serverText(reply.options.get(Option.MESSAGE) ?? new Uint8Array());
    this.#failure = { code: 'ECANCELED', hint: `the server ${from} refused the address${text && `: ${text}`}` };
    if (this.#lease) {
      this.#lose('refused');
    } else {
      this.#requestedAddress = undefined;
      this.#enter('declined');
      this.#timer.set(NAK_PAUSE_SECONDS, () => this.#discover());
    }
  }

  #enter(state: State): void {
    this.#timer.clear();
    if (state !== 'renewing' && state !== 'rebinding') this.#expiry.clear();
    this.#state = state;
  }

  #newExchange(): void {
    this.#xid = randomInt(2 ** 32);
    this.#began = this.clock.now();
  }

  #message(type: number, ciaddr: string | null, options: [number, Uint8Array][]): Uint8Array {
    const { mac, fqdn } = this.options;
    const requestsOptions = type === DHCPDISCOVER || type === DHCPREQUEST;
    // RFC 2131 3.1 (3): the REQUEST has those of the DISCOVER, so that relays forward it to the same servers
    if (this.#state !== 'requesting') this.#secs = Math.floor(this.clock.now() - this.#began);
    return encodeRequest({
      type,
      xid: this.#xid,
      secs: this.#secs,
      mac,
      ciaddr: ciaddr ?? ANY4,
      options: [
        [Option.CLIENT_ID, concat(Uint8Array.of(ARPHRD_ETHER), parseMac(mac))],
        ...options,
        ...(requestsOptions ? REQUESTED_OPTIONS : []),
        ...(requestsOptions && fqdn ? fqdnOption(fqdn) : []),
      ],
    });
  }
}

function requestedAddress(address: string): [number, Uint8Array] {
  return [Option.REQUESTED_ADDRESS, ipBytes(address)];
}

function serverId({ server }: Dhcp4Lease): [number, Uint8Array] {
  return [Option.SERVER_ID, ipBytes(server)];
}

/** Encodes the FQDN option. RFC 4702 2.1: flag S asks the server to write the A record, flag E selects the DNS encoding. */
function fqdnOption(fqdn: string): [number, Uint8Array][] {
  const value = concat(Uint8Array.of(0x05, 0, 0), encodeDomain(fqdn));
  return value.length > 255 ? [] : [[Option.FQDN, value]];
}
