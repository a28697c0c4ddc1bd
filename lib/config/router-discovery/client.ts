import { ipBytes, isLinkLocalIPv6 } from '../../address/ip.js';
import { type Clock, Timer } from '../clock.js';
import type { ProtocolClient } from '../protocol-service.js';
import { decodeAdvert, encodeSolicit, HOP_LIMIT, type Prefix, type RouterAdvert } from './message.js';

/** Configuration from the routers of the link, without expired parts. */
export interface RouterConfig {
  /** The link-local addresses of the default routers. */
  routers: string[];
  prefixes: Prefix[];
  mtu: number | null;
  dns: string[];
  domains: string[];
}

/** Transport of a client on its link. A message that cannot be sent is lost. */
export interface RouterDiscoveryTransport {
  /** Opens the socket. @throws if it cannot be created */
  open(): void;
  /** Sends to all routers of the link. */
  send(message: Uint8Array): void;
  close(): void;
}

export interface RouterDiscoveryEvents {
  /** Called for the first advertisement. */
  onFound(config: RouterConfig, advert: RouterAdvert): void;
  /** Called when an advertisement changes the configuration. */
  onChanged(config: RouterConfig): void;
  /** Called when a lifetime runs out. */
  onExpired(config: RouterConfig): void;
}

/** The pauses between solicitations. RFC 4861 6.3.7 has 4 s; a link inside one machine is faster. */
const SOLICIT_PAUSES_SECONDS = { first: 0.5, longest: 4 };
/** RFC 4862 5.5.3 e: an advertisement, which any host could forge, cannot cut the lifetime of an address below this. */
const TWO_HOURS_SECONDS = 7200;
/** The most entries of each kind, so that a flood of advertisements cannot fill the stack. */
const MAX_ENTRIES = 16;

interface Timed<T> {
  value: T;
  until: number;
}

/** Client of router discovery (RFC 4861 6.3, RFC 8106). Owns no socket and no clock: both are passed in. */
export class RouterDiscoveryClient implements ProtocolClient {
  failure: ProtocolClient['failure'] = { code: 'ETIMEDOUT', hint: 'no router sent an advertisement' };
  found = false;
  readonly #routers = new Map<string, Timed<string>>();
  readonly #prefixes = new Map<string, Timed<Prefix>>();
  readonly #dns = new Map<string, Timed<string>>();
  readonly #domains = new Map<string, Timed<string>>();
  #mtu: number | null = null;
  #running = false;
  readonly #solicitTimer: Timer;
  readonly #expiryTimer: Timer;

  constructor(
    readonly transport: RouterDiscoveryTransport,
    readonly clock: Clock,
    readonly events: RouterDiscoveryEvents,
    readonly mac: string,
  ) {
    this.#solicitTimer = new Timer(clock);
    this.#expiryTimer = new Timer(clock);
  }

  get config(): RouterConfig {
    return {
      routers: values(this.#routers),
      prefixes: values(this.#prefixes),
      mtu: this.#mtu,
      dns: values(this.#dns),
      domains: values(this.#domains),
    };
  }

  /** Sends solicitations until a router answers. */
  start(): void {
    if (this.#running) return;
    this.transport.open();
    this.#running = true;
    this.#solicitTimer.retransmit(SOLICIT_PAUSES_SECONDS, () => this.transport.send(encodeSolicit(this.mac)));
  }

  stop(): void {
    this.#running = false;
    this.#solicitTimer.clear();
    this.#expiryTimer.clear();
    this.transport.close();
  }

  /** Handles an ICMPv6 message: any bytes, with its source and hop limit (RFC 4861 6.1.2). */
  receive(bytes: Uint8Array, source: string, hopLimit: number | null): void {
    if (!this.#running) return;
    const isOfLink = hopLimit === HOP_LIMIT && isLinkLocalIPv6(ipBytes(source));
    const advert = isOfLink ? decodeAdvert(bytes) : null;
    if (!advert) {
      const why = isOfLink ? 'it cannot be read' : 'it did not come from the link itself';
      this.failure = { code: 'ETIMEDOUT', hint: `an advertisement of ${source} was dropped: ${why}` };
      return;
    }
    const before = JSON.stringify(this.config);
    this.#apply(advert, source);
    this.#watchExpiry();
    this.#solicitTimer.clear();
    if (!this.found) {
      this.found = true;
      this.events.onFound(this.config, advert);
    } else if (JSON.stringify(this.config) !== before) {
      this.events.onChanged(this.config);
    }
  }

  #apply(advert: RouterAdvert, source: string): void {
    const now = this.clock.now();
    keep(this.#routers, source, source, now, advert.routerLifetime);
    for (const prefix of advert.prefixes) this.#applyPrefix(prefix, now);
    for (const { address, lifetime } of advert.dns) keep(this.#dns, address, address, now, lifetime);
    for (const { name, lifetime } of advert.domains) keep(this.#domains, name, name, now, lifetime);
    this.#mtu = advert.mtu ?? this.#mtu;
  }

  #applyPrefix(prefix: Prefix, now: number): void {
    const key = `${prefix.prefix}/${prefix.prefixlen}`;
    const known = this.#prefixes.get(key);
    // an address would be deprecated from its beginning (RFC 4862 5.5.4)
    if (!known && prefix.preferred === 0) return;
    const left = (known?.until ?? now) - now;
    const shortened = prefix.valid < TWO_HOURS_SECONDS && prefix.valid < left;
    // an advertisement without a flag does not take back the flag of another one (RFC 4861 6.3.4, RFC 4862 5.5.3 a)
    const onLink = prefix.onLink || known?.value.onLink === true;
    const autonomous = prefix.autonomous || known?.value.autonomous === true;
    const lifetime = shortened ? Math.min(left, TWO_HOURS_SECONDS) : prefix.valid;
    keep(this.#prefixes, key, { ...prefix, onLink, autonomous }, now, lifetime);
  }

  #watchExpiry(): void {
    const tables = [this.#routers, this.#prefixes, this.#dns, this.#domains];
    const next = Math.min(...tables.flatMap((table) => [...table.values()].map(({ until }) => until)));
    this.#expiryTimer.set(next - this.clock.now(), () => {
      const now = this.clock.now();
      for (const table of tables) for (const [key, { until }] of table) if (until <= now) table.delete(key);
      this.#watchExpiry();
      this.events.onExpired(this.config);
    });
  }
}

/** Keeps a value for `lifetime` seconds; 0 removes it. */
function keep<T>(table: Map<string, Timed<T>>, key: string, value: T, now: number, lifetime: number): void {
  if (lifetime === 0) table.delete(key);
  else if (table.has(key) || table.size < MAX_ENTRIES) table.set(key, { value, until: now + lifetime });
}

function values<T>(table: Map<string, Timed<T>>): T[] {
  return [...table.values()].map(({ value }) => value);
}
