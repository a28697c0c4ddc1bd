import { inspect } from 'node:util';
import { checkEach, checkString, invalidValue, repeatedIn } from '../core/validate.js';
import {
  type CheckedDirections,
  type CutDirections,
  checkCut,
  checkDirections,
  type FaultDirections,
} from '../fabric/directions.js';
import type { LinkFaults } from '../fabric/faults.js';
import type { HistoryOptions, SecondFigures } from '../fabric/figures.js';
import type { Intercept } from '../fabric/intercept/intercept.js';
import type { PacketAction, PacketMatch, PacketTest } from '../fabric/intercept/match.js';
import type { InterceptOptions } from '../fabric/intercept/plan.js';
import type { FabricNetwork } from '../fabric/network.js';
import type { NetworkStats } from '../fabric/stats.js';
import type { LabLog } from './log.js';
import { NetworkState, pathText } from './network-state.js';
import type { NetworkPlan } from './topology/config.js';
import { faultTexts, prefixTexts } from './topology/drawing.js';
import type { HostPlan } from './topology/host-plan.js';
import type { Topology } from './topology/topology.js';

/**
 * Checks the groups of a partition, and each of their hosts. Returns those with hosts.
 * @throws {TypeError} also for a host that is there twice
 */
export function checkGroups<H extends string>(
  groups: readonly (readonly unknown[])[],
  check: (where: string, host: unknown) => H,
): H[][] {
  const checked = groups.map((group, i) =>
    checkEach(`groups[${i}]`, 'an array of hosts', group, (_, host) => check(`groups[${i}]`, host)),
  );
  const repeated = repeatedIn(checked.flat());
  if (repeated !== undefined) throw invalidValue('groups', `with '${repeated}' once`, groups);
  return checked.filter((group) => group.length > 0);
}

/** A network of a lab: a switch with a link to each of its hosts. */
export class LabNetwork<H extends string = string> {
  readonly #plan: NetworkPlan;
  readonly #fabric: FabricNetwork;
  readonly #log: LabLog;
  readonly #members: readonly HostPlan[];
  /** What it is now, for drawings. @internal */
  readonly now: NetworkState;

  /** @internal use `lab.networks` */
  constructor(plan: NetworkPlan, fabric: FabricNetwork, topology: Topology, log: LabLog) {
    this.#plan = plan;
    this.#fabric = fabric;
    this.#log = log;
    this.#members = topology.membersOf(plan);
    this.now = new NetworkState(plan.faults, this.hosts);
  }

  /** The name of the network, and of its hosts' interfaces. */
  get name(): string {
    return this.#plan.name;
  }

  /** The prefixes of the network, such as '10.0.0.0/24'. */
  get prefixes(): readonly string[] {
    return this.#plan.prefixes.map(({ text }) => text);
  }

  /** The names of its hosts. */
  get hosts(): readonly H[] {
    return this.#members.map(({ name }) => name as H);
  }

  /**
   * Captures every frame as pcapng, with an interface for each host and a comment on each frame that was dropped or changed on
   * purpose.
   * @param target a file's path, or a stream. Default: memory
   */
  capture(...args: Parameters<FabricNetwork['capture']>): ReturnType<FabricNetwork['capture']> {
    return this.#fabric.capture(...args);
  }

