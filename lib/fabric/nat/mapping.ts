import { IPPROTO_ICMP, IPPROTO_TCP } from '../../constants/inet.js';
import { addressText } from './ipv4-packet.js';
import type { NatPlan } from './options.js';
import { Session, timeoutOf } from './session.js';

const PROTOCOL_NAMES: Readonly<Record<number, NatMapping['protocol']>> = { 1: 'icmp', 6: 'tcp', 17: 'udp' };

/** A mapping of a NAT. Endpoints are 'ADDRESS:PORT', or '[ADDRESS]:PORT' for IPv6; the port of ICMP is the identifier of an echo. */
export interface NatMapping {
  protocol: 'tcp' | 'udp' | 'icmp';
  inside: string;
  outside: string;
  /** The endpoints outside that packets of the last time went to or came from. */
  remotes: string[];
  /** Milliseconds until it ends without further packets; Infinity for a forwarded port. */
  expires: number;
}

type AddressText = (address: number) => string;

/** Returns the key of an endpoint. */
export function endpointKey(address: number, port: number): number {
  return address * 0x1_0000 + port;
}

function endpointText(address: number, port: number): string {
  return `${addressText(address)}:${port}`;
}

/** The packets between a mapping and one endpoint outside. */
class RemoteSession extends Session {
  constructor(
    readonly remote: number,
    readonly remotePort: number,
  ) {
    super();
  }
}

/** An endpoint inside, and the endpoint outside that packets from it seem to come from. */
export class Mapping {
  /** When it ends, in milliseconds of performance.now(). */
  expires = 0;
  readonly #sessions = new Map<number, RemoteSession>();
  #notes: [out: string, into: string] | undefined;

  constructor(
    readonly protocol: number,
    readonly inner: number,
    readonly innerPort: number,
    readonly outer: number,
    readonly outerPort: number,
    /** The key of its remote endpoint among the mappings of the endpoint inside. */
    readonly remoteKey: number,
    /** True for a forwarded port. */
    readonly isForward = false,
  ) {
    if (isForward) this.expires = Number.POSITIVE_INFINITY;
  }

  /** The number of endpoints outside. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Comments on translated frames. */
  notes(insideText: AddressText): [out: string, into: string] {
    if (!this.#notes) {
      const inside = `${insideText(this.inner)}:${this.innerPort}`;
      const outside = endpointText(this.outer, this.outerPort);
      this.#notes = [`nat: ${inside} → ${outside}`, `nat: ${outside} → ${inside}`];
    }
    return this.#notes;
  }

  has(remote: number, remotePort: number, now: number): boolean {
    return (this.#sessions.get(endpointKey(remote, remotePort))?.expires ?? 0) > now;
  }

  /** Returns whether a packet from an endpoint may come in. */
  allows(filtering: NatPlan['filtering'], remote: number, remotePort: number, now: number): boolean {
    if (this.isForward || filtering === 'endpoint-independent' || this.has(remote, remotePort, now)) return true;
    // a ping is answered by its address: RFC 5508, REQ-2
    if (filtering === 'address-and-port-dependent' && this.protocol !== IPPROTO_ICMP) return false;
    for (const session of this.#sessions.values()) if (session.remote === remote && session.expires > now) return true;
    return false;
  }

  /** Returns whether a packet counts for the mapping's end. Of UDP and ICMP those that come in do not: RFC 4787, REQ-6. */
  isKeptBy(isOut: boolean): boolean {
    return isOut || this.isForward || this.protocol === IPPROTO_TCP;
  }

  /** Notes a packet that {@link isKeptBy} counts. Returns whether it is the first one of its endpoint outside. */
  note(plan: NatPlan, remote: number, remotePort: number, now: number, isOut: boolean, tcpFlags: number): boolean {
    const key = endpointKey(remote, remotePort);
    let session = this.#sessions.get(key);
    const isNew = session === undefined;
    if (!session) {
      session = new RemoteSession(remote, remotePort);
      this.#sessions.set(key, session);
    }
    if (this.protocol === IPPROTO_TCP) session.noteTcp(tcpFlags, isOut);
    const before = session.expires;
    session.expires = now + timeoutOf(plan.timeouts, this.protocol, session.isEstablished);
    if (session.expires >= this.expires) this.expires = session.expires;
    else if (before === this.expires) this.#findEnd();
    return isNew;
  }

  #findEnd(): void {
    if (this.isForward) return;
    this.expires = 0;
    for (const { expires } of this.#sessions.values()) this.expires = Math.max(this.expires, expires);
  }

  /** Forgets the endpoints outside whose time is over. Returns how many. */
  sweep(now: number): number {
    const before = this.#sessions.size;
    for (const [key, { expires }] of this.#sessions) if (expires <= now) this.#sessions.delete(key);
    return before - this.#sessions.size;
  }

  /** @param insideText returns the text of its address inside */
  describe(now: number, insideText: AddressText): NatMapping {
    return {
      protocol: PROTOCOL_NAMES[this.protocol]!,
      inside: `${insideText(this.inner)}:${this.innerPort}`,
      outside: endpointText(this.outer, this.outerPort),
      remotes: [...this.#sessions.values()]
        .filter(({ expires }) => expires > now)
        .map(({ remote, remotePort }) => endpointText(remote, remotePort)),
      expires: this.isForward ? Number.POSITIVE_INFINITY : Math.max(0, Math.round(this.expires - now)),
    };
  }
}
