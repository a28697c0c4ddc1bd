import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import { endpointKey, Mapping } from './mapping.js';
import type { ForwardPlan, NatDependence, NatPlan } from './options.js';
import { PortChoice } from './port-choice.js';

/** The most endpoints outside that all mappings together have. */
const MAX_SESSIONS = 65_536;
const SWEEPS_PER_TIMEOUT = 4;
const MIN_SWEEP_MS = 25;
const MAX_SWEEP_MS = 1000;

const PROTOCOLS = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP } as const;

/** The mappings of one protocol. */
class Index {
  /** By the endpoint inside, then by what the NAT tells apart outside. */
  readonly byInner = new Map<number, Map<number, Mapping>>();
  readonly byOuter = new Map<number, Mapping>();
  /** The forwarded ports, by the endpoint inside: each port of each address outside. */
  readonly forwards = new Map<number, Mapping[]>();
}

/** Why there is no mapping. */
export type Refusal = 'full' | 'no port';

/** The mappings of a NAT. */
export class MappingTable {
  readonly #indexes = new Map([IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP].map((protocol) => [protocol, new Index()]));
  readonly #choice: PortChoice;
  /** The address outside that each host inside has. */
  readonly #paired = new Map<number, number>();
  #turn = 0;
  #sessions = 0;
  /** When ended mappings are forgotten next, in milliseconds of performance.now(). */
  dueAt = Number.POSITIVE_INFINITY;

  /**
   * @param addresses the addresses outside
   * @param isOwnPort returns whether a socket of the router has a port
   * @param onChange gets each mapping that was made, or has ended
   */
  constructor(
    public plan: NatPlan,
    readonly addresses: readonly number[],
    random: { readonly seed: number; readonly name: string },
    readonly isOwnPort: (protocol: number, port: number) => boolean,
    readonly onChange: (mapping: Mapping, isMade: boolean) => void,
  ) {
    this.#choice = new PortChoice(random.seed, random.name);
    for (const forward of plan.forwards) this.addForward(forward);
  }

  /** Returns the mapping of an endpoint outside, ended or not forwarded ones excepted. */
  byOuter(protocol: number, address: number, port: number, now: number): Mapping | undefined {
    const mapping = this.#indexes.get(protocol)?.byOuter.get(endpointKey(address, port));
    return mapping && mapping.expires > now ? mapping : undefined;
  }

  /** Returns the mapping of an endpoint inside for packets to a remote endpoint. */
  byInner(
    protocol: number,
    address: number,
    port: number,
    remote: number,
    remotePort: number,
    now: number,
  ): Mapping | undefined {
    const index = this.#indexes.get(protocol);
    if (!index) return undefined;
    const inner = endpointKey(address, port);
    const { mapping: kind } = this.plan;
    const forwards = index.forwards.get(inner) ?? [];
    // an answer goes out by the port that the packet came in by
    const forward = forwards.find((each) => each.has(remote, remotePort, now));
    if (forward) return forward;
    if (forwards.length > 0 && kind === 'endpoint-independent') return forwards[0];
    const mapping = index.byInner.get(inner)?.get(remoteKeyOf(kind, protocol, remote, remotePort));
    return mapping && mapping.expires > now ? mapping : undefined;
  }

  /** Makes a mapping. */
  make(
    protocol: number,
    address: number,
    port: number,
    remote: number,
    remotePort: number,
    now: number,
  ): Mapping | Refusal {
    const index = this.#indexes.get(protocol)!;
    if (this.#isFull(now)) return 'full';
    const remoteKey = remoteKeyOf(this.plan.mapping, protocol, remote, remotePort);
    const inner = endpointKey(address, port);
    const ended = index.byInner.get(inner)?.get(remoteKey);
    if (ended) this.#remove(index, ended);
    const isOwn = this.addresses.includes(address);
    const outer = isOwn ? address : this.#addressFor(address);
    const isFree = (each: number) => this.#isFree(index, protocol, outer, each, isOwn, now);
    // the router keeps its own ports
    const plan: NatPlan = isOwn ? { ...this.plan, ports: 'preserving', parity: false } : this.plan;
    const outerPort = this.#choice.choose(plan, protocol, address, port, isFree);
    if (outerPort < 0) return 'no port';
    const mapping = new Mapping(protocol, address, port, outer, outerPort, remoteKey);
    const ofInner = index.byInner.get(inner) ?? new Map<number, Mapping>();
    index.byInner.set(inner, ofInner.set(remoteKey, mapping));
    index.byOuter.set(endpointKey(outer, outerPort), mapping);
    return mapping;
  }

  #isFree(index: Index, protocol: number, outer: number, port: number, isOwn: boolean, now: number): boolean {
    const taken = index.byOuter.get(endpointKey(outer, port));
    if (taken && taken.expires > now) return false;
    if (!isOwn && this.isOwnPort(protocol, port)) return false;
    if (taken) this.#remove(index, taken);
    return true;
  }

