import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import type { Gate, Verdict } from '../gate.js';
import type { Nat64 } from '../nat64/nat64.js';
import { answerArp, askedAddress, turnBack } from './arp.js';
import { Fragments } from './fragments.js';
import { addressNumber, addressText, ECHO_REPLY, Ipv4Packet, isIpv4 } from './ipv4-packet.js';
import type { Mapping, NatMapping } from './mapping.js';
import { MappingTable } from './mapping-table.js';
import { Nat66 } from './nat66.js';
import type { ForwardPlan, NatPlan } from './options.js';
import { hasPort } from './own-ports.js';
import type { PrefixPair } from './prefix-translation.js';

/**
 * The addresses that stand for the addresses outside while the router's kernel carries a packet from inside back inside. They are
 * of the IETF's own prefix (RFC 6890), which no network uses.
 */
const ALIASES = addressNumber('192.0.0.192');
const MAX_ALIASES = 64;
/** The route of the router to these addresses: over its interface outside. */
export const ALIAS_PREFIX = '192.0.0.192/26';

const DHCP_CLIENT_PORT = 68;
const TABLE_FULL = 'the table is full';

/** What a NAT is made of. */
export interface NatSettings {
  /** The name of its router. */
  readonly name: string;
  readonly plan: NatPlan;
  /** Its addresses outside, as numbers. */
  readonly addresses: readonly number[];
  /** The MAC of its interface outside. */
  readonly mac: Uint8Array;
  /** The IPv6 prefixes that stand for each other; undefined if IPv6 passes as it is. */
  readonly prefixes6?: PrefixPair | undefined;
  /** A process in the network namespace of the router; -1 for none. */
  readonly pid: number;
}

interface FragmentDecision {
  readonly verdict: Verdict;
  readonly source: number;
  readonly destination: number;
  readonly note: string | undefined;
}

/**
 * A NAT for IPv4 (RFC 4787, 5382, 5508) at the port of a router to a network outside. The kernel of the router routes; packets are
 * translated after they have left it, and before they come to it.
 */
