import { inspect } from 'node:util';
import type { HostFirewall } from '../fabric/firewall/host-firewall.js';
import { checkFirewall, type Firewall } from '../fabric/firewall/options.js';

/** The firewall of a host of a lab: for all packets of the host or, of a router, for those that pass its network outside. */
export class LabFirewall {
  readonly #firewall: HostFirewall;
  readonly #resolve: (name: string) => readonly string[] | undefined;

  /** @internal use `host.firewall` */
  constructor(firewall: HostFirewall, resolve: (name: string) => readonly string[] | undefined) {
    this.#firewall = firewall;
    this.#resolve = resolve;
  }

  /**
   * Changes the rules from the next packet on. Conversations that were accepted go on: call {@link flush} to end them.
   * @throws {TypeError | RangeError} naming the rule
   */
  async set(firewall: Firewall): Promise<void> {
    await this.#firewall.set(checkFirewall('firewall', firewall, this.#resolve));
  }

  /** Forgets the conversations that were accepted: their next packets need a rule. */
  async flush(): Promise<void> {
    await this.#firewall.flush();
  }

  [inspect.custom](): string {
    return 'LabFirewall {}';
  }
}