  #addressFor(inner: number): number {
    const next = () => this.addresses[this.#turn++ % this.addresses.length]!;
    if (this.plan.pooling === 'arbitrary') return next();
    if (this.#paired.size > MAX_SESSIONS) this.#paired.clear();
    const paired = this.#paired.get(inner) ?? next();
    this.#paired.set(inner, paired);
    return paired;
  }

  #isFull(now: number): boolean {
    if (this.#sessions >= MAX_SESSIONS && now >= this.dueAt) this.sweep(now);
    return this.#sessions >= MAX_SESSIONS;
  }

  /** Notes a packet of a mapping. Returns false if there is no room for the endpoint outside. */
  note(mapping: Mapping, remote: number, remotePort: number, now: number, isOut: boolean, tcpFlags: number): boolean {
    if (!mapping.isKeptBy(isOut)) return true;
    const isFirst = mapping.size === 0;
    if (this.#sessions >= MAX_SESSIONS && !mapping.has(remote, remotePort, now) && this.#isFull(now)) return false;
    if (!mapping.note(this.plan, remote, remotePort, now, isOut, tcpFlags)) return true;
    this.#sessions++;
    if (this.dueAt === Number.POSITIVE_INFINITY) this.dueAt = now + this.#sweepInterval();
    // made with its first packet: it then has an end
    if (isFirst && !mapping.isForward) this.onChange(mapping, true);
    return true;
  }

  /** Forwards a port of each address outside, in place of a mapping that has it. */
  addForward({ protocol, port, to, toPort }: ForwardPlan): void {
    const index = this.#indexes.get(PROTOCOLS[protocol])!;
    for (const address of this.addresses) {
      const taken = index.byOuter.get(endpointKey(address, port));
      if (taken) this.#remove(index, taken);
      const mapping = new Mapping(PROTOCOLS[protocol], to, toPort, address, port, 0, true);
      index.byOuter.set(endpointKey(address, port), mapping);
      const inner = endpointKey(to, toPort);
      index.forwards.set(inner, [...(index.forwards.get(inner) ?? []), mapping]);
    }
  }

  /** Forwards the port that is asked for, or the next free one. Returns it; -1 if there is none. */
  requestForward(forward: ForwardPlan, now: number): number {
    const protocol = PROTOCOLS[forward.protocol];
    const index = this.#indexes.get(protocol)!;
    const isFree = (port: number) =>
      this.addresses.every((address) => this.#isFreeFor(index, protocol, address, port, forward, now));
    const plan: NatPlan = { ...this.plan, ports: 'preserving', parity: false };
    const port = this.#choice.choose(plan, protocol, forward.to, forward.port, isFree);
    if (port >= 0) this.addForward({ ...forward, port });
    return port;
  }

  #isFreeFor(
    index: Index,
    protocol: number,
    address: number,
    port: number,
    { to, toPort }: ForwardPlan,
    now: number,
  ): boolean {
    const taken = index.byOuter.get(endpointKey(address, port));
    if (taken && !taken.isForward && taken.inner === to && taken.innerPort === toPort) return true;
    return this.#isFree(index, protocol, address, port, false, now);
  }

  /** Ends the forwarding of a port, unless it leads elsewhere by now. */
  removeForward(forward: ForwardPlan): void {
    const index = this.#indexes.get(PROTOCOLS[forward.protocol])!;
    for (const mapping of this.#mappingsOf(forward)) this.#remove(index, mapping);
  }

  /** Returns whether a port is forwarded so. */
  hasForward(forward: ForwardPlan): boolean {
    return this.#mappingsOf(forward).length > 0;
  }

  #mappingsOf({ protocol, port, to, toPort }: ForwardPlan): Mapping[] {
    const forwards = this.#indexes.get(PROTOCOLS[protocol])!.forwards.get(endpointKey(to, toPort)) ?? [];
    return forwards.filter(({ outerPort }) => outerPort === port);
  }

  #remove(index: Index, mapping: Mapping): void {
    const inner = endpointKey(mapping.inner, mapping.innerPort);
    const outer = endpointKey(mapping.outer, mapping.outerPort);
    if (index.byOuter.get(outer) === mapping) index.byOuter.delete(outer);
    if (mapping.isForward) removeFrom(index.forwards, inner, mapping);
    const ofInner = index.byInner.get(inner);
    if (ofInner?.get(mapping.remoteKey) === mapping) {
      ofInner.delete(mapping.remoteKey);
      if (ofInner.size === 0) index.byInner.delete(inner);
    }
    this.#sessions -= mapping.size;
    if (!mapping.isForward) this.onChange(mapping, false);
  }

  /** Forgets what has ended. */
  sweep(now: number): void {
    for (const index of this.#indexes.values()) {
      for (const mapping of index.byOuter.values()) {
        if (mapping.expires <= now) this.#remove(index, mapping);
        else this.#sessions -= mapping.sweep(now);
      }
    }
    this.dueAt = this.#sessions === 0 ? Number.POSITIVE_INFINITY : now + this.#sweepInterval();
  }

  #sweepInterval(): number {
    const shortest = Math.min(...Object.values(this.plan.timeouts));
    return Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, shortest / SWEEPS_PER_TIMEOUT));
  }

  /** Ends all mappings but the forwarded ports. */
  flush(): void {
    for (const index of this.#indexes.values()) {
      for (const mapping of index.byOuter.values()) {
        if (!mapping.isForward) this.#remove(index, mapping);
        else this.#sessions -= mapping.sweep(Number.POSITIVE_INFINITY);
      }
    }
    this.#paired.clear();
    this.#turn = 0;
    this.#choice.clear();
    this.dueAt = Number.POSITIVE_INFINITY;
  }

  /** The mappings, in the order in which they were made. */
  *all(now: number): Generator<Mapping> {
    for (const index of this.#indexes.values()) {
      for (const mapping of index.byOuter.values()) if (mapping.expires > now) yield mapping;
    }
  }
}

function removeFrom(lists: Map<number, Mapping[]>, key: number, mapping: Mapping): void {
  const others = (lists.get(key) ?? []).filter((each) => each !== mapping);
  if (others.length > 0) lists.set(key, others);
  else lists.delete(key);
}

function remoteKeyOf(kind: NatDependence, protocol: number, remote: number, remotePort: number): number {
  if (kind === 'endpoint-independent') return 0;
  // an echo has no port outside
  if (kind === 'address-dependent' || protocol === IPPROTO_ICMP) return remote;
  return endpointKey(remote, remotePort);
}
