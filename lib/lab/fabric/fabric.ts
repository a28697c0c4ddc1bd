import { randomInt } from 'node:crypto';
import { IothError } from '../../core/errors.js';
import { atExit } from '../../core/exit-hook.js';
import { checkInteger, checkOptions, checkString, invalidValue } from '../../core/validate.js';
import { checkFaults, type LinkFaults } from './faults.js';
import { FabricNetwork } from './network.js';
import { WorkerThread } from './worker-thread.js';

/** How {@link Fabric.start} starts. */
export interface FabricOptions {
  /** What all random faults follow from, an integer from 0: any, unless it is given. */
  seed?: number;
}

const MAX_SEED = Number.MAX_SAFE_INTEGER;
const MAX_RANDOM_SEED = 2 ** 32;

/** Those of this thread that are open. */
const open = new Set<Fabric>();
let isHooked = false;

/** @throws {TypeError | RangeError} */
export function checkSeed(seed: unknown): number {
  return seed === undefined ? randomInt(MAX_RANDOM_SEED) : checkInteger('options.seed', seed, 0, MAX_SEED);
}

/**
 * Networks with faults: all their forwarding is in one worker thread, whose times a busy program does not bend. It does not
 * keep the process alive; the end of the process closes it.
 *
 * With the same seed frame number n of a direction, counted from the first one that its two ports exchanged, meets the same
 * fate. What happens elsewhere doesn't change that: a direction's random numbers follow from the seed, the names of the network
 * and of the two ports, and n.
 */
export class Fabric {
  /** What its random faults follow from. */
  readonly seed: number;
  readonly #thread: WorkerThread;
  readonly #networks = new Map<string, FabricNetwork>();
  #closing: Promise<void> | undefined;

  private constructor(thread: WorkerThread, seed: number) {
    this.#thread = thread;
    this.seed = seed;
    open.add(this);
    if (isHooked) return;
    isHooked = true;
    atExit(closeAllSync);
  }

  /**
   * Starts the worker thread.
   * @throws {IothError} ERR_IOTH_FABRIC where it cannot be started; EMFILE
   * @throws {TypeError | RangeError} for options that make no sense
   */
  static async start(options?: FabricOptions): Promise<Fabric> {
    const seed = checkSeed(checkOptions(options, ['seed']).seed);
    return new Fabric(await WorkerThread.start(seed), seed);
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * A new network, without ports.
   * @param faults of all directions; see {@link FabricNetwork.set}
   * @throws {IothError} EEXIST (the name is taken), ERR_IOTH_FABRIC (it is closed)
   * @throws {TypeError | RangeError} naming the fault
   */
  addNetwork(name: string, faults?: LinkFaults): FabricNetwork {
    return this.#addNetwork(name, faults, false);
  }

  /** @internal a cable: what comes at one of its two ports leaves at the other, whatever its MACs are */
  addWire(name: string): FabricNetwork {
    return this.#addNetwork(name, undefined, true);
  }

  #addNetwork(name: string, faults: LinkFaults | undefined, isWire: boolean): FabricNetwork {
    if (checkString('name', name) === '') throw invalidValue('name', 'the name of a network', name);
    const plan = checkFaults(faults);
    if (this.closed) throw new IothError('ERR_IOTH_FABRIC', { syscall: 'addNetwork', hint: 'the fabric is closed' });
    if (this.#networks.has(name)) {
      throw new IothError('EEXIST', { syscall: 'addNetwork', hint: `there is a network '${name}' already` });
    }
    const network = new FabricNetwork(this.#thread, name);
    this.#networks.set(name, network);
    // calls are served in their order; where the thread is gone the next one says so
    this.#thread.call('addNetwork', name, isWire).catch(() => {});
    const rule = { from: undefined, to: undefined, plan };
    if (plan) this.#thread.call('setFaults', name, rule).catch(() => {});
    return network;
  }

  /** Closes all ports and ends the worker thread. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#thread.end();
    // a port in use stays: the end of the process closes its descriptors
    if (this.#thread.isIdle) await Promise.all([...this.#networks.values()].map((network) => network.closePorts()));
    open.delete(this);
  }

  /** @internal at the end of the process */
  closeSync(): void {
    this.#thread.endSync();
    if (this.#thread.isIdle) for (const network of this.#networks.values()) network.closePortsSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closeAllSync(): void {
  for (const fabric of open) fabric.closeSync();
}
