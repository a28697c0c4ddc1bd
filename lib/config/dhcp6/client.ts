import { randomInt } from 'node:crypto';

import { Backoff, type Clock } from '../clock.js';
import {
  ADVERTISE,
  answers,
  type Dhcp6Address,
  type Dhcp6Ia,
  type Dhcp6Reply,
  type Dhcp6Request,
  decodeReply,
  encodeRequest,
  INFORMATION_REQUEST,
  REBIND,
  RELEASE,
  RENEW,
  REPLY,
  REQUEST,
  SOLICIT,
  Status,
} from './message.js';

/** How a client reaches its link. What cannot be sent is lost: nothing here throws. */
export interface Dhcp6Link {
  /** Whether answers are listened to from now on. */
  listen(on: boolean): void;
  /** To all servers and relays of the link. */
  send(message: Uint8Array): void;
}

/** What a server granted. Times are in seconds, Infinity for no end. */
export interface Dhcp6Lease {
  /** Its DUID, in hexadecimal. */
  server: string;
  /** None where the server gives only options. */
  addresses: Dhcp6Address[];
  dns: string[];
  domains: string[];
  t1: number;
  t2: number;
}

export interface Dhcp6Events {
  onBound(lease: Dhcp6Lease): void;
  /** The same addresses for longer, or fewer of them. */
  onRenewed(lease: Dhcp6Lease): void;
  /** No address is left. The client goes on looking for others. */
  onLost(lease: Dhcp6Lease, reason: 'expired' | 'refused'): void;
}

export interface Dhcp6Options {
  duid: Uint8Array;
  iaid: number;
  fqdn?: string;
  /** The addresses to ask for. */
  previous?: string[];
}

export type Dhcp6Failure = { code: 'ETIMEDOUT' | 'ECANCELED'; hint: string };

type State = 'stopped' | 'soliciting' | 'requesting' | 'informing' | 'bound' | 'renewing' | 'rebinding';

/** RFC 8415 7.6: seconds. */
const SOLICIT_RETRY = { first: 1, longest: 3600 };
const REQUEST_RETRY = { first: 1, longest: 30 };
const INFORM_RETRY = { first: 1, longest: 3600 };
const RENEW_RETRY = { first: 10, longest: 600 };
const REQUESTS = 10;
const REFRESH = { usual: 86400, least: 600 };
/**
 * How long other servers have to advertise after the first. RFC 8415 18.2.1 gives them the whole first second, which is
 * long on a link inside one machine.
 */
const ADVERTISE_WINDOW = 0.1;
const BEST_PREFERENCE = 255;
const SHORTEST_RENEWAL = 1;

interface LeasedAddress extends Dhcp6Address {
  until: number;
}

/** The client of RFC 8415 18.2 for one IA_NA, without any socket or timer of its own. */
export class Dhcp6Client {
  #state: State = 'stopped';
  #lease: Dhcp6Lease | null = null;
  #leased: LeasedAddress[] = [];
  #serverId: Uint8Array | undefined;
  #best: Dhcp6Reply | null = null;
  #optionsOnly = false;
  #request: Dhcp6Request | null = null;
  #failure: Dhcp6Failure | null = null;
  #timer = () => {};
  #deadline = () => {};
  #window = () => {};

  constructor(
    readonly link: Dhcp6Link,
    readonly clock: Clock,
    readonly events: Dhcp6Events,
    readonly options: Dhcp6Options,
  ) {}

  get state(): State {
    return this.#state;
  }

  get lease(): Dhcp6Lease | null {
    return this.#lease;
  }

  get failure(): Dhcp6Failure {
    return this.#failure ?? { code: 'ETIMEDOUT', hint: 'no DHCPv6 server answered' };
  }

