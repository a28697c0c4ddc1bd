import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { IothError } from '../core/errors.js';
import type { RouterNat } from '../fabric/nat/router-nat.js';
import type { FabricNetwork } from '../fabric/network.js';
import type { Stack } from '../stack/stack.js';
import { acquireAddresses, arrive, boot, cableOf, leave, makeStack, slaacAttachments } from './boot.js';
import type { BootPlan } from './boot-plan.js';
import { servePortMapping } from './services/port-mapping.js';
import { applySettings, settingsOf } from './settings.js';
import { solicit } from './slaac.js';
import type { NetworkPlan } from './topology/config.js';
import { type Attachment, attachmentOn, cablesOf, type HostPlan, RoamingPlan } from './topology/host-plan.js';

/** The stack and the cables of a host. */
export class RunningHost {
  /** Undefined while the host restarts, and after the lab is closed. */
  stack: Stack | undefined;
  isUp = true;
  /** True once it has the addresses that DHCP and routers give it where it is now. */
  #hasAcquired = false;
  /** The stack until it is configured. */
  #made: Stack | undefined;
  readonly #closing = new AbortController();
  /** The queue of its operations, which run one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(
    readonly bootPlan: BootPlan,
    readonly networks: ReadonlyMap<NetworkPlan, FabricNetwork>,
    readonly nat: RouterNat | undefined,
  ) {}

  get plan(): HostPlan {
    return this.bootPlan.host;
  }

  /** Connects the networks' ends of its cables. */
  async plugIn(): Promise<void> {
    await this.#eachCable(async (network, attachment) => {
      await network.addPort(this.plan.name, cableOf(this.bootPlan, attachment));
      if (!this.isUp || !attachmentOn(this.plan, attachment.network)) await network.down(this.plan.name);
    });
  }

  /** Sets the faults of its own links, before it sends anything. */
  async configureLinks(): Promise<void> {
    await this.#eachCable(async (network, { link }) => {
      if (link) await network.configureLink(this.plan.name, link.up, link.down);
    });
  }

  /** Creates its stack, which blocks the thread for some milliseconds. Lets the event loop turn before that. */
  async makeStack(): Promise<void> {
    await nextTurn();
    this.#made = makeStack(this.bootPlan);
  }

  /** Sets what hosts whose stacks are made need before they {@link boot}. @throws {IothError} */
  static async applySettings(hosts: readonly RunningHost[]): Promise<void> {
    await applySettings(hosts.map((host) => [host.#made!, settingsOf(host.bootPlan)]));
  }

  /** Configures the stack that {@link makeStack} made, and starts its services. */
  async boot(): Promise<void> {
    await nextTurn();
    const stack = this.#made!;
    this.#hasAcquired = false;
    await boot(stack, this.bootPlan);
    this.#made = undefined;
    this.stack = stack;
    await this.nat?.restart(this.stack.daemonPid ?? -1);
    const router = this.bootPlan.topology.nats.get(this.plan);
    if (this.nat && router?.host.nat?.portMapping) servePortMapping(this.stack, router, this.nat);
  }

  /** Waits for its addresses from the DHCP server, and from routers. */
  async acquire(): Promise<void> {
    if (!this.stack) return;
    await acquireAddresses(this.stack, this.bootPlan, this.#closing.signal);
    this.#hasAcquired = true;
  }

  /**
   * Plugs its cables in, or unplugs them. Plugged in, it gets the addresses that it could not get without them.
   * @param onSet called once they are, before it gets an address
   */
  setUp(isUp: boolean, onSet: () => void): Promise<void> {
    return this.#next(async () => {
      await this.#eachCable(async (network, { network: plan }) => {
        if (attachmentOn(this.plan, plan)) await network[isUp ? 'up' : 'down'](this.plan.name);
      });
      this.isUp = isUp;
      onSet();
      const { stack } = this;
      if (!isUp || !stack) return;
      for (const attachment of slaacAttachments(this.bootPlan)) solicit(stack, attachment);
      if (!this.#hasAcquired) await this.acquire();
    });
  }

  /**
   * Moves the host from one network to another one, with a gap in milliseconds between them.
   * @param onMoved called once the host has its new place, before it gets an address there
   */
  move(from: Attachment, to: Attachment, gap: number, onMoved: () => void): Promise<void> {
    return this.#next(async () => {
      const { plan, stack } = this;
      if (!(plan instanceof RoamingPlan) || !stack || plan.attachments[0] !== from) {
        const hint = `host '${plan.name}' is not on network '${from.network.name}'`;
        throw new IothError('ERR_IOTH_LAB', { syscall: 'move', hint });
      }
      await this.networks.get(from.network)!.down(plan.name);
      await leave(stack, this.bootPlan, from);
      await delay(gap, undefined, { signal: this.#closing.signal });
      this.bootPlan.topology.move(plan, to);
      this.#hasAcquired = false;
      onMoved();
      if (this.isUp) await this.networks.get(to.network)!.up(plan.name);
      await applySettings([[stack, settingsOf(this.bootPlan)]]);
      arrive(stack, this.bootPlan);
      if (this.isUp) await this.acquire();
    });
  }

  /** Ends the host like a loss of power, and starts it again. */
  restart(): Promise<void> {
    return this.#next(async () => {
      // before the stack, so that peers do not see its connections end
      await this.#unplug();
      await this.#end();
      await this.plugIn();
      await this.makeStack();
      await RunningHost.applySettings([this]);
      await this.boot();
      if (this.isUp) await this.acquire();
    });
  }

  /** Ends the host. Its cables are closed with the networks. */
  close(): Promise<void> {
    this.#closing.abort();
    this.#queue = this.#queue.then(() => this.#end());
    return this.#queue;
  }

  async #end(): Promise<void> {
    const stack = this.stack ?? this.#made;
    this.stack = undefined;
    this.#made = undefined;
    await stack?.close({ linger: 0 });
  }

  /** Removes the networks' ends of its cables. After a restart that failed, some are not there. */
  async #unplug(): Promise<void> {
    await this.#eachCable(async (network) => {
      if (network.ports.includes(this.plan.name)) await network.removePort(this.plan.name);
    });
  }

  async #eachCable(act: (network: FabricNetwork, attachment: Attachment) => Promise<void>): Promise<void> {
    const acts = cablesOf(this.plan).map((each) => act(this.networks.get(each.network)!, each));
    // if one fails, the others must not go on beside the next operation
    await Promise.allSettled(acts);
    await Promise.all(acts);
  }

  #next(act: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(() => {
      if (this.#closing.signal.aborted)
        throw new IothError('ERR_IOTH_LAB', { syscall: 'lab', hint: 'the lab was closed' });
      return act();
    });
    this.#queue = done.catch(() => {});
    return done;
  }
}
