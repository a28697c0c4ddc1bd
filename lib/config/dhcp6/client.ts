import { randomInt } from 'node:crypto';
import { type Clock, type RetryPauses, Timer } from '../clock.js';
import type { LeaseEvents, ProtocolClient } from '../protocol-service.js';
import {
  ADVERTISE,
  type Dhcp6Address,
  type Dhcp6Ia,
  type Dhcp6Reply,
  type Dhcp6Request,
  decodeReply,
  encodeRequest,
  INFORMATION_REQUEST,
  isOfExchange,
  isReplyTo,
  REBIND,
  RELEASE,
  RENEW,
  REPLY,
  REQUEST,
  SOLICIT,
  Status,
} from './message.js';

/** Transport of a client on its link. A message that cannot be sent is lost: nothing here throws. */
export interface Dhcp6Transport {
  /** Starts or stops listening. */
  listen(on: boolean): void;
  /** Sends to all servers and relays of the link. */
  send(message: Uint8Array): void;
}

/** Lease that a server granted. Times are in seconds; Infinity means no end. */
export interface Dhcp6Lease {
  /** The server's DUID, in hexadecimal. */
  server: string;
  /** The addresses; none if the server gives only options. */
  addresses: Dhcp6Address[];
  dns: string[];
  domains: string[];
  t1: number;
  t2: number;
}

export interface Dhcp6Options {
  duid: Uint8Array;
  iaid: number;
  fqdn?: string;
  /** The addresses to request first. */
  requestedAddresses?: string[];
}

type State = 'stopped' | 'soliciting' | 'requesting' | 'informing' | 'bound' | 'renewing' | 'rebinding';

/** Retransmission times of RFC 8415 7.6, in seconds. */
const FIRST_SOLICIT_SECONDS = 1;
const DEFAULT_MAX_RT_SECONDS = 3600;
const REQUEST_PAUSES_SECONDS = { first: 1, longest: 30 };
const RENEW_PAUSES_SECONDS = { first: 10, longest: 600 };
const MAX_REQUESTS = 10;
const DEFAULT_REFRESH_SECONDS = 86400;
const MIN_REFRESH_SECONDS = 600;
/**
 * How long to wait for other servers' advertisements after the first. RFC 8415 18.2.1 waits for the whole first second,
 * which is long on a link inside one machine.
 */
const ADVERTISE_SECONDS = 0.1;
const BEST_PREFERENCE = 255;
const MIN_RENEWAL_SECONDS = 1;

interface LeasedAddress extends Dhcp6Address {
  until: number;
}

/** Client of RFC 8415 18.2 for one IA_NA. Owns no socket and no clock: both are passed in. */
export class Dhcp6Client implements ProtocolClient {
  #state: State = 'stopped';
  #lease: Dhcp6Lease | null = null;
  #leased: LeasedAddress[] = [];
  #serverId: Uint8Array | undefined;
  #best: Dhcp6Reply | null = null;
  #optionsOnly = false;
  #request: Dhcp6Request | null = null;
  #failure: ProtocolClient['failure'] | null = null;
  /** SOL_MAX_RT and INF_MAX_RT, if a server gave them. */
  #solicitMax: number | null = null;
  #informMax: number | null = null;
  /** The timer for sending in the current state. */
  readonly #timer: Timer;
  /** The timer that ends the current state. */
  readonly #deadline: Timer;
  readonly #expiry: Timer;

  constructor(
    readonly transport: Dhcp6Transport,
    readonly clock: Clock,
    readonly events: LeaseEvents<Dhcp6Lease>,
    readonly options: Dhcp6Options,
  ) {
    this.#timer = new Timer(clock);
    this.#deadline = new Timer(clock);
    this.#expiry = new Timer(clock);
  }

  get state(): State {
    return this.#state;
  }

  get lease(): Dhcp6Lease | null {
    return this.#lease;
  }

  get failure(): ProtocolClient['failure'] {
    return this.#failure ?? { code: 'ETIMEDOUT', hint: 'no DHCPv6 server answered' };
  }

