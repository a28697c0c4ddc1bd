import type { FabricNetwork } from '../network.js';
import type { WorkerThread } from '../worker-thread.js';
import type { FirewallPlan } from './options.js';

/** The firewall of a host, from the side of the thread that made the fabric. */
export class HostFirewall {
  readonly #thread: WorkerThread;
  readonly #host: string;

  private constructor(thread: WorkerThread, host: string) {
    this.#thread = thread;
    this.#host = host;
  }

  /** Creates the firewall of a host on some networks, whose ports have its name. The next call reports a failure. */
  static create(host: string, plan: FirewallPlan, networks: readonly FabricNetwork[]): HostFirewall {
    const { thread } = networks[0]!;
    for (const { name } of networks) thread.call('addFirewall', name, host, plan).catch(() => {});
    return new HostFirewall(thread, host);
  }

  set(plan: FirewallPlan): Promise<void> {
    return this.#thread.callOf('firewall', this.#host, 'set', plan);
  }

  flush(): Promise<void> {
    return this.#thread.callOf('firewall', this.#host, 'flush');
  }
}
