import { inspect } from 'node:util';
import { checkEach, checkOptions, checkString, invalidValue, repeatedIn } from '../core/validate.js';
import type { LinkFaults } from '../fabric/faults.js';
import type { Intercept } from '../fabric/intercept/intercept.js';
import type { PacketAction, PacketMatch, PacketTest } from '../fabric/intercept/match.js';
import type { InterceptOptions } from '../fabric/intercept/plan.js';
import type { FabricNetwork } from '../fabric/network.js';
import type { NetworkPlan } from './topology/config.js';
import { prefixTexts } from './topology/drawing.js';
import type { HostPlan } from './topology/host-plan.js';
import type { Topology } from './topology/topology.js';

/** The links, and their directions, that {@link LabNetwork.set} changes. */
export interface FaultPath<H extends string = string> {
  /** Frames from these hosts. Default: from all. */
  from?: H | readonly H[];
  /** Frames to these hosts. Default: to all. */
  to?: H | readonly H[];
}

/** Checks the groups of a partition, and each of their hosts. @throws {TypeError} also for a host that is there twice */
export function checkGroups<H extends string>(
  groups: readonly (readonly unknown[])[],
  check: (where: string, host: unknown) => H,
): H[][] {
  const checked = groups.map((group, i) =>
    checkEach(`groups[${i}]`, 'an array of hosts', group, (_, host) => check(`groups[${i}]`, host)),
  );
  const repeated = repeatedIn(checked.flat());
  if (repeated !== undefined) throw invalidValue('groups', `with '${repeated}' once`, groups);
  return checked;
}

/** A network of a lab: a switch with a link to each of its hosts. */
export class LabNetwork<H extends string = string> {
  readonly #plan: NetworkPlan;
  readonly #fabric: FabricNetwork;
  readonly #members: readonly HostPlan[];

  /** @internal use `lab.networks` */
  constructor(plan: NetworkPlan, fabric: FabricNetwork, topology: Topology) {
    this.#plan = plan;
    this.#fabric = fabric;
    this.#members = topology.membersOf(plan);
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
    await this.#fabric.partition(...checkGroups(groups, (where, host) => this.#member(where, host)));
  }

  /** Ends a {@link partition}. */
  async heal(): Promise<void> {
    await this.#fabric.heal();
  }

  /**
   * Sets the faults of its links from now on. Faults that are not named end, as with `tc qdisc change`.
   * @param path the links and directions to change. Default: all; this also replaces earlier settings for some of them
   * @throws {TypeError | RangeError} naming the fault, or the host
   */
  async set(faults: LinkFaults, path?: FaultPath<H>): Promise<void> {
    const { from, to } = checkOptions(path, ['from', 'to']);
    await this.#fabric.set(faults, { from: this.#list('path.from', from), to: this.#list('path.to', to) });
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

  /** Returns the counts of frames and bytes, and of dropped frames by cause. */
  stats(): ReturnType<FabricNetwork['stats']> {
    return this.#fabric.stats();
  }

  [inspect.custom](): string {
    return `LabNetwork <${this.name}, ${prefixTexts(this.#plan)}, ${this.hosts.join(' ')}>`;
  }

  #list(name: string, hosts: H | readonly H[] | undefined): string[] | undefined {
    if (hosts === undefined) return undefined;
    const list = Array.isArray(hosts) ? hosts : [hosts];
    return checkEach(name, 'a list', list, (_, host) => this.#member(name, host));
  }

  #member(name: string, host: unknown): string {
    const known = this.hosts.find((each) => each === checkString(name, host));
    if (known !== undefined) return known;
    throw invalidValue(name, `a host on network '${this.name}' (${this.hosts.join(', ')})`, host);
  }
}
