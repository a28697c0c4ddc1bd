import { setImmediate as nextTurn } from 'node:timers/promises';
import { IothError } from '../core/errors.js';
import type { Stack } from '../stack/stack.js';
import { acquireAddresses, type BootPlan, boot, cableOf } from './boot.js';
import type { FabricNetwork } from './fabric/network.js';
import type { HostState } from './host.js';
import type { HostPlan, NetworkPlan } from './topology/plan.js';

/** A host as the lab sees it: its stack, and its cables. */
export class RunningHost implements HostState {
  readonly #boot: BootPlan;
  readonly #networks: ReadonlyMap<NetworkPlan, FabricNetwork>;
  #stack: Stack | undefined;
  #isUp = true;
  #isClosed = false;
  /** What goes on with it: one thing after the other. */
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
        if (!this.#isUp) await network?.setPortUp(this.plan.name, false);
      }),
    );
  }

  /** Makes its stack. The loop turns first: that takes the thread for some milliseconds. */
  async boot(): Promise<void> {
    await nextTurn();
    this.#stack = await boot(this.#boot);
  }

  /** Waits for the addresses that a server gives it. */
  async acquire(): Promise<void> {
    if (this.#stack) await acquireAddresses(this.#stack, this.#boot);
  }

  setUp(isUp: boolean): Promise<void> {
    return this.#next(async () => {
      await this.#setPorts(isUp);
      this.#isUp = isUp;
    });
  }

  /** Ends it as a loss of power does, and starts it again. */
  restart(): Promise<void> {
    return this.#next(async () => {
      // before the stack: nobody shall hear how its connections end
      await this.#unplug();
      await this.#end();
      await this.plugIn();
      await this.boot();
      if (this.#isUp) await this.acquire();
    });
  }

  /** Ends it. Its cables go with the networks. */
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
    await Promise.all(this.#cables().map((network) => network.setPortUp(this.plan.name, isUp)));
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
