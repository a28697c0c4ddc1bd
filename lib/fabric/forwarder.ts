import type { VdeConnPointer } from '../../ffi/vdeplug.js';
import { scratch } from '../vde/frame-source.js';
import type { StoredFrame } from '../vde/frame-store.js';
import type { RawFrames } from '../vde/locator.js';
import { Plug, type PlugParts } from '../vde/plug.js';
import type { DueHeap } from './due-heap.js';
import type { FaultPlan } from './faults.js';
import { FigureLog, type Marks } from './figures.js';
import { FirewallGate } from './firewall/firewall.js';
import type { FirewallPlan } from './firewall/options.js';
import type { Gate } from './gate.js';
import type { InterceptEvent } from './intercept/events.js';
import { Interceptor } from './intercept/interceptor.js';
import type { InterceptPlan, Verdict } from './intercept/plan.js';
import type { LiveBatch } from './live-feed.js';
import { MacTable } from './mac-table.js';
import type { NatMapping } from './nat/mapping.js';
import { Nat, NatInside, type NatSettings } from './nat/nat.js';
import { Nat64, type Nat64Settings } from './nat64/nat64.js';
import { NetworkRecord } from './network-record.js';
import { obstacleOf, Path, Station } from './path.js';
import { FrameRandom } from './philox.js';
import type { FrameBatch } from './recorder.js';
import { type DropCounts, type NetworkStats, sumOf } from './stats.js';
import { Transit } from './transit.js';

/** The parts that all networks of the thread share. */
export interface SharedParts extends PlugParts {
  readonly seed: number;
  readonly heap: DueHeap;
  /** The captures and intercepts of all networks, and the NATs. */
  readonly feeds: Set<Timed>;
  /** The NATs by the names of their routers, and the firewalls by those of their hosts. */
  readonly gates: { readonly nat: Map<string, Nat>; readonly firewall: Map<string, FirewallGate> };
  /** Passes the frames of a capture to the other thread. `names` has the names of the stations. */
  postFrames(capture: number, names: readonly string[], batch: FrameBatch): void;
  /** Passes some frames of a network, for a page, to the other thread. */
  postLive(network: string, batch: LiveBatch): void;
  /** Passes what an intercept has to say to the other thread. */
  postIntercept(intercept: number, event: InterceptEvent): void;
  /** Tells the other thread that a NAT has made a mapping, or that one has ended. */
  postMapping(router: string, mapping: NatMapping, isMade: boolean): void;
}

/** What must be served at a time, in milliseconds of performance.now(); Infinity for no such time. */
export interface Timed {
  readonly dueAt: number;
  flush(): void;
}

/** Directions between stations. Undefined names mean from, or to, all. */
export interface Directions {
  readonly from: readonly string[] | undefined;
  readonly to: readonly string[] | undefined;
}

/** Faults, and the directions that they are for. */
export interface FaultRule extends Directions {
  readonly plan: FaultPlan | undefined;
}

/** A direction of a station's own link: to the network, or from it. */
export type LinkWay = 'up' | 'down';

const DROPPED: Record<keyof DropCounts, string> = {
  loss: 'dropped: loss',
  queue: 'dropped: the queue of the link is full',
  codel: 'dropped: codel',
  partition: 'dropped: partition',
  cut: 'dropped: cut',
  down: 'dropped: the port is down',
  full: 'dropped: the receiver takes no more',
  nat: 'dropped: nat',
  firewall: 'dropped: firewall',
  intercepted: 'dropped: intercepted',
};

