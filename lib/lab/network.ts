import { inspect } from 'node:util';
import { checkOptions, checkString, invalidType, invalidValue } from '../core/validate.js';
import type { LinkFaults } from './fabric/faults.js';
import type { FabricNetwork } from './fabric/network.js';
import { type HostPlan, membersOf, type NetworkPlan, type Topology } from './topology/plan.js';
import { prefixTexts } from './topology/text.js';

/** Which directions of which hosts' links {@link LabNetwork.set} is about. */
export interface FaultPath<H extends string = string> {
  /** Frames from these hosts: all unless it is given. */
  from?: H | readonly H[];
  /** Frames to these hosts: all unless it is given. */
  to?: H | readonly H[];
}

/** A network of a lab: a switch, with a link to each of its hosts. */
export class LabNetwork<H extends string = string> {
  readonly #plan: NetworkPlan;
  readonly #fabric: FabricNetwork;
  readonly #members: readonly HostPlan[];

  /** @internal use `lab.networks` */
  constructor(plan: NetworkPlan, fabric: FabricNetwork, topology: Topology) {
    this.#plan = plan;
    this.#fabric = fabric;
    this.#members = membersOf(plan, topology.hosts);
  }

  /** Its name: that of its hosts' interfaces too. */
  get name(): string {
    return this.#plan.name;
  }

  /** Its prefixes: '10.0.0.0/24'. */
  get prefixes(): readonly string[] {
    return this.#plan.prefixes.map(({ text }) => text);
  }

  /** The names of the hosts on it. */
  get hosts(): readonly H[] {
    return this.#members.map(({ name }) => name as H);
  }

  /**
   * Writes every frame as pcapng, with an interface for each host and a comment on each frame that was dropped or changed on
   * purpose.
   * @param target a file's path, or a stream; without it, memory
   */
  capture(...args: Parameters<FabricNetwork['capture']>): ReturnType<FabricNetwork['capture']> {
    return this.#fabric.capture(...args);
  }

  /**
   * Lets no frame go from a host of one group to one of another. Those that are in no group are a group together.
   * @throws {TypeError} for a host that is not on this network, or in two groups
   */
  async partition(...groups: (readonly H[])[]): Promise<void> {
    const taken = new Set<string>();
    const checked = groups.map((group, position) => {
      if (!Array.isArray(group)) throw invalidType(`groups[${position}]`, 'an array of hosts', group);
      // map would leave out what a sparse array lacks
      return Array.from(group, (host) => {
        const name = this.#member(`groups[${position}]`, host);
        if (taken.has(name)) throw invalidValue('groups', `with '${name}' once`, groups);
        taken.add(name);
        return name;
      });
    });
    await this.#fabric.partition(...checked);
  }

  /** Ends a {@link partition}. */
  async heal(): Promise<void> {
    await this.#fabric.heal();
  }

  /**
   * Sets the faults of its links from now on. What is not named is none, as with `tc qdisc change`.
   * @param path the links, and directions, that this is about; without it all, and what was set for some is forgotten
   * @throws {TypeError | RangeError} naming the fault, or the host
   */
  async set(faults: LinkFaults, path?: FaultPath<H>): Promise<void> {
    const { from, to } = checkOptions(path, ['from', 'to']);
    await this.#fabric.set(faults, { from: this.#list('from', from), to: this.#list('to', to) });
  }

  /** The last 1000 frames, as pcapng. */
  recentFrames(): Promise<Buffer> {
    return this.#fabric.recentFrames();
  }

  /** What went by: frames, bytes, and what was dropped and why. */
  stats(): ReturnType<FabricNetwork['stats']> {
    return this.#fabric.stats();
  }

  [inspect.custom](): string {
    return `LabNetwork <${this.name}, ${prefixTexts(this.#plan)}, ${this.hosts.join(' ')}>`;
  }

  #list(name: string, hosts: H | readonly H[] | undefined): string[] | undefined {
    if (hosts === undefined) return undefined;
    const list: readonly unknown[] = Array.isArray(hosts) ? hosts : [hosts];
    // map would leave out what a sparse array lacks
    return Array.from(list, (host) => this.#member(`path.${name}`, host));
  }

  #member(name: string, host: unknown): string {
    const known = this.hosts.find((each) => each === checkString(name, host));
    if (known !== undefined) return known;
    throw invalidValue(name, `a host on network '${this.name}' (${this.hosts.join(', ')})`, host);
  }
}
