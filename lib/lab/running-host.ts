import { setImmediate as nextTurn } from 'node:timers/promises';
import { IothError } from '../core/errors.js';
import type { FabricNetwork } from '../fabric/network.js';
import type { Stack } from '../stack/stack.js';
import { acquireAddresses, type BootPlan, boot, cableOf } from './boot.js';
import type { NetworkPlan } from './topology/config.js';
import type { Attachment, HostPlan } from './topology/topology.js';

/** The stack and the cables of a host. */
export class RunningHost {
  /** Undefined while the host restarts, and after the lab is closed. */
  stack: Stack | undefined;
  isUp = true;
  #isClosed = false;
  /** The queue of its operations, which run one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(
    readonly bootPlan: BootPlan,
    readonly networks: ReadonlyMap<NetworkPlan, FabricNetwork>,
  ) {}

  get plan(): HostPlan {
    return this.bootPlan.host;
  }

  /** Connects the networks' ends of its cables. */
  async plugIn(): Promise<void> {
    await this.#eachCable(async (network, attachment) => {
      await network.addPort(this.plan.name, cableOf(this.bootPlan, attachment));
      if (!this.isUp) await network.down(this.plan.name);
    });
  }

  /** Creates its stack, which blocks the thread for some milliseconds. Lets the event loop turn before that. */
  async boot(): Promise<void> {
    await nextTurn();
    this.stack = await boot(this.bootPlan);
  }

  /** Waits for its addresses from the DHCP server. */
  async acquire(): Promise<void> {
    if (this.stack) await acquireAddresses(this.stack, this.bootPlan);
  }

  setUp(isUp: boolean): Promise<void> {
    return this.#next(async () => {
      await this.#eachCable((network) => network[isUp ? 'up' : 'down'](this.plan.name));
      this.isUp = isUp;
    });
  }

  /** Ends the host like a loss of power, and starts it again. */
  restart(): Promise<void> {
    return this.#next(async () => {
      // before the stack, so that peers do not see its connections end
      await this.#eachCable((network) => network.removePort(this.plan.name));
      await this.#end();
      await this.plugIn();
      await this.boot();
      if (this.isUp) await this.acquire();
    });
  }

  /** Ends the host. Its cables are closed with the networks. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#queue = this.#queue.then(() => this.#end());
    return this.#queue;
  }

  async #end(): Promise<void> {
    const { stack } = this;
    this.stack = undefined;
    await stack?.close({ linger: 0 });
  }

  async #eachCable(act: (network: FabricNetwork, attachment: Attachment) => Promise<void>): Promise<void> {
    await Promise.all(this.plan.attachments.map((each) => act(this.networks.get(each.network)!, each)));
  }

  #next(act: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(() => {
      if (this.#isClosed) throw new IothError('ERR_IOTH_LAB', { syscall: 'lab', hint: 'the lab was closed' });
      return act();
    });
    this.#queue = done.catch(() => {});
    return done;
  }
}
