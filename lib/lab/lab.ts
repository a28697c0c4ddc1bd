import { inspect } from 'node:util';
import { checkRuntime } from '../../ffi/runtime.js';
import { parseMac } from '../address/mac.js';
import { IothError } from '../core/errors.js';
import { checkEach, checkString, invalidValue } from '../core/validate.js';
import { type CutDirections, checkCut } from '../fabric/directions.js';
import { Fabric } from '../fabric/fabric.js';
import type { FirewallPlan } from '../fabric/firewall/options.js';
import { addressNumber } from '../fabric/nat/ipv4-packet.js';
import type { RouterNat } from '../fabric/nat/router-nat.js';
import type { FabricNetwork } from '../fabric/network.js';
import { writeHostsTable } from './boot.js';
import { makeDirectory, removeDirectory } from './directory.js';
import { LabFirewall } from './firewall.js';
import { LabHost } from './host.js';
import { LabLog } from './log.js';
import { LabNat } from './nat.js';
import { checkGroups, LabNetwork } from './network.js';
import { RunningHost } from './running-host.js';
import { EXIT, type LabConfig, type NetworkPlan } from './topology/config.js';
import { diagram } from './topology/diagram.js';
import type { DiagramOptions } from './topology/diagram-options.js';
import { drawing, type LabNow } from './topology/drawing.js';
import { type ForwardingPlan, forwardingPlan } from './topology/forwarding.js';
import { attachmentOn, currentNetwork, guardedBy, type HostPlan } from './topology/host-plan.js';
import type { NatRouter } from './topology/nat-router.js';
import { Topology } from './topology/topology.js';
import type { LabPage, ReportOptions, ServeOptions } from './web/options.js';
import type { PageState } from './web/protocol.js';
import type { ShownLab } from './web/shown-lab.js';

const KEY = Symbol('Lab');
/** The port of a way out. No host can have this name. */
const EXIT_PORT = 'exit (slirp)';

/**
 * A network laboratory in this process: hosts with real TCP/IP stacks, on networks whose links can have faults.
 * `await Lab.create({ networks, hosts })` makes one. `close()` or `await using` ends it and leaves nothing behind.
 */
export class Lab<N extends string = string, H extends string = string> {
  /** The hosts by name. */
  readonly hosts: Readonly<Record<H, LabHost<N>>>;
  /** The networks by name. */
  readonly networks: Readonly<Record<N, LabNetwork<H>>>;
  readonly #topology: Topology;
  readonly #log: LabLog;
  readonly #pages = new Set<AsyncDisposable>();
  readonly #directory: string;
  readonly #fabric: Fabric;
  readonly #running: ReadonlyMap<string, RunningHost>;
  /** The networks with a way out. */
  readonly #exits: FabricNetwork[];
  #closing: Promise<void> | undefined;

  /** @internal use {@link Lab.create} */
  constructor(key: symbol, topology: Topology, directory: string, fabric: Fabric, forwarding: ForwardingPlan) {
    if (key !== KEY) throw invalidValue('key', 'internal: use Lab.create({ networks, hosts })', key);
    this.#topology = topology;
    this.#directory = directory;
    this.#fabric = fabric;
    this.#log = new LabLog(() => this.#state);
    const cables = new Map<NetworkPlan, FabricNetwork>(
      topology.networks.map((plan) => {
        return [plan, fabric.addNetworkOn(forwarding.threadOf.get(plan)!, plan.name, plan.faults)];
      }),
    );
    this.#exits = [...cables].filter(([{ hasExit }]) => hasExit).map(([, network]) => network);
    const networks = [...cables].map(([plan, network]) => [
      plan.name,
      new LabNetwork<H>(plan, network, topology, this.#log),
    ]);
    this.networks = Object.freeze(Object.fromEntries(networks));
    const nats = new Map([...topology.nats.values()].map((router) => [router, addNat(fabric, router, cables)]));
    this.#running = new Map(
      topology.hosts.map((host) => {
        const nat = nats.get(topology.nats.get(host)!);
        return [host.name, new RunningHost({ topology, host, directory }, cables, nat)];
      }),
    );
    const hosts = [...this.#running].map(([name, running]) => {
      const router = topology.nats.get(running.plan);
      const nat = router && new LabNat(nats.get(router)!, router, this.#log);
      const firewall = topology.firewalls.get(running.plan);
      const gates = { nat, firewall: firewall && addFirewall(fabric, topology, running.plan, firewall, cables) };
      return [
        name,
        new LabHost<N>(
          running,
          () => this.hosts,
          gates,
          () => this.#onMoved(name),
        ),
      ];
    });
    this.hosts = Object.freeze(Object.fromEntries(hosts));
  }

