import { setImmediate as nextTurn } from 'node:timers/promises';
import { IothError } from '../core/errors.js';
import type { FabricNetwork } from '../fabric/network.js';
import type { Stack } from '../stack/stack.js';
import { acquireAddresses, type BootPlan, boot, cableOf } from './boot.js';
import type { HostState } from './host.js';
import type { NetworkPlan } from './topology/config.js';
import type { HostPlan } from './topology/topology.js';

/** The stack and the cables of a host. */
export class RunningHost implements HostState {
  readonly #boot: BootPlan;
  readonly #networks: ReadonlyMap<NetworkPlan, FabricNetwork>;
  #stack: Stack | undefined;
  #isUp = true;
  #isClosed = false;
  /** The queue of its operations, which run one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(plan: BootPlan, networks: ReadonlyMap<NetworkPlan, FabricNetwork>) {
    this.#boot = plan;
    this.#networks = networks;
  }

  get plan(): HostPlan {
    return this.#boot.host;
  }

  get stack(): Stack | undefined {
    return this.#stack;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Connects the networks' ends of its cables. */
  async plugIn(): Promise<void> {
    await Promise.all(
      this.plan.attachments.map(async (attachment) => {
        const network = this.#networks.get(attachment.network);
        await network?.addPort(this.plan.name, cableOf(this.#boot, attachment));
        if (!this.#isUp) await network?.down(this.plan.name);
      }),
    );
  }

  /** Creates its stack, which blocks the thread for some milliseconds. Lets the event loop turn before that. */
  async boot(): Promise<void> {
    await nextTurn();
    this.#stack = await boot(this.#boot);
  }

  /** Waits for its addresses from the DHCP server. */
  async acquire(): Promise<void> {
    if (this.#stack) await acquireAddresses(this.#stack, this.#boot);
  }

  setUp(isUp: boolean): Promise<void> {
    return this.#next(async () => {
      await this.#setPorts(isUp);
      this.#isUp = isUp;
    });
  }

  /** Ends the host like a loss of power, and starts it again. */
  restart(): Promise<void> {
    return this.#next(async () => {
      // before the stack, so that peers do not see its connections end
      await this.#unplug();
      await this.#end();
      await this.plugIn();
      await this.boot();
      if (this.#isUp) await this.acquire();
    });
  }

  /** Ends the host. Its cables are closed with the networks. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#queue = this.#queue.then(() => this.#end());
    return this.#queue;
  }

  async #end(): Promise<void> {
    const stack = this.#stack;
    this.#stack = undefined;
    await stack?.close({ linger: 0 });
  }

  async #unplug(): Promise<void> {
    await Promise.all(this.#cables().map((network) => network.removePort(this.plan.name)));
  }

  async #setPorts(isUp: boolean): Promise<void> {
    await Promise.all(this.#cables().map((network) => network[isUp ? 'up' : 'down'](this.plan.name)));
  }

  #cables(): FabricNetwork[] {
    return this.plan.attachments.flatMap(({ network }) => this.#networks.get(network) ?? []);
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
