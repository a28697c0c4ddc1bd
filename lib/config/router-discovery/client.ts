import { ipBytes, isLinkLocalIPv6 } from '../../address/ip.js';
import { type Clock, Timer } from '../clock.js';
import type { ProtocolClient } from '../protocol-service.js';
import { decodeAdvert, encodeSolicit, HOP_LIMIT, type Prefix, type RouterAdvert } from './message.js';

/** What the routers of the link said, as far as it still holds. */
export interface RouterConfig {
  /** Default routers, as link-local addresses. */
  routers: string[];
  prefixes: Prefix[];
  mtu: number | null;
  dns: string[];
  domains: string[];
}

/** How a client reaches its link. What cannot be sent is lost. */
export interface RouterDiscoveryTransport {
  /** @throws where there can be no socket */
  open(): void;
  /** To all routers of the link. */
  send(message: Uint8Array): void;
  close(): void;
}

export interface RouterDiscoveryEvents {
  /** The first advertisement came. */
  onFound(config: RouterConfig, advert: RouterAdvert): void;
  /** Something is new, or other than it was. */
  onChanged(config: RouterConfig): void;
  /** A lifetime ran out. */
  onExpired(config: RouterConfig): void;
}

/** Between two solicitations. RFC 4861 6.3.7 has 4 s; a link inside one machine is quicker. */
const SOLICIT_PAUSES_SECONDS = { first: 0.5, longest: 4 };
/** RFC 4862 5.5.3 e: what an advertisement, which anybody could send, cannot take from an address. */
const TWO_HOURS_SECONDS = 7200;
/** Of each kind, so that no flood of advertisements fills the stack. */
const MAX_ENTRIES = 16;

interface Timed<T> {
  value: T;
  until: number;
}

/** Router discovery by a host (RFC 4861 6.3, RFC 8106), without any socket or timer of its own. */
export class RouterDiscoveryClient implements ProtocolClient {
  #failure: ProtocolClient['failure'] = { code: 'ETIMEDOUT', hint: 'no router advertised itself' };
  readonly #routers = new Map<string, Timed<string>>();
  readonly #prefixes = new Map<string, Timed<Prefix>>();
  readonly #dns = new Map<string, Timed<string>>();
  readonly #domains = new Map<string, Timed<string>>();
  #mtu: number | null = null;
  #running = false;
  #found = false;
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

  get failure(): ProtocolClient['failure'] {
    return this.#failure;
  }

  get found(): boolean {
    return this.#found;
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

  /** Solicits until a router answers. */
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

  /** An ICMPv6 message: any bytes, with its source and hop limit (RFC 4861 6.1.2). */
  receive(bytes: Uint8Array, source: string, hopLimit: number | null): void {
    if (!this.#running) return;
    const isOfLink = hopLimit === HOP_LIMIT && isLinkLocalIPv6(ipBytes(source));
    const advert = isOfLink ? decodeAdvert(bytes) : null;
    if (!advert) {
      const why = isOfLink ? 'it cannot be read' : 'it did not come from the link itself';
      this.#failure = { code: 'ETIMEDOUT', hint: `an advertisement of ${source} was dropped: ${why}` };
      return;
    }
    const before = JSON.stringify(this.config);
    this.#apply(advert, source);
    this.#watchExpiry();
    this.#solicitTimer.clear();
    if (!this.#found) {
      this.#found = true;
      this.events.onFound(this.config, advert);
    } else if (JSON.stringify(this.config) !== before) {
      this.events.onChanged(this.config);
    }
  }

  #apply(advert: RouterAdvert, source: string): void {
    const now = this.clock.now();
    keep(this.#routers, source, source, now, advert.routerLifetime);
    for (const prefix of advert.prefixes) {
      const key = `${prefix.prefix}/${prefix.prefixlen}`;
      const left = (this.#prefixes.get(key)?.until ?? now) - now;
      const shortened = prefix.valid < TWO_HOURS_SECONDS && prefix.valid < left;
      keep(this.#prefixes, key, prefix, now, shortened ? Math.min(left, TWO_HOURS_SECONDS) : prefix.valid);
    }
    for (const { address, lifetime } of advert.dns) keep(this.#dns, address, address, now, lifetime);
    for (const { name, lifetime } of advert.domains) keep(this.#domains, name, name, now, lifetime);
    this.#mtu = advert.mtu ?? this.#mtu;
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

/** Sets how long a value holds; 0 ends it. */
function keep<T>(table: Map<string, Timed<T>>, key: string, value: T, now: number, lifetime: number): void {
  if (lifetime === 0) table.delete(key);
  else if (table.has(key) || table.size < MAX_ENTRIES) table.set(key, { value, until: now + lifetime });
}

function values<T>(table: Map<string, Timed<T>>): T[] {
  return [...table.values()].map(({ value }) => value);
}