  /** @param mode what to request from a server */
  start(mode: 'addresses' | 'options' = 'addresses'): void {
    if (this.#state !== 'stopped') return;
    if (mode === 'options') this.#inform();
    else this.#solicit();
  }

  /** Stops the client; with `release` sends RELEASE (RFC 8415 18.2.7). */
  stop({ release = false } = {}): void {
    const addresses = this.#leased.map(({ address }) => address);
    this.#enter('stopped');
    this.#expiry.clear();
    if (release && addresses.length > 0) {
      this.transport.listen(true);
      this.transport.send(encodeRequest(this.#newRequest(RELEASE, addresses, this.#serverId)));
    }
    this.#lease = null;
    this.#leased = [];
    this.transport.listen(false);
  }

  /** Handles a datagram from the server port: any bytes. */
  receive(bytes: Uint8Array): void {
    const reply = decodeReply(bytes);
    if (!reply?.serverId && this.#request && isOfExchange(bytes, this.#request.xid)) {
      const why = reply ? 'it does not say which server it is from' : 'it cannot be read';
      this.#failure ??= { code: 'ETIMEDOUT', hint: `an answer of a DHCPv6 server was dropped: ${why}` };
    }
    if (!reply?.serverId || !this.#request || !isReplyTo(reply, this.#request)) return;
    this.#solicitMax = agreedMax(reply.type, this.#solicitMax, reply.solicitMax);
    this.#informMax = agreedMax(reply.type, this.#informMax, reply.informMax);
    if (this.#state === 'soliciting' && reply.type === ADVERTISE) this.#advertised(reply);
    if (reply.type !== REPLY) return;
    if (this.#state === 'informing') this.#informed(reply);
    else if (this.#state === 'requesting') this.#granted(reply);
    else if (this.#state === 'renewing' || this.#state === 'rebinding') this.#extended(reply);
  }

  #solicit(): void {
    this.#enter('soliciting');
    this.#best = null;
    this.#optionsOnly = false;
    this.transport.listen(true);
    this.#send(this.#newRequest(SOLICIT, this.options.requestedAddresses), pausesTo(this.#solicitMax));
  }

  #advertised(reply: Dhcp6Reply): void {
    const hasAddress = (this.#iaOf(reply)?.addresses.length ?? 0) > 0;
    // a server without addresses may still give options (RFC 8415 18.2.9 lets the client take them)
    if (!hasAddress) this.#optionsOnly = true;
    else if (!this.#best || reply.preference > this.#best.preference) this.#best = reply;
    const wait = hasAddress && reply.preference === BEST_PREFERENCE ? 0 : ADVERTISE_SECONDS;
    this.#deadline.set(wait, () => this.#choose());
  }

  #choose(): void {
    const best = this.#best;
    if (best?.serverId) {
      const addresses = this.#iaOf(best)?.addresses.map(({ address }) => address) ?? [];
      this.#enter('requesting');
      this.#send(this.#newRequest(REQUEST, addresses, best.serverId), REQUEST_PAUSES_SECONDS, MAX_REQUESTS);
    } else if (this.#optionsOnly) {
      this.#inform();
    }
  }

  #inform(): void {
    this.#enter('informing');
    this.transport.listen(true);
    this.#send(this.#newRequest(INFORMATION_REQUEST), pausesTo(this.#informMax));
  }

  #informed(reply: Dhcp6Reply): void {
    const known = this.#lease !== null;
    const refresh = Math.max(MIN_REFRESH_SECONDS, reply.refreshTime ?? DEFAULT_REFRESH_SECONDS);
    this.#accept(reply, refresh, refresh);
    this.#timer.set(refresh, () => this.#inform());
    this.#report(known);
  }

  #granted(reply: Dhcp6Reply): void {
    const ia = this.#iaOf(reply);
    const isGranted = reply.status === Status.SUCCESS && ia?.status === Status.SUCCESS;
    this.#leased = [];
    if (isGranted && this.#bind(reply, ia)) {
      this.#report(false);
    } else {
      const text = reply.statusMessage && `: ${reply.statusMessage}`;
      this.#failure = { code: 'ECANCELED', hint: `the DHCPv6 server refused the request${text}` };
      this.#enter('soliciting');
      this.#timer.set(FIRST_SOLICIT_SECONDS, () => this.#solicit());
    }
  }

  #extended(reply: Dhcp6Reply): void {
    const ia = this.#iaOf(reply);
    if (ia && (ia.status === Status.NO_BINDING || ia.status === Status.NOT_ON_LINK)) this.#lose('refused');
    else if (ia && reply.status === Status.SUCCESS && ia.status === Status.SUCCESS && ia.addresses.length > 0) {
      if (this.#bind(reply, ia)) this.#report(true);
      else this.#lose('refused');
    }
  }

  /** Takes a lease. Returns whether an address is left: a server takes one back with a valid lifetime of 0. */
  #bind(reply: Dhcp6Reply, ia: Dhcp6Ia): boolean {
    const now = this.clock.now();
    const mentioned = new Set(ia.addresses.map(({ address }) => address));
    const kept = this.#leased.filter(({ address, until }) => !mentioned.has(address) && until > now);
    const given = ia.addresses.filter(({ valid }) => valid > 0).map((each) => ({ ...each, until: now + each.valid }));
    if (given.length + kept.length === 0) return false;
    this.#leased = [...given, ...kept];
    const preferred = Math.min(...this.#leased.map((each) => each.preferred || each.valid));
    // RFC 8415 21.4: default T1 and T2 are 0.5 and 0.8 of the shortest preferred lifetime
    const t1 = ia.t1 || preferred * 0.5;
    const t2 = Math.max(t1, ia.t2 || preferred * 0.8);
    this.#accept(reply, t1, t2);
    this.#watchExpiry();
    this.#timer.set(Math.max(MIN_RENEWAL_SECONDS, t1), () => this.#extend(RENEW, now + t2));
    return true;
  }

  /** Asks for an extension (RFC 8415 18.2.4 and 18.2.5): from T1 on its own server, from T2 on every server. */
  #extend(type: typeof RENEW | typeof REBIND, t2: number): void {
    this.#enter(type === RENEW ? 'renewing' : 'rebinding');
    this.transport.listen(true);
    const addresses = this.#leased.map(({ address }) => address);
    this.#send(this.#newRequest(type, addresses, type === RENEW ? this.#serverId : undefined), RENEW_PAUSES_SECONDS);
    if (type === RENEW) this.#deadline.set(t2 - this.clock.now(), () => this.#extend(REBIND, t2));
  }

  /** Removes each address when it expires; without addresses the lease is lost. */
  #watchExpiry(): void {
    const next = Math.min(...this.#leased.map(({ until }) => until));
    this.#expiry.set(next - this.clock.now(), () => {
      const now = this.clock.now();
      const left = this.#leased.filter(({ until }) => until > now);
      if (left.length === 0) {
        this.#lose('expired');
      } else {
        this.#leased = left;
        if (this.#lease) this.#lease = { ...this.#lease, addresses: plain(left) };
        this.#watchExpiry();
        this.#report(true);
      }
    });
  }

  #lose(reason: 'expired' | 'refused'): void {
    const lease = this.#lease;
    this.#expiry.clear();
    this.#lease = null;
    this.#leased = [];
    if (lease) this.events.onLost(lease, reason);
    // a listener may have stopped the client
    if (this.#state !== 'stopped') this.#solicit();
  }

  #accept(reply: Dhcp6Reply, t1: number, t2: number): void {
    this.#enter('bound');
    this.transport.listen(false);
    this.#failure = null;
    this.#serverId = reply.serverId ?? undefined;
    const { dns, domains } = reply;
    const server = Buffer.from(this.#serverId ?? []).toString('hex');
    this.#lease = { server, addresses: plain(this.#leased), dns, domains, t1, t2 };
  }

  #report(known: boolean): void {
    if (!this.#lease) return;
    if (known) this.events.onRenewed(this.#lease);
    else this.events.onBound(this.#lease);
  }

  #iaOf(reply: Dhcp6Reply): Dhcp6Ia | undefined {
    return reply.ia.find(({ iaid }) => iaid === this.options.iaid);
  }

  #newRequest(type: number, addresses: string[] = [], serverId?: Uint8Array): Dhcp6Request {
    const { duid, iaid, fqdn } = this.options;
    const request: Dhcp6Request = { type, xid: randomInt(2 ** 24), clientId: duid, elapsed: 0 };
    if (serverId) request.serverId = serverId;
    if (type !== INFORMATION_REQUEST) request.ia = { iaid, addresses };
    if (fqdn && type !== RELEASE && type !== INFORMATION_REQUEST) request.fqdn = fqdn;
    this.#request = request;
    return request;
  }

  /** Sends now, then repeatedly until the state changes. After `max` times it solicits again. */
  #send(request: Dhcp6Request, pauses: RetryPauses, max = Number.POSITIVE_INFINITY): void {
    const began = this.clock.now();
    let sendings = 0;
    this.#timer.retransmit(pauses, () => {
      const elapsed = Math.round((this.clock.now() - began) * 100);
      if (sendings++ === max) this.#solicit();
      else this.transport.send(encodeRequest({ ...request, elapsed }));
    });
  }

  #enter(state: State): void {
    this.#timer.clear();
    this.#deadline.clear();
    this.#state = state;
  }
}

function pausesTo(max: number | null): RetryPauses {
  return { first: FIRST_SOLICIT_SECONDS, longest: max ?? DEFAULT_MAX_RT_SECONDS };
}

/** Returns the longest pause. RFC 8415 18.2.9: the default, if servers advertise different values. */
function agreedMax(type: number, current: number | null, given: number | null): number | null {
  if (given === null) return current;
  return type === REPLY || current === null || current === given ? given : DEFAULT_MAX_RT_SECONDS;
}

function plain(leased: LeasedAddress[]): Dhcp6Address[] {
  return leased.map(({ address, preferred, valid }) => ({ address, preferred, valid }));
}
