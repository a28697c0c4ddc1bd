import { inspect } from 'node:util';
import { IothError } from '../core/errors.js';
import { checkString, invalidValue } from '../core/validate.js';
import type { BootPlan } from './boot.js';
import { makeDirectory, removeDirectory } from './directory.js';
import { Fabric } from './fabric/fabric.js';
import type { FabricNetwork } from './fabric/network.js';
import { LabHost } from './host.js';
import { LabNetwork } from './network.js';
import { RunningHost } from './running-host.js';
import type { LabConfig } from './topology/config.js';
import { EXIT, type HostPlan, type NetworkPlan, type Topology } from './topology/plan.js';
import { drawing, mermaid } from './topology/text.js';
import { topologyOf } from './topology/topology.js';

const KEY = Symbol('Lab');
/** No host has such a name. */
const EXIT_PORT = 'exit (slirp)';

/**
 * A network laboratory: hosts with real TCP/IP stacks, on networks with links as bad as they are wanted, in this process.
 * `await Lab.create({ networks, hosts })` makes one, `close()` or `await using` ends it; nothing is left of it.
 */
export class Lab<N extends string = string, H extends string = string> {
  /** The hosts by name. */
  readonly hosts: Readonly<Record<H, LabHost<N>>>;
  /** The networks by name. */
  readonly networks: Readonly<Record<N, LabNetwork<H>>>;
  readonly #topology: Topology;
  readonly #directory: string;
  readonly #fabric: Fabric;
  readonly #running: ReadonlyMap<string, RunningHost>;
  /** The networks with a way out. */
  readonly #exits: FabricNetwork[];
  #closing: Promise<void> | undefined;

  /** @internal use {@link Lab.create} */
  constructor(key: symbol, topology: Topology, directory: string, fabric: Fabric) {
    if (key !== KEY) throw invalidValue('key', 'unknown to callers: Lab.create({ networks, hosts }) makes labs', key);
    this.#topology = topology;
    this.#directory = directory;
    this.#fabric = fabric;
    const cables = new Map<NetworkPlan, FabricNetwork>(
      topology.networks.map((network) => [network, fabric.addNetwork(network.name, network.faults)]),
    );
    this.#exits = [...cables].filter(([{ hasExit }]) => hasExit).map(([, network]) => network);
    const networks = [...cables].map(([plan, network]) => [plan.name, new LabNetwork<H>(plan, network, topology)]);
    this.networks = Object.freeze(Object.fromEntries(networks));
    this.#running = new Map(topology.hosts.map((host) => [host.name, new RunningHost(this.#bootPlan(host), cables)]));
    const hosts = [...this.#running].map(([name, running]) => [name, new LabHost<N>(running, () => this.hosts)]);
    this.hosts = Object.freeze(Object.fromEntries(hosts));
  }

  /**
   * Makes the networks and the hosts, and waits until all of it works.
   * @throws {TypeError | RangeError} for a configuration that makes no sense, before anything is made: a network that there is
   * not, prefixes that overlap, too many hosts for a prefix, a network that no router joins with the others …
   * @throws {IothError} as the constructor of Stack; ETIMEDOUT where a host gets no address by DHCP
   */
  static async create<const N extends string, const H extends string>(config: LabConfig<N, H>): Promise<Lab<N, H>> {
    const topology = topologyOf(config as LabConfig);
    const directory = makeDirectory();
    let fabric: Fabric | undefined;
    let lab: Lab<N, H> | undefined;
    try {
      fabric = await Fabric.start({ seed: topology.seed });
      lab = new Lab<N, H>(KEY, topology, directory, fabric);
      await lab.#start();
      return lab;
    } catch (error) {
      await lab?.close();
      await fabric?.close();
      removeDirectory(directory);
      throw error;
    }
  }

  /** The seed of its random faults. */
  get seed(): number {
    return this.#topology.seed;
  }

  /** Whether it was closed, or is being closed. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Lets no frame go from a host of one group to one of another, on any network. Those that are in no group are a group
   * together. A router carries packets between the groups that it is reached from: it belongs to one of them.
   * @throws {TypeError} for a host that there is not, or in two groups
   */
  async partition(...groups: (readonly H[])[]): Promise<void> {
    const listed = groups.flat();
    for (const host of listed) this.#host('groups', host);
    const repeated = listed.find((host, position) => listed.indexOf(host) !== position);
    if (repeated !== undefined) throw invalidValue('groups', `with '${repeated}' once`, groups);
    await this.#eachNetwork((network) =>
      network.partition(...groups.map((group) => group.filter((host) => network.hosts.includes(host)))),
    );
  }

  /** Ends the partitions of all networks. */
  async heal(): Promise<void> {
    await this.#eachNetwork((network) => network.heal());
  }

  /** Takes the cables of a host out: it runs on, and nobody hears of it. @throws {TypeError} for a host that there is not */
  async down(host: H): Promise<void> {
    await this.#host('host', host).setUp(false);
  }

  /** Puts the cables of a host in again. @throws {TypeError} for a host that there is not */
  async up(host: H): Promise<void> {
    await this.#host('host', host).setUp(true);
  }

  /**
   * As the reset button: its connections and programs end without a word to their peers, and it comes back with a new stack,
   * the same addresses, and nothing that runs on it but DNS and DHCP of the lab.
   * @returns the host
   * @throws {TypeError} for a host that there is not
   * @throws {IothError} as {@link Lab.create}
   */
  async restart(host: H): Promise<LabHost<N>> {
    await this.#host('host', host).restart();
    return this.hosts[host];
  }

  /** The networks, each one with its hosts under it. */
  toString(): string {
    return drawing(this.#topology);
  }

  /** The same as the text of a mermaid flowchart. */
  diagram(): string {
    return mermaid(this.#topology);
  }

  /** Ends all of it. What hosts have not delivered yet is lost. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    return `Lab <${this.closed ? 'closed' : 'open'}>\n${this.toString()}`;
  }

  async #start(): Promise<void> {
    const all = [...this.#running.values()];
    await Promise.all([
      ...all.map((host) => host.plugIn()),
      ...this.#exits.map((exit) => exit.addPort(EXIT_PORT, EXIT.vnl)),
    ]);
    // servers before those who ask them
    const { dns, dhcp } = this.#topology;
    const isServer = (host: RunningHost) => host.plan === dns || host.plan === dhcp;
    const inOrder = [...all.filter(isServer), ...all.filter((host) => !isServer(host))];
    for (const host of inOrder) await host.boot();
    await Promise.all(all.map((host) => host.acquire()));
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([...this.#running.values()].map((host) => host.close()));
    } finally {
      await this.#fabric.close();
      removeDirectory(this.#directory);
    }
  }

  async #eachNetwork(act: (network: LabNetwork<H>) => Promise<void>): Promise<void> {
    await Promise.all(Object.values<LabNetwork<H>>(this.networks).map(act));
  }

  #bootPlan(host: HostPlan): BootPlan {
    return { topology: this.#topology, host, directory: this.#directory };
  }

  #host(name: string, host: unknown): RunningHost {
    if (this.closed) throw new IothError('ERR_IOTH_LAB', { syscall: 'lab', hint: 'the lab was closed' });
    const running = this.#running.get(checkString(name, host));
    if (running) return running;
    throw invalidValue(name, `a host of the lab (${[...this.#running.keys()].join(', ')})`, host);
  }
}
