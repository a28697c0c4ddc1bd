import { FirewallGate } from './firewall.js';
import type { FirewallPlan } from './options.js';

/** The firewalls of a fabric, in its thread: by the names of their hosts. */
export class FirewallCalls {
  readonly #firewalls = new Map<string, FirewallGate>();

  gate(host: string): FirewallGate {
    const found = this.#firewalls.get(host);
    if (!found) throw new Error(`no firewall '${host}'`);
    return found;
  }

  add(host: string, plan: FirewallPlan): void {
    this.#firewalls.set(host, new FirewallGate(plan));
  }

  set(host: string, plan: FirewallPlan): void {
    this.gate(host).plan = plan;
  }

  flush(host: string): void {
    this.gate(host).flush();
  }
}