  /**
   * Creates the networks and the hosts, and waits until all of them work.
   * @throws {TypeError | RangeError} for an invalid configuration, before anything is created: an unknown network, prefixes that
   * overlap, too many hosts for a prefix, a network that no router joins with the others …
   * @throws {IothError} as the constructor of Stack; ETIMEDOUT if a host gets no address by DHCP or router advertisements
   */
  static async create<const N extends string, const H extends string>(config: LabConfig<N, H>): Promise<Lab<N, H>> {
    const topology = new Topology(config as LabConfig);
    checkRuntime();
    const directory = makeDirectory();
    let fabric: Fabric | undefined;
    let lab: Lab<N, H> | undefined;
    try {
      const forwarding = forwardingPlan(topology);
      fabric = await Fabric.start({ seed: topology.seed, threads: forwarding.threads });
      lab = new Lab<N, H>(KEY, topology, directory, fabric, forwarding);
      await lab.#start();
      return lab;
    } catch (error) {
      await lab?.close();
      await fabric?.close();
      removeDirectory(directory);
      throw error;
    }
  }

  /** The seed of the random faults. */
  get seed(): number {
    return this.#topology.seed;
  }

  /** True if the lab is closed, or closing. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Blocks all frames between hosts of different groups, on every network. Hosts that are in no group form one more group. A
   * router belongs to one group too: only hosts of that group reach it.
   * @throws {TypeError} for an unknown host, or a host in two groups
   */
  async partition(...groups: (readonly H[])[]): Promise<void> {
    const checked = checkGroups(groups, (_, host) => this.#host('groups', host).plan.name as H);
    await this.#eachNetwork((network) =>
      network.partition(...checked.map((group) => group.filter((host) => network.hosts.includes(host)))),
    );
  }