/** A network. It learns which MAC is behind which port, and sends a frame to that port, or to all others. */
export class Forwarder {
  readonly #stations = new Map<string, Station>();
  readonly #list: Station[] = [];
  readonly #macs = new MacTable();
  readonly #recorder: NetworkRecord;
  readonly #figures = new FigureLog();
  /** Whether it is a cable between two ports, which ignores MACs. */
  #isWire = false;
  /** The directions, by the indexes of both ends. Each is made for its first frame. */
  readonly #paths: (Path | undefined)[][] = [];
  #rules: FaultRule[] = [];
  #cuts: Directions[] = [];
  /** The intercepts. Both are undefined before the first one; the second one also when all have ended. */
  #interceptor: Interceptor | undefined;
  #activeInterceptor: Interceptor | undefined;
  readonly #transit: Transit;

  constructor(
    readonly name: string,
    readonly shared: SharedParts,
  ) {
    this.#recorder = new NetworkRecord(shared.store, shared.feeds, (from, frame) => this.#destinationOf(from, frame));
    this.#transit = new Transit({
      shared,
      send: (path, frame, length) => this.#send(path, frame, length),
      switch: (from, length, now) => this.#switch(from, length, now),
      drop: (from, to, cause) => this.#drop(from, to, cause),
      note: ({ from, to }, count, text) => this.#note(from, to, count, text),
      recordNoted: (from, frame, length) => this.#recordNoted(from, frame, length),
    });
    this.markSecond(performance.now());
  }

  becomeWire(): void {
    this.#isWire = true;
  }

  #station(name: string): Station {
    let station = this.#stations.get(name);
    if (!station) {
      station = new Station(this.#list.length, name);
      this.#stations.set(name, station);
      this.#list.push(station);
      this.#paths.push([]);
    }
    return station;
  }

  /** Adds a port. @throws {IothError} */
  addPort(name: string, conn: VdeConnPointer, raw: RawFrames | undefined): void {
    const station = this.#station(name);
    station.plug = new Plug(conn, this.shared, (length) => this.#onFrame(station, length), raw);
    station.isUp = true;
  }

  removePort(name: string): void {
    const station = this.#station(name);
    station.plug?.end();
    station.plug = undefined;
    station.removed++;
  }

  setPortUp(name: string, isUp: boolean): void {
    const station = this.#station(name);
    station.isUp = isUp;
    if (!isUp) station.unplugged++;
  }

  /** Puts a NAT between its router and this network, which is outside. */
  addNat(settings: NatSettings): void {
    const { seed, gates, feeds, postMapping } = this.shared;
    const nat = new Nat(seed, settings, (mapping, isMade) => postMapping(settings.name, mapping, isMade));
    gates.nat.set(settings.name, nat);
    feeds.add({
      get dueAt() {
        return nat.dueAt;
      },
      flush: () => nat.sweep(performance.now()),
    });
    this.#station(settings.name).addGate(nat);
  }

  /** Puts the NAT of a router between it and this network, which is inside. @param nat64 for a network with IPv6 only */
  addNatInside(router: string, nat64?: Nat64Settings): void {
    this.#station(router).addGate(new NatInside(this.shared.gates.nat.get(router)!, nat64 && new Nat64(nat64)));
  }

  /** Puts the firewall of a host between it and this network. */
  addFirewall(host: string, plan: FirewallPlan): void {
    const { firewall } = this.shared.gates;
    const gate = firewall.get(host) ?? new FirewallGate(plan);
    firewall.set(host, gate);
    this.#station(host).addGate(gate);
  }

  /** Partitions the network. Stations that are in no group form one more group. */
  partition(groups: readonly (readonly string[])[]): void {
    for (const station of this.#list) station.group = 0;
    groups.forEach((names, i) => {
      for (const name of names) this.#station(name).group = i + 1;
    });
  }

  /** Cuts these directions, besides those that are cut already. */
  cut(directions: readonly Directions[]): void {
    const known = (cut: Directions) => this.#cuts.some((other) => isSame(other, cut));
    this.#cuts.push(...directions.filter((cut) => !known(cut)));
    this.#updatePaths();
  }

  /** Ends the partition and all cuts. */
  heal(): void {
    this.partition([]);
    this.#cuts = [];
    this.#updatePaths();
  }

  setFaults(rule: FaultRule): void {
    const isForAll = rule.from === undefined && rule.to === undefined;
    this.#rules = isForAll ? [rule] : [...this.#rules.filter((other) => !isSame(other, rule)), rule];
    this.#updatePaths();
  }

  /** Sets the faults of a station's own link. */
  setLink(name: string, way: LinkWay, plan: FaultPlan | undefined): void {
    const station = this.#station(name);
    if (way === 'down') station.downPlan = plan;
    else if (plan || station.up) {
      station.up ??= new Path(this, station, undefined, this.#random(name));
      station.up.plan = plan;
    }
    this.#updatePaths();
  }

  #updatePaths(): void {
    for (const path of this.#paths.flat()) if (path) this.#update(path);
  }

  /** Sets what holds for a direction now. */
  #update(path: Path): void {
    const { from, to } = path;
    path.plan = this.#rules.findLast((rule) => isOf(rule, path))?.plan;
    path.isCut = this.#cuts.some((cut) => isOf(cut, path));
    if (!to || !(to.downPlan || path.down)) return;
    path.down ??= new Path(this, from, to, this.#random(from.name, to.name, 'down'), to.downQueue);
    path.down.plan = to.downPlan;
    path.down.isCut = path.isCut;
  }

  #newPath(from: Station, to: Station): Path {
    const path = new Path(this, from, to, this.#random(from.name, to.name));
    this.#paths[from.index]![to.index] = path;
    this.#update(path);
    return path;
  }

  #random(...names: readonly string[]): FrameRandom {
    return new FrameRandom(this.shared.seed, this.name, ...names);
  }

  #onFrame(from: Station, length: number): void {
    const now = performance.now();
    const { received } = from.stats;
    received.frames++;
    received.bytes += length;
    this.#recorder.begin(from.index, scratch, length, now);
    if (!from.isUp) this.#drop(from, undefined, 'down');
    else if (from.gate) length = this.#leave(from, from.gate, length, now);
    else this.#launch(from, length, now);
    this.#record(from, scratch, length, now);
  }

  /** Puts a frame on the link of its sender. */
  #launch(from: Station, length: number, now: number): void {
    if (from.up?.plan) this.#transit.start(from.up, from.up.plan, length, now);
    else this.#switch(from, length, now);
  }

  /** Sends a frame to the station that has its MAC, or to all others. */
  #switch(from: Station, length: number, now: number): void {
    from.switched++;
    if (this.#isWire) {
      this.#flood(from, length, now);
      return;
    }
    this.#macs.learn(scratch, from.index);
    const port = this.#macs.lookUp(scratch);
    if (port < 0) this.#flood(from, length, now);
    else if (port !== from.index) this.#forward(from, this.#list[port]!, length, now);
  }

  /** Forwards a frame that its gate lets out, and then those that it held. Returns the length of the last one. */
  #leave(from: Station, gate: Gate, length: number, now: number): number {
    const verdict = gate.fromHost(scratch, length, now);
    if (gate.note !== undefined) this.#recorder.say(gate.note);
    if (verdict === 'pass') this.#launch(from, length, now);
    else if (verdict === 'back') from.plug?.send(scratch, length);
    else if (verdict === 'drop') {
      from.stats.dropped[gate.cause]++;
      if (gate.answer) from.plug?.send(gate.answer, gate.answer.length);
    }
    let isReplaced = verdict === 'replace';
    for (const held of gate.released()) {
      if (!isReplaced) this.#record(from, scratch, length, now);
      isReplaced = false;
      held.copy(scratch);
      length = this.#leave(from, gate, held.length, now);
    }
    return length;
  }

  #flood(from: Station, length: number, now: number): void {
    for (const to of this.#list) if (to !== from && to.plug) this.#forward(from, to, length, now);
  }

  #forward(from: Station, to: Station, length: number, now: number): void {
    const path = this.#paths[from.index]![to.index] ?? this.#newPath(from, to);
    const obstacle = obstacleOf(path);
    if (obstacle) this.#drop(from, to, obstacle);
    else if (!this.#activeInterceptor?.takes(path, length, now)) this.#sendOn(path, length, now);
  }

  #sendOn(path: Path, length: number, now: number): void {
    if (path.plan) this.#transit.start(path, path.plan, length, now);
    else if (path.down?.plan) this.#transit.start(path.down, path.down.plan, length, now);
    else this.#send(path, scratch, length);
  }

  #newInterceptor(): Interceptor {
    const interceptor: Interceptor = new Interceptor({
      name: this.name,
      shared: this.shared,
      sendOn: (path, length, now) => {
        // time may have passed
        const obstacle = obstacleOf(path);
        if (obstacle) this.#drop(path.from, path.to, obstacle);
        else this.#sendOn(path, length, now);
      },
      drop: ({ from, to }, cause, comment) => this.#drop(from, to, cause, comment),
      comment: ({ from, to }, comment, count) => {
        if (count) from.stats[count]++;
        this.#say(to, comment);
      },
      pathBack: ({ from, to }) => this.#paths[to!.index]![from.index] ?? this.#newPath(to!, from),
      recordComments: (from, length) => this.#recordNoted(from, scratch, length),
      setIntercepted: (isIntercepted) => {
        this.#activeInterceptor = isIntercepted ? interceptor : undefined;
        this.shared.feeds[isIntercepted ? 'add' : 'delete'](interceptor);
      },
    });
    return interceptor;
  }

  startIntercept(id: number, plan: InterceptPlan, count: Int32Array): void {
    this.#interceptor ??= this.#newInterceptor();
    this.#interceptor.start(id, plan, count);
  }

  stopIntercept(id: number): void {
    this.#interceptor?.stop(id);
  }

  /** Notes that the other thread has taken some hits of an intercept. */
  hitsTaken(id: number, hits: number): void {
    this.#interceptor?.taken(id, hits);
  }

  /** Gets the other thread's answer to a question of an intercept. */
  answerIntercept(id: number, question: number, verdict: Verdict): void {
    this.#interceptor?.answer(id, question, verdict);
  }

  /** Delivers a frame that was in transit. */
  deliver(frame: StoredFrame, path: Path): void {
    this.#transit.deliver(frame, path);
  }

  #send(path: Path, frame: Buffer, length: number): void {
    if (path.to!.gate) this.#enter(path, path.to!.gate, frame, length);
    else this.#deliverTo(path, frame, length);
  }

  /** Delivers a frame that the gate of its receiver lets in, and then those that it held. */
  #enter(path: Path, gate: Gate, frame: Buffer, length: number): void {
    // other receivers get it as it is
    frame.copy(gated, 0, 0, length);
    const verdict = gate.toHost(gated, length, performance.now());
    if (verdict === 'drop') path.from.stats.dropped[gate.cause]++;
    if (gate.note !== undefined && (verdict === 'drop' || frame === scratch)) this.#say(path.to, gate.note);
    if (verdict === 'pass') this.#deliverTo(path, gated, length);
    if (gate.answer) this.#answer(path, gate.answer);
    for (const held of gate.released()) this.#enter(path, gate, held, held.length);
  }

  /** Sends the answer of a gate to the sender of the frame that it refuses. */
  #answer({ from, to }: Path, answer: Buffer): void {
    if (from.plug?.send(answer, answer.length)) {
      from.stats.sent.frames++;
      from.stats.sent.bytes += answer.length;
    }
    this.#recorder.addOther(to!.index, answer, answer.length, performance.now(), 'firewall: rejected');
  }

  /** Notes that the receiver of a frame that counts as sent did not take it. */
  lose({ from, to }: Path, length: number): void {
    from.stats.dropped.full++;
    to!.stats.sent.frames--;
    to!.stats.sent.bytes -= length;
  }

  #deliverTo({ from, to, onLoss }: Path, frame: Buffer, length: number): void {
    const plug = to!.plug!;
    const isTaken = plug.send(frame, length, onLoss);
    // on a network a slow receiver must not stop frames to other receivers
    if (this.#isWire && from.plug) plug.holdWhileCongested(from.plug);
    if (!isTaken) {
      this.#drop(from, to, 'full');
      return;
    }
    const { sent } = to!.stats;
    sent.frames++;
    sent.bytes += length;
    this.#recorder.arrived(to!.index);
  }

  #drop(from: Station, to: Station | undefined, cause: keyof DropCounts, comment = DROPPED[cause]): void {
    from.stats.dropped[cause]++;
    this.#say(to, comment);
  }

  #note(from: Station, to: Station | undefined, count: 'duplicated' | 'corrupted' | 'reordered', text: string): void {
    from.stats[count]++;
    this.#say(to, text);
  }

  #say(to: Station | undefined, text: string): void {
    this.#recorder.say(to && this.#list.length > 2 ? `to ${to.name}: ${text}` : text);
  }

  #recordNoted(from: Station, frame: Buffer, length: number): void {
    if (this.#recorder.isNoted) this.#record(from, frame, length, performance.now());
  }

  #record(from: Station, frame: Buffer, length: number, now: number): void {
    this.#recorder.add(from.index, frame, length, now);
  }

  /** Returns the number of the station that a frame is for, as far as its MAC is known; -1 for all others. */
  #destinationOf(from: number, frame: Uint8Array): number {
    if (this.#isWire) return 1 - from;
    const to = this.#macs.lookUp(frame);
    return to === from ? -1 : to;
  }

  recentFrames() {
    return { names: this.#names(), batch: this.#recorder.batch() };
  }

  startCapture(capture: number): void {
    this.#recorder.startCapture(capture, (batch) => this.shared.postFrames(capture, this.#names(), batch));
  }

  /** Notes how many bytes of a capture were written. */
  captureTaken(capture: number, bytes: number): void {
    this.#recorder.captureTaken(capture, bytes);
  }

  /** Stops a capture. @returns how many frames were not captured because the other thread was too slow */
  stopCapture(capture: number): number {
    return this.#recorder.stopCapture(capture);
  }

  /** Shows some of its frames, and its counts, to the other thread from now on. */
  show(): void {
    this.#recorder.show((batch) =>
      this.shared.postLive(this.name, { ...batch, names: this.#names(), stats: this.stats() }),
    );
  }

  /** Ends that. */
  hide(): void {
    this.#recorder.show(undefined);
  }

  /** Notes that the other thread has taken a batch of what is shown. */
  shownTaken(): void {
    this.#recorder.shownTaken();
  }

  /** Returns the names of the stations, by their indexes. */
  #names(): string[] {
    return this.#list.map(({ name }) => name);
  }

  stats(): NetworkStats {
    const present = this.#list.filter(({ plug }) => plug);
    return {
      ports: Object.fromEntries(present.map(({ name, stats }) => [name, stats])),
      total: sumOf(this.#list.map(({ stats }) => stats)),
    };
  }

  /** Notes the counts at the end of a second. */
  markSecond(now: number): void {
    this.#figures.mark(now, this.#list);
  }

  /** Returns the counts at the ends of the last seconds. */
  history(seconds: number): Marks {
    return this.#figures.read(seconds, this.#list);
  }

  end(): void {
    for (const { name } of this.#list) this.removePort(name);
  }
}

/** The frame that a gate may change. */
const gated = Buffer.allocUnsafeSlow(scratch.length);

function isSame(a: Directions, b: Directions): boolean {
  return `${a.from}` === `${b.from}` && `${a.to}` === `${b.to}`;
}

function isOf({ from, to }: Directions, path: Path): boolean {
  return (from?.includes(path.from.name) ?? true) && (to?.includes(path.to?.name ?? '') ?? true);
}