export class Nat implements Gate {
  readonly cause = 'nat';
  readonly answer = undefined;
  note: string | undefined;
  readonly #settings: NatSettings;
  readonly #table: MappingTable;
  #pid: number;
  #isWatched = false;
  readonly #packet = new Ipv4Packet();
  readonly #quoted = new Ipv4Packet();
  readonly #fragments = {
    out: new Fragments<FragmentDecision>(),
    in: new Fragments<FragmentDecision>(),
    inside: new Fragments<FragmentDecision>(),
  };
  #released: Buffer[] = [];
  readonly #nat64s: Nat64[] = [];
  readonly #nat66: Nat66 | undefined;

  /** @param report gets each mapping that was made or has ended, while it is watched */
  constructor(seed: number, settings: NatSettings, report: (mapping: NatMapping, isMade: boolean) => void) {
    this.#settings = settings;
    this.#pid = settings.pid;
    this.#nat66 = settings.prefixes6 && new Nat66(settings.prefixes6);
    this.#table = new MappingTable(
      settings.plan,
      settings.addresses.slice(0, MAX_ALIASES),
      { seed, name: settings.name },
      (protocol, port) => this.#isOwnPort(protocol, port),
      (mapping, isMade) => {
        if (this.#isWatched && !isOwn(mapping)) report(this.#describe(mapping, performance.now()), isMade);
      },
    );
  }

  /** Adds what translates between the families for a network inside. */
  addNat64(nat64: Nat64): void {
    this.#nat64s.push(nat64);
  }

  /** When {@link sweep} is due, in milliseconds of performance.now(). */
  get dueAt(): number {
    return this.#table.dueAt;
  }

  sweep(now: number): void {
    this.#table.sweep(now);
  }

  /** Changes the behaviour. Mappings that there are stay until they end. */
  set(plan: NatPlan): void {
    for (const forward of this.#table.plan.forwards) this.#table.removeForward(forward);
    this.#table.plan = plan;
    for (const forward of plan.forwards) this.#table.addForward(forward);
  }

  addForward(forward: ForwardPlan): void {
    this.#table.addForward(forward);
  }

  /** Forwards a port that is free. Returns it; -1 if there is none. */
  requestForward(forward: ForwardPlan): number {
    return this.#table.requestForward(forward, performance.now());
  }

  hasForward(forward: ForwardPlan): boolean {
    return this.#table.hasForward(forward);
  }

  removeForward(forward: ForwardPlan): void {
    this.#table.removeForward(forward);
  }

  /** Ends all mappings but the forwarded ports. */
  flush(): void {
    this.#table.flush();
    for (const fragments of Object.values(this.#fragments)) fragments.clear();
  }

  /** Forgets all, like a router that was switched off, which now has another process in its namespace. */
  restart(pid: number): void {
    this.#pid = pid;
    this.flush();
  }

  /** Reports each mapping that is made or ends from now on, or no longer. */
  watch(isOn: boolean): void {
    this.#isWatched = isOn;
  }

  mappings(now = performance.now()): NatMapping[] {
    return [...this.#table.all(now)]
      .filter((mapping) => !isOwn(mapping))
      .map((mapping) => this.#describe(mapping, now));
  }

  #describe(mapping: Mapping, now: number): NatMapping {
    return mapping.describe(now, this.#insideText);
  }

  /** Returns the text of an address inside: of the IPv6 one if a NAT64 has another one for it. */
  readonly #insideText = (address: number): string => {
    for (const { hosts } of this.#nat64s) {
      const text = hosts.textOf(address);
      if (text !== undefined) return `[${text}]`;
    }
    return addressText(address);
  };

  fromHost(frame: Buffer, length: number, now: number): Verdict {
    this.note = undefined;
    if (!isIpv4(frame, length)) {
      return this.#isAskedForAlias(frame, length)
        ? answerArp(frame)
        : this.#byPrefix((nat) => nat.toOutside(frame, length));
    }
    if (frame[0]! & 1) return 'pass';
    if (!this.#packet.read(frame, length)) return this.#drop('malformed');
    // a client of DHCP has no address yet
    if (this.#packet.source === 0) return 'pass';
    return this.#decide('out', length, now);
  }

  toHost(frame: Buffer, length: number, now: number): Verdict {
    this.note = undefined;
    if (!this.#isForRouter(frame)) return 'pass';
    if (!isIpv4(frame, length)) return this.#byPrefix((nat) => nat.toInside(frame, length));
    if (!this.#packet.read(frame, length)) return this.#drop('malformed');
    return this.#decide('in', length, now);
  }

  /** Decides about a frame to the router from inside: one to a mapped port outside makes a turn in it. */
  fromInside(frame: Buffer, length: number, now: number): Verdict {
    this.note = undefined;
    if (!isIpv4(frame, length)) {
      return this.#byPrefix((nat) => nat.turn(frame, length, this.#table.plan.hairpin));
    }
    if (frame[0]! & 1 || !this.#packet.read(frame, length)) return 'pass';
    return this.#isOuter(this.#packet.destination) ? this.#decide('inside', length, now) : 'pass';
  }

  released(): readonly Buffer[] {
    if (this.#released.length === 0) return this.#released;
    const released = this.#released;
    this.#released = [];
    return released;
  }

  #byPrefix(decide: (nat: Nat66) => Verdict): Verdict {
    if (!this.#nat66) return 'pass';
    const verdict = decide(this.#nat66);
    this.note = this.#nat66.note;
    return verdict;
  }

  #isForRouter(frame: Buffer): boolean {
    return frame.compare(this.#settings.mac, 0, 6, 0, 6) === 0;
  }

  #isOuter(address: number): boolean {
    return this.#table.addresses.includes(address);
  }

  /** Returns whether a socket of the router has a port. */
  #isOwnPort(protocol: number, port: number): boolean {
    if (protocol === IPPROTO_UDP && port === DHCP_CLIENT_PORT) return true;
    return this.#pid > 0 && hasPort(this.#pid, protocol, port);
  }

  #drop(reason: string): Verdict {
    this.note = `dropped: nat: ${reason}`;
    return 'drop';
  }

  #decide(direction: 'out' | 'in' | 'inside', length: number, now: number): Verdict {
    const packet = this.#packet;
    if (!packet.hasMoreFragments && !packet.isLaterFragment) return this.#translate(direction, now);
    const fragments = this.#fragments[direction];
    const key = fragments.keyOf(packet);
    if (!packet.isLaterFragment) {
      const verdict = this.#translate(direction, now);
      const { source, destination } = packet;
      fragments.decide(key, { verdict, source, destination, note: this.note }, now);
      this.#released.push(...fragments.released(key));
      return verdict;
    }
    const decision = fragments.decisionOn(key, now);
    if (!decision) return this.#hold(fragments, key, length, now);
    this.note = decision.note;
    if (decision.verdict === 'drop') return 'drop';
    packet.setSource(decision.source);
    packet.setDestination(decision.destination);
    return decision.verdict === 'back' ? turnBack(packet.frame) : 'pass';
  }

  #hold(fragments: Fragments<FragmentDecision>, key: string, length: number, now: number): Verdict {
    if (!fragments.hold(key, this.#packet.frame, length, now)) return this.#drop('too many fragments wait');
    this.note = 'nat: waits for its first fragment';
    return 'hold';
  }

  #translate(direction: 'out' | 'in' | 'inside', now: number): Verdict {
    if (direction === 'in') return this.#in(now);
    if (direction === 'inside') return this.#inside(now);
    const packet = this.#packet;
    const alias = packet.destination - ALIASES;
    if (alias < 0 || alias >= this.#table.addresses.length) return this.#out(now);
    packet.setDestination(this.#table.addresses[alias]!);
    if (this.#out(now) === 'drop') return 'drop';
    const note = this.note;
    if (this.#in(now) === 'drop') return 'drop';
    this.note = `${note}; ${this.note}`;
    return turnBack(packet.frame);
  }

  #out(now: number): Verdict {
    const packet = this.#packet;
    const { protocol, source, sourcePort, destination } = packet;
    if (packet.isIcmpError) return this.#errorOut(now);
    if (sourcePort < 0 || packet.icmpType === ECHO_REPLY) {
      return this.#isOuter(source) ? 'pass' : this.#drop(`protocol ${protocol}`);
    }
    const remotePort = remotePortOf(packet, true);
    let mapping = this.#table.byInner(protocol, source, sourcePort, destination, remotePort, now);
    if (!mapping) {
      const made = this.#table.make(protocol, source, sourcePort, destination, remotePort, now);
      if (made === 'no port') return this.#drop('no port is free');
      if (made === 'full') return this.#drop(TABLE_FULL);
      mapping = made;
    }
    const isNoted = this.#table.note(mapping, destination, remotePort, now, true, flagsOf(packet));
    if (!isNoted) return this.#drop(TABLE_FULL);
    packet.setSource(mapping.outer, mapping.outerPort);
    this.#noteTranslation(mapping, 0);
    return 'pass';
  }

  #in(now: number): Verdict {
    const packet = this.#packet;
    const { protocol, source, destination, destinationPort } = packet;
    if (!this.#isOuter(destination)) return this.#drop(`${packet.destinationText} is not its address`);
    if (packet.isIcmpError) return this.#errorIn(now);
    // the router itself answers pings
    if (destinationPort < 0 || (packet.icmpType >= 0 && packet.icmpType !== ECHO_REPLY)) return 'pass';
    const mapping = this.#table.byOuter(protocol, destination, destinationPort, now);
    const remotePort = remotePortOf(packet, false);
    const isIn = mapping && (isOwn(mapping) || mapping.allows(this.#table.plan.filtering, source, remotePort, now));
    if (!isIn) {
      if (this.#isOwnPort(protocol, destinationPort)) return 'pass';
      return this.#drop(mapping ? 'filtered' : 'no mapping');
    }
    const isNoted = this.#table.note(mapping, source, remotePort, now, false, flagsOf(packet));
    if (!isNoted) return this.#drop(TABLE_FULL);
    packet.setDestination(mapping.inner, mapping.innerPort);
    this.#noteTranslation(mapping, 1);
    return 'pass';
  }

  /** Redirects a packet from inside to a mapped port outside: RFC 4787, 6. The router's own ports are the router's. */
  #inside(now: number): Verdict {
    const packet = this.#packet;
    const { destination } = packet;
    const mapping = packet.isIcmpError ? this.#mappingOfQuoted(now) : this.#mappingOfDestination(now);
    if (!mapping || isOwn(mapping)) return 'pass';
    if (!this.#table.plan.hairpin) return this.#drop('no hairpin');
    packet.setDestination(ALIASES + this.#table.addresses.indexOf(destination));
    this.note = 'nat: hairpin';
    return 'pass';
  }

  #mappingOfDestination(now: number): Mapping | undefined {
    const { protocol, destination, destinationPort } = this.#packet;
    if (destinationPort < 0 || protocol === IPPROTO_ICMP) return undefined;
    return this.#table.byOuter(protocol, destination, destinationPort, now);
  }

  /** Returns the mapping of the sender of the packet that an ICMP error quotes. */
  #mappingOfQuoted(now: number): Mapping | undefined {
    const quoted = this.#quoted;
    if (!quoted.readQuotedIn(this.#packet) || quoted.sourcePort < 0) return undefined;
    return this.#table.byOuter(quoted.protocol, quoted.source, quoted.sourcePort, now);
  }

  /** Translates an ICMP error that comes in, and the packet that it quotes: RFC 5508, REQ-4. */
  #errorIn(now: number): Verdict {
    const quoted = this.#quoted;
    const mapping = this.#mappingOfQuoted(now);
    if (!mapping) {
      const isForRouter = quoted.sourcePort >= 0 && this.#isOwnPort(quoted.protocol, quoted.sourcePort);
      return isForRouter ? 'pass' : this.#drop('no mapping');
    }
    if (isOwn(mapping) && mapping.innerPort === mapping.outerPort) return 'pass';
    if (!mapping.has(quoted.destination, remotePortOf(quoted, true), now)) return this.#drop('filtered');
    quoted.setSource(mapping.inner, mapping.innerPort);
    this.#packet.setDestination(mapping.inner);
    this.#noteTranslation(mapping, 1);
    return 'pass';
  }

  /** Translates an ICMP error from inside, or from the router about a packet to inside: RFC 5508, REQ-5. */
  #errorOut(now: number): Verdict {
    const quoted = this.#quoted;
    const isOwnError = this.#isOuter(this.#packet.source);
    const { source } = quoted.readQuotedIn(this.#packet) ? quoted : { source: -1 };
    const mapping =
      source < 0 || quoted.destinationPort < 0
        ? undefined
        : this.#table.byInner(
            quoted.protocol,
            quoted.destination,
            quoted.destinationPort,
            source,
            remotePortOf(quoted, false),
            now,
          );
    if (!mapping) return isOwnError ? 'pass' : this.#drop('no mapping');
    quoted.setDestination(mapping.outer, mapping.outerPort);
    if (!isOwnError) this.#packet.setSource(mapping.outer);
    this.#noteTranslation(mapping, 0);
    return 'pass';
  }

  #noteTranslation(mapping: Mapping, which: 0 | 1): void {
    if (!isOwn(mapping) || mapping.innerPort !== mapping.outerPort) this.note = mapping.notes(this.#insideText)[which];
  }

  #isAskedForAlias(frame: Buffer, length: number): boolean {
    const alias = askedAddress(frame, length) - ALIASES;
    return alias >= 0 && alias < this.#table.addresses.length;
  }
}

/** The gate of a NAT's router at a port inside. */
export class NatInside implements Gate {
  readonly cause = 'nat';
  readonly answer = undefined;
  note: string | undefined;

  /** @param nat64 for a network with IPv6 only */
  constructor(
    readonly nat: Nat,
    readonly nat64?: Nat64 | undefined,
  ) {
    if (nat64) nat.addNat64(nat64);
  }

  fromHost(frame: Buffer, length: number): Verdict {
    const verdict = this.nat64?.fromRouter(frame, length) ?? 'pass';
    this.note = this.nat64?.note;
    return verdict;
  }

  toHost(frame: Buffer, length: number, now: number): Verdict {
    const verdict = this.nat64?.toRouter(frame, length) ?? 'pass';
    this.note = this.nat64?.note;
    if (verdict !== 'pass') return verdict;
    const last = this.nat.fromInside(frame, length, now);
    this.note = this.nat.note;
    return last;
  }

  released(): readonly Buffer[] {
    const frames = this.nat64?.released() ?? [];
    return frames.length > 0 ? frames : this.nat.released();
  }
}

/** Returns whether a mapping is of a socket of the router itself. */
function isOwn(mapping: Mapping): boolean {
  return mapping.inner === mapping.outer;
}

/** Returns the port of the endpoint outside: none for an echo, whose identifier is of the endpoint inside. */
function remotePortOf(packet: Ipv4Packet, isOut: boolean): number {
  if (packet.protocol === IPPROTO_ICMP) return 0;
  return isOut ? packet.destinationPort : packet.sourcePort;
}

function flagsOf(packet: Ipv4Packet): number {
  return packet.protocol === IPPROTO_TCP ? packet.tcpFlags : 0;
}