  /**
   * Cuts one direction between hosts, on each network that they share: no frame from `from` gets to `to`. See
   * {@link LabNetwork.cut}.
   * @throws {TypeError} for an unknown host, and for two hosts that share no network
   */
  async cut(path: CutDirections<H>): Promise<void>;
  /** Cuts both directions between a and b, each a host or several. @throws {TypeError} as for one direction */
  async cut(a: H | readonly H[], b: H | readonly H[]): Promise<void>;
  async cut(a: unknown, b?: unknown): Promise<void> {
    const cuts = checkCut(a, b, (name, value) => this.#hostNames(name, value));
    for (const { from = [], to = [] } of cuts) {
      for (const one of from) for (const other of to) this.#checkShared(one, other);
    }
    await this.#eachNetwork(async (network) => {
      const here = (names?: readonly string[]) => names && network.hosts.filter((host) => names.includes(host));
      for (const { from, to } of cuts) await network.cut({ from: here(from), to: here(to) });
    });
  }

  /** Ends the partitions and the cuts of all networks. Faults stay as they are. */
  async heal(): Promise<void> {
    await this.#eachNetwork((network) => network.heal());
  }

  /** Brings back the faults of the configuration on all networks, after `set`. */
  async reset(): Promise<void> {
    await this.#eachNetwork((network) => network.reset());
  }

  /** Unplugs the cables of a host. It keeps running, and its peers are not told. @throws {TypeError} for an unknown host */
  async down(host: H): Promise<void> {
    await this.#host('host', host).setUp(false, () => this.#log.add('host', `${host} is down`));
  }

  /**
   * Plugs the cables of a host in again. If it restarted or moved without them, it gets its addresses now.
   * @throws {TypeError} for an unknown host
   * @throws {IothError} ETIMEDOUT if it gets no address by DHCP or router advertisements
   */
  async up(host: H): Promise<void> {
    await this.#host('host', host).setUp(true, () => this.#log.add('host', `${host} is up`));
  }

  /**
   * Restarts a host, like a reset button. Its connections and programs end without a word to their peers. It gets a new stack
   * with the same addresses. Only the lab's own services start again on it: DNS, DHCP, router advertisements.
   * @returns the host
   * @throws {TypeError} for an unknown host
   * @throws {IothError} as {@link Lab.create}
   */
  async restart(host: H): Promise<LabHost<N>> {
    await this.#host('host', host).restart();
    this.#log.add('host', `${host} restarted`);
    return this.hosts[host];
  }

  /** Returns the networks as text, as they are now: each one with its faults, its partition and its hosts under it. */
  toString(): string {
    return drawing(this.#topology, this.#now);
  }

  /**
   * Returns a drawing of the networks and hosts: the text of a mermaid flowchart, or with `{ format: 'svg' }` an image. By default it
   * shows them as they are now.
   * @throws {TypeError} for invalid options
   */
  diagram(options?: DiagramOptions): string {
    return diagram(this.#topology, this.#now, options);
  }

  /**
   * Serves a page that shows the lab live, and controls it, to browsers of this machine: on 127.0.0.1, at a URL with a secret.
   * @returns its `url`; `close()` ends it, and so does the end of the lab
   * @throws {TypeError | RangeError} for an invalid port
   * @throws {IothError} EADDRINUSE; ERR_IOTH_LAB if the lab is closed before the page is ready
   */
  async serve(options?: ServeOptions): Promise<LabPage> {
    this.#checkOpen();
    const { servePage } = await import('./web/serve.js');
    const page = await servePage(this.#shown, options);
    // while it started
    if (this.closed) await page.close();
    this.#checkOpen();
    this.#pages.add(page);
    return page;
  }

  /**
   * Writes a page with the topology, the events, and the last 1000 frames of each network to one file, which a browser opens by
   * itself.
   * @throws {Error} of fs.writeFile
   */
  async report(file: string | URL, options?: ReportOptions): Promise<void> {
    this.#checkOpen();
    const { writeReport } = await import('./web/report.js');
    await writeReport(this.#shown, file, options);
  }

  /** Closes the lab. Data that hosts have not delivered yet is lost. Closing twice is fine. */
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
    for (const host of all) await host.configureLinks();
    // all stacks first: after each clone the kernel copies the pages that are written
    for (const host of all) await host.makeStack();
    await RunningHost.applySettings(all);
    // servers before their clients
    const { dns, dhcp } = this.#topology;
    const isAdvertised = ({ isRouter, attachments }: HostPlan) =>
      isRouter && attachments.some(({ network }) => network.ra);
    const isServer = ({ plan }: RunningHost) => plan === dns || plan === dhcp || isAdvertised(plan);
    const inOrder = [...all.filter(isServer), ...all.filter((host) => !isServer(host))];
    for (const host of inOrder) await host.boot();
    await Promise.all(all.map((host) => host.acquire()));
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([...this.#pages].map((page) => page[Symbol.asyncDispose]()));
      await Promise.all([...this.#running.values()].map((host) => host.close()));
    } finally {
      await this.#fabric.close();
      removeDirectory(this.#directory);
    }
  }

  /** Writes the tables of names again, after a host has other addresses. */
  #renewTables(): void {
    for (const { bootPlan } of this.#running.values()) writeHostsTable(bootPlan);
  }

  #onMoved(host: string): void {
    this.#renewTables();
    this.#log.add('move', `${host} moved to ${currentNetwork(this.#running.get(host)!.plan).name}`);
  }

  get #shown(): ShownLab {
    return { lab: this as unknown as ShownLab['lab'], topology: this.#topology, log: this.#log };
  }

  /** What may change of it, as data. */
  get #state(): PageState {
    const networks = Object.values<LabNetwork<H>>(this.networks).map(({ name, now }) => [name, now.state]);
    const hosts = [...this.#running].map(([name, { isUp, plan }]) => [
      name,
      { isUp, on: plan.attachments.map(({ network }) => network.name) },
    ]);
    return { networks: Object.fromEntries(networks), hosts: Object.fromEntries(hosts) };
  }

  async #eachNetwork(act: (network: LabNetwork<H>) => Promise<void>): Promise<void> {
    await Promise.all(Object.values<LabNetwork<H>>(this.networks).map(act));
  }

  /** Refuses two hosts without a network that both are on: only a router's own ways can be cut there. */
  #checkShared(one: string, other: string): void {
    const [networks = [], others = []] = [one, other].map((host) => this.hosts[host as H].networks);
    if (networks.some((network) => others.includes(network))) return;
    throw invalidValue(`'${one}'`, `on a network of '${other}': cut it from the router between them`, networks);
  }

  #hostNames(name: string, value: unknown): string[] | undefined {
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? value : [value];
    return checkEach(name, 'a list', list, (_, host) => this.#host(name, host).plan.name);
  }

  get #now(): LabNow {
    return {
      network: ({ name }) => this.networks[name as N].now,
      isDown: ({ name }) => !this.#running.get(name)?.isUp,
      natType: ({ name, nat }) => nat && this.hosts[name as H].nat.type,
      isOn: (host, network) => attachmentOn(host, network) !== undefined,
    };
  }

  #checkOpen(): void {
    if (this.closed) throw new IothError('ERR_IOTH_LAB', { syscall: 'lab', hint: 'the lab was closed' });
  }

  #host(name: string, host: unknown): RunningHost {
    this.#checkOpen();
    const running = this.#running.get(checkString(name, host));
    if (running) return running;
    throw invalidValue(name, `a host of the lab (${[...this.#running.keys()].join(', ')})`, host);
  }
}

function addNat(fabric: Fabric, router: NatRouter, cables: ReadonlyMap<NetworkPlan, FabricNetwork>): RouterNat {
  const { host, outside, behavior, addresses, nat64Networks, prefixes6 } = router;
  const mac = parseMac(outside.mac);
  const nat64For = (network: NetworkPlan) => {
    const place = nat64Networks.indexOf(network);
    return place < 0 ? undefined : { mac: parseMac(attachmentOn(host, network)!.mac), place };
  };
  return fabric.addNat(
    { name: host.name, plan: behavior, addresses: addresses.map(addressNumber), mac, prefixes6, pid: -1 },
    cables.get(outside.network)!,
    router.inside.map((network) => ({ network: cables.get(network)!, nat64: nat64For(network) })),
  );
}

function addFirewall(
  fabric: Fabric,
  topology: Topology,
  host: HostPlan,
  plan: FirewallPlan,
  cables: ReadonlyMap<NetworkPlan, FabricNetwork>,
): LabFirewall {
  const networks = guardedBy(host).map((network) => cables.get(network)!);
  return new LabFirewall(fabric.addFirewall(host.name, plan, networks), topology.addressesByName);
}
