import { randomInt } from 'node:crypto';
import { IothError } from '../core/errors.js';
import { atExit } from '../core/exit-hook.js';
import { checkInteger, checkOptions, checkString, invalidValue } from '../core/validate.js';
import { checkFaults, type LinkFaults } from './faults.js';
import { HostFirewall } from './firewall/host-firewall.js';
import type { FirewallPlan } from './firewall/options.js';
import type { NatSettings } from './nat/nat.js';
import { type InsideNetwork, RouterNat } from './nat/router-nat.js';
import { FabricNetwork } from './network.js';
import { WorkerThread } from './worker-thread.js';

/** Options of {@link Fabric.start}. */
export interface FabricOptions {
  /** The seed of all random faults, an integer from 0. Default: a random one. */
  seed?: number;
  /**
   * The number of worker threads that forward, from 1 to 64. Networks are given to them in turn. Each takes some 13 MB, and all
   * that a busy network needs of a processor. Default 1.
   */
  threads?: number;
}

const MAX_RANDOM_SEED = 2 ** 32;
const MAX_THREADS = 64;

/** The open fabrics of this thread. */
const open = new Set<Fabric>();

/**
 * Networks with faults. Worker threads do all forwarding, so that a busy program does not change its timing. A fabric does not
 * keep the process alive; the end of the process closes it.
 *
 * With the same seed, frame number n of a direction has the same random faults; n counts from the first frame between the two
 * ports. Other traffic does not change that: the random numbers depend only on the seed, the names of the network and of the two
 * ports, and n.
 */
export class Fabric {
  /** The seed of its random faults. */
  readonly seed: number;
  readonly #threads: readonly WorkerThread[];
  readonly #networks = new Map<string, FabricNetwork>();
  #closing: Promise<void> | undefined;

  private constructor(threads: readonly WorkerThread[], seed: number) {
    this.#threads = threads;
    this.seed = seed;
    open.add(this);
    atExit(closeAllSync);
  }

  /**
   * Starts the worker threads.
   * @throws {IothError} ERR_IOTH_FABRIC if one cannot be started; EMFILE
   * @throws {TypeError | RangeError} for invalid options
   */
  static async start(options?: FabricOptions): Promise<Fabric> {
    const { seed = randomInt(MAX_RANDOM_SEED), threads = 1 } = checkOptions(options, ['seed', 'threads']);
    checkInteger('options.seed', seed, 0, Number.MAX_SAFE_INTEGER);
    return new Fabric(await startThreads(checkThreads('options.threads', threads), seed), seed);
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Creates a network without ports.
   * @param faults of all directions between ports; see {@link FabricNetwork.set}. `network.reset()` brings them back
   * @throws {IothError} EEXIST (the name is taken), ERR_IOTH_FABRIC (it is closed)
   * @throws {TypeError | RangeError} naming the fault
   */
  addNetwork(name: string, faults?: LinkFaults): FabricNetwork {
    return this.addNetworkOn(this.#networks.size % this.#threads.length, name, faults);
  }

  /** @internal Creates a network on the thread with that number. A NAT or firewall has all its networks on the same */
  addNetworkOn(thread: number, name: string, faults?: LinkFaults): FabricNetwork {
    if (checkString('name', name) === '') throw invalidValue('name', 'the name of a network', name);
    const plan = checkFaults(faults);
    if (this.closed) throw new IothError('ERR_IOTH_FABRIC', { syscall: 'addNetwork', hint: 'the fabric is closed' });
    if (this.#networks.has(name)) {
      throw new IothError('EEXIST', { syscall: 'addNetwork', hint: `there is a network '${name}' already` });
    }
    const network = new FabricNetwork(this.#threads[thread]!, name, plan);
    this.#networks.set(name, network);
    return network;
  }

  /** @internal Creates a cable: a frame from one of its two ports goes to the other, whatever its MACs are */
  addWire(name: string): FabricNetwork {
    const network = this.addNetwork(name);
    network.thread.call('becomeWire', name).catch(() => {});
    return network;
  }

  /** @internal Puts a NAT between a router and a network outside */
  addNat(settings: NatSettings, outside: FabricNetwork, inside: readonly InsideNetwork[]): RouterNat {
    return RouterNat.create(settings, outside, inside);
  }

  /** @internal Puts a firewall between a host and some networks */
  addFirewall(host: string, plan: FirewallPlan, networks: readonly FabricNetwork[]): HostFirewall {
    return HostFirewall.create(host, plan, networks);
  }

  /** Closes all ports and ends the worker threads. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
    await Promise.all([...this.#networks.values()].map((network) => network.closePorts()));
    open.delete(this);
  }

  /** @internal Closes it at the end of the process */
  closeSync(): void {
    WorkerThread.endSync(this.#threads);
    for (const network of this.#networks.values()) network.closePortsSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closeAllSync(): void {
  for (const fabric of open) fabric.closeSync();
}

/** Checks a number of threads that forward. */
export function checkThreads(name: string, threads: unknown): number {
  return checkInteger(name, threads, 1, MAX_THREADS);
}

async function startThreads(count: number, seed: number): Promise<WorkerThread[]> {
  const starts = await Promise.allSettled(Array.from({ length: count }, () => WorkerThread.start(seed)));
  const failed = starts.find((start) => start.status === 'rejected');
  const threads = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  if (!failed) return threads;
  await Promise.all(threads.map((thread) => thread.end()));
  throw failed.reason;
}
