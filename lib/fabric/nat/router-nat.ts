import type { Nat64Settings } from '../nat64/nat64.js';
import type { FabricNetwork } from '../network.js';
import type { WorkerThread } from '../worker-thread.js';
import type { NatMapping } from './mapping.js';
import type { NatSettings } from './nat.js';
import type { ForwardPlan, NatPlan } from './options.js';

/** A network inside of a NAT. */
export interface InsideNetwork {
  readonly network: FabricNetwork;
  /** What translates its IPv6 to IPv4. */
  readonly nat64?: Nat64Settings | undefined;
}

/** The NAT of a router, from the side of the thread that made the fabric. */
export class RouterNat {
  readonly #thread: WorkerThread;
  readonly #router: string;

  private constructor(thread: WorkerThread, router: string) {
    this.#thread = thread;
    this.#router = router;
  }

  /** Creates the NAT of a router, whose ports have its name. Calls are served in order: the next one reports a failure. */
  static create(settings: NatSettings, outside: FabricNetwork, inside: readonly InsideNetwork[]): RouterNat {
    const { name } = settings;
    const { thread } = outside;
    thread.call('addNat', outside.name, settings).catch(() => {});
    for (const { network, nat64 } of inside) thread.call('addNatInside', network.name, name, nat64).catch(() => {});
    return new RouterNat(thread, name);
  }

  /** Forgets all mappings. @param pid a process in the network namespace of the router, which is a new one */
  restart(pid: number): Promise<void> {
    return this.#thread.callOf('nat', this.#router, 'restart', pid);
  }

  set(plan: NatPlan): Promise<void> {
    return this.#thread.callOf('nat', this.#router, 'set', plan);
  }

  flush(): Promise<void> {
    return this.#thread.callOf('nat', this.#router, 'flush');
  }

  mappings(): Promise<NatMapping[]> {
    return this.#thread.callOf('nat', this.#router, 'mappings');
  }

  addForward(forward: ForwardPlan): Promise<void> {
    return this.#thread.callOf('nat', this.#router, 'addForward', forward);
  }

  /** Forwards the port asked for, or another free one. Returns it; -1 if there is none. */
  requestForward(forward: ForwardPlan): Promise<number> {
    return this.#thread.callOf('nat', this.#router, 'requestForward', forward);
  }

  /** Returns whether a port is forwarded so. */
  hasForward(forward: ForwardPlan): Promise<boolean> {
    return this.#thread.callOf('nat', this.#router, 'hasForward', forward);
  }

  /** Ends the forwarding of a port, unless it leads elsewhere by now. */
  removeForward(forward: ForwardPlan): Promise<void> {
    return this.#thread.callOf('nat', this.#router, 'removeForward', forward);
  }

  /** Reports each mapping that is made or ends. Without a listener it ends that. */
  async watch(listener: ((mapping: NatMapping, isMade: boolean) => void) | undefined): Promise<void> {
    if (listener) this.#thread.nats.set(this.#router, listener);
    else this.#thread.nats.delete(this.#router);
    await this.#thread.callOf('nat', this.#router, 'watch', listener !== undefined);
  }
}