  /**
   * Blocks all frames between hosts of different groups. Hosts that are in no group form one more group.
   * @throws {TypeError} for a host that is not on this network, or in two groups
   */
  async partition(...groups: (readonly H[])[]): Promise<void> {
    const checked = checkGroups(groups, (where, host) => this.#member(where, host));
    await this.#fabric.partition(...checked);
    this.now.partition(checked);
    this.#note('cut', `partition: ${checked.map((group) => group.join(' ')).join(' | ') || 'none'}`);
  }

  /**
   * Cuts one direction: no frame from `from` gets to `to`, on this network. A cut is added to earlier cuts and to a partition;
   * {@link heal} ends all of them. Hosts that are not named still reach both.
   * @param path the direction: `{ from: 'a', to: 'b' }`. Without `to`: to all hosts; without `from`: from all
   * @throws {TypeError} for a host that is not on this network
   */
  async cut(path: CutDirections<H>): Promise<void>;
  /** Cuts both directions between a and b, each a host or several. @throws {TypeError} for a host not on this network */
  async cut(a: H | readonly H[], b: H | readonly H[]): Promise<void>;
  async cut(a: unknown, b?: unknown): Promise<void> {
    for (const path of checkCut(a, b, (name, value) => this.#list(name, value))) {
      // a list without hosts: there is nothing to cut
      if (path.from?.length === 0 || path.to?.length === 0) continue;
      await this.#fabric.cut(path);
      this.now.cut(path);
      this.#note('cut', `cut: ${pathText(path)}`);
    }
  }

  /** Ends the {@link partition}, and all {@link cut}s. Faults stay as they are. */
  async heal(): Promise<void> {
    await this.#fabric.heal();
    this.now.heal();
    this.#note('heal', 'healed');
  }

  /**
   * Sets the faults of the ways between its hosts from now on. Faults that are not named end, as with `tc qdisc change`, also
   * those of the configuration; {@link reset} brings these back.
   * @param path the ways to change: `{ from, to }`; `{ up }` or `{ down }`, the own links of hosts towards the network or from
   * it. Default: all ways between hosts; this also replaces earlier settings for some of them, and leaves own links alone
   * @throws {TypeError | RangeError} naming the fault, or the host
   */
  async set(faults: LinkFaults, path?: FaultDirections<H>): Promise<void> {
    const checked = this.#path(path);
    await this.#fabric.set(faults, checked);
    // JavaScript may pass nothing, which is no faults
    this.now.set(faults ?? {}, checked);
    this.#note('faults', `${pathText(checked)} ${faultTexts(faults ?? {}).join(' ') || 'no faults'}`.trim());
  }

  /**
   * Brings back the faults of the configuration, after {@link set}.
   * @param path as for {@link set}. Default: all ways between hosts, and the own links of all hosts
   * @throws {TypeError} for a host that is not on this network
   */
  async reset(path?: FaultDirections<H>): Promise<void> {
    const checked = this.#path(path);
    await this.#fabric.reset(checked);
    this.now.reset(checked);
    this.#note('faults', `${pathText(checked)} as configured`.trim());
  }

  /**
   * Acts on chosen frames, from the next one on: `lan.intercept({ to: 'bob', flags: 'SYN' }, 'drop', { times: 2 })` drops the
   * first two SYNs to bob. Of several intercepts the first one that matches a frame acts on it; one with the action 'pass' leaves
   * it to the others. A frame that goes to several hosts is one hit.
   * @param match what the frames have, or a function that decides. `from` and `to` are hosts on this network: the hosts behind a
   * router are known by their addresses, `fromAddress` and `toAddress`
   * @param action 'drop', { delay: 100 }, 'duplicate', 'corrupt', 'reject' or 'pass'
   * @param options `{ times: 2 }` acts on two frames only, `{ after: 2 }` not on the first two
   * @throws {TypeError | RangeError} naming the argument, or the host
   */
  async intercept(
    match: PacketMatch<H> | PacketTest<H>,
    action: PacketAction,
    options?: InterceptOptions,
  ): Promise<Intercept<H>> {
    const { from, to } = typeof match === 'object' && match !== null ? match : {};
    this.#list('match.from', from);
    this.#list('match.to', to);
    return (await this.#fabric.intercept(match as PacketMatch, action, options)) as Intercept<H>;
  }

  /** Returns the last 1000 frames as pcapng. */
  recentFrames(): Promise<Buffer> {
    return this.#fabric.recentFrames();
  }

  /** Returns the counts of frames and bytes, and of dropped frames by cause: for each host on this network, and the total. */
  stats(): Promise<NetworkStats<H>> {
    return this.#fabric.stats();
  }

  /**
   * Returns the figures of each of the last 600 seconds, for plots: frames and bytes of each host and in all, and frames that did
   * not arrive. They are always kept.
   * @param options `{ seconds: 60 }` is the last minute
   * @throws {TypeError | RangeError} for invalid options
   */
  history(options?: HistoryOptions): Promise<SecondFigures<H>[]> {
    return this.#fabric.history(options);
  }

  [inspect.custom](): string {
    return `LabNetwork <${this.name}, ${prefixTexts(this.#plan)}, ${this.hosts.join(' ')}>`;
  }

  #note(kind: 'faults' | 'cut' | 'heal', text: string): void {
    this.#log.add(kind, `${this.name}: ${text}`);
  }

  /** @internal Shows some frames and the counts to a listener */
  show(...args: Parameters<FabricNetwork['show']>): ReturnType<FabricNetwork['show']> {
    return this.#fabric.show(...args);
  }

  /** @internal Returns the last frames, with the names of the hosts */
  recentRecords(): ReturnType<FabricNetwork['recentRecords']> {
    return this.#fabric.recentRecords();
  }

  #path(path: FaultDirections<H> | undefined): CheckedDirections {
    return checkDirections('path', path, (name, value) => this.#list(name, value));
  }

  #list(name: string, hosts: unknown): string[] | undefined {
    if (hosts === undefined) return undefined;
    return checkEach(name, 'a list', Array.isArray(hosts) ? hosts : [hosts], (_, host) => this.#member(name, host));
  }

  #member(name: string, host: unknown): string {
    const known = this.hosts.find((each) => each === checkString(name, host));
    if (known !== undefined) return known;
    throw invalidValue(name, `a host on network '${this.name}' (${this.hosts.join(', ')})`, host);
  }
}