  start(): void {
    if (this.#state === 'stopped') this.#solicit();
  }

  /** Ends it all; with `release` the server is told that the addresses are free (RFC 8415 18.2.7). */
  stop({ release = false } = {}): void {
    const addresses = this.#leased.map(({ address }) => address);
    this.#enter('stopped');
    this.#deadline();
    if (release && addresses.length > 0) {
      this.link.listen(true);
      this.link.send(encodeRequest(this.#newRequest(RELEASE, addresses, this.#serverId)));
    }
    this.#lease = null;
    this.#leased = [];
    this.link.listen(false);
  }

  /** A datagram from a server's port: any bytes. */
  receive(bytes: Uint8Array): void {
    const reply = decodeReply(bytes);
    if (!reply?.serverId || !this.#request || !answers(reply, this.#request)) return;
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
    this.link.listen(true);
    this.#send(this.#newRequest(SOLICIT, this.options.previous ?? []), SOLICIT_RETRY);
  }

  #advertised(reply: Dhcp6Reply): void {
    const hasAddress = (this.#iaOf(reply)?.addresses.length ?? 0) > 0;
    // a server without addresses may still have options (RFC 8415 18.2.9 lets the client take them)
    if (!hasAddress) this.#optionsOnly = true;
    else if (!this.#best || reply.preference > this.#best.preference) this.#best = reply;
    this.#window();
    const wait = hasAddress && reply.preference === BEST_PREFERENCE ? 0 : ADVERTISE_WINDOW;
    this.#window = this.clock.after(wait, () => this.#choose());
  }

  #choose(): void {
    const best = this.#best;
    if (best?.serverId) {
      const addresses = this.#iaOf(best)?.addresses.map(({ address }) => address) ?? [];
      this.#enter('requesting');
      this.#send(this.#newRequest(REQUEST, addresses, best.serverId), REQUEST_RETRY, REQUESTS);
    } else if (this.#optionsOnly) {
      this.#inform();
    }
  }

  #inform(): void {
    this.#enter('informing');
    this.link.listen(true);
    this.#send(this.#newRequest(INFORMATION_REQUEST), INFORM_RETRY);
  }

  #informed(reply: Dhcp6Reply): void {
    const known = this.#lease !== null;
    const refresh = Math.max(REFRESH.least, reply.refreshTime ?? REFRESH.usual);
    this.#accept(reply, refresh, refresh);
    this.#after(refresh, () => this.#inform());
    this.#tell(known);
  }

  #granted(reply: Dhcp6Reply): void {
    const ia = this.#iaOf(reply);
    const isGranted = reply.status === Status.SUCCESS && ia?.status === Status.SUCCESS;
    this.#leased = [];
    if (isGranted && this.#bind(reply, ia)) {
      this.#tell(false);
    } else {
      const text = reply.statusMessage && `: ${reply.statusMessage}`;
      this.#failure = { code: 'ECANCELED', hint: `the DHCPv6 server refused the request${text}` };
      this.#enter('soliciting');
      this.#after(SOLICIT_RETRY.first, () => this.#solicit());
    }
  }

  #extended(reply: Dhcp6Reply): void {
    const ia = this.#iaOf(reply);
    if (ia && (ia.status === Status.NO_BINDING || ia.status === Status.NOT_ON_LINK)) this.#lose('refused');
    else if (ia && reply.status === Status.SUCCESS && ia.status === Status.SUCCESS && ia.addresses.length > 0) {
      if (this.#bind(reply, ia)) this.#tell(true);
      else this.#lose('refused');
    }
  }

  /** Whether an address is left: a server takes one back with a valid lifetime of 0. */
  #bind(reply: Dhcp6Reply, ia: Dhcp6Ia): boolean {
    const now = this.clock.now();
    const mentioned = new Set(ia.addresses.map(({ address }) => address));
    const kept = this.#leased.filter(({ address, until }) => !mentioned.has(address) && until > now);
    const given = ia.addresses.filter(({ valid }) => valid > 0).map((each) => ({ ...each, until: now + each.valid }));
    if (given.length + kept.length === 0) return false;
    this.#leased = [...given, ...kept];
    const preferred = Math.min(...this.#leased.map((each) => each.preferred || each.valid));
    // RFC 8415 21.4: what the server leaves open is half and four fifths of the shortest preferred lifetime
    const t1 = ia.t1 || preferred * 0.5;
    const t2 = Math.max(t1, ia.t2 || preferred * 0.8);
    this.#accept(reply, t1, t2);
    this.#watchExpiry();
    this.#after(Math.max(SHORTEST_RENEWAL, t1), () => this.#extend(RENEW, now + t2));
    return true;
  }

  /** RFC 8415 18.2.4 and 18.2.5: asks the server from T1 on, every server from T2 on. */
  #extend(type: typeof RENEW | typeof REBIND, t2: number): void {
    this.#enter(type === RENEW ? 'renewing' : 'rebinding');
    this.link.listen(true);
    const addresses = this.#leased.map(({ address }) => address);
    this.#send(this.#newRequest(type, addresses, type === RENEW ? this.#serverId : undefined), RENEW_RETRY);
    if (type === RENEW) this.#window = this.clock.after(t2 - this.clock.now(), () => this.#extend(REBIND, t2));
  }

  /** An address that is not valid any more goes; with the last one goes the lease. */
  #watchExpiry(): void {
    this.#deadline();
    const next = Math.min(...this.#leased.map(({ until }) => until));
    this.#deadline = this.clock.after(next - this.clock.now(), () => {
      const now = this.clock.now();
      const left = this.#leased.filter(({ until }) => until > now);
      if (left.length === 0) {
        this.#lose('expired');
      } else {
        this.#leased = left;
        if (this.#lease) this.#lease = { ...this.#lease, addresses: plain(left) };
        this.#watchExpiry();
        this.#tell(true);
      }
    });
  }

  #lose(reason: 'expired' | 'refused'): void {
    const lease = this.#lease;
    this.#deadline();
    this.#lease = null;
    this.#leased = [];
    if (lease) this.events.onLost(lease, reason);
    // whoever hears of it may have stopped the client
    if (this.#state !== 'stopped') this.#solicit();
  }

  #accept(reply: Dhcp6Reply, t1: number, t2: number): void {
    this.#enter('bound');
    this.link.listen(false);
    this.#failure = null;
    this.#serverId = reply.serverId ?? undefined;
    const { dns, domains } = reply;
    const server = Buffer.from(this.#serverId ?? []).toString('hex');
    this.#lease = { server, addresses: plain(this.#leased), dns, domains, t1, t2 };
  }

  #tell(known: boolean): void {
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

  /** Sends now and again until another state is entered; after `most` times it starts from the beginning. */
  #send(request: Dhcp6Request, retry: { first: number; longest: number }, most = Number.POSITIVE_INFINITY): void {
    const began = this.clock.now();
    const pause = new Backoff(retry.first, retry.longest);
    let sendings = 0;
    const again = () => {
      if (sendings++ === most) {
        this.#solicit();
      } else {
        this.#after(pause.next(), again);
        this.link.send(encodeRequest({ ...request, elapsed: Math.round((this.clock.now() - began) * 100) }));
      }
    };
    again();
  }

  #enter(state: State): void {
    this.#timer();
    this.#window();
    this.#timer = () => {};
    this.#window = () => {};
    this.#state = state;
  }

  #after(seconds: number, callback: () => void): void {
    this.#timer();
    this.#timer = this.clock.after(seconds, callback);
  }
}

function plain(leased: LeasedAddress[]): Dhcp6Address[] {
  return leased.map(({ address, preferred, valid }) => ({ address, preferred, valid }));
}
