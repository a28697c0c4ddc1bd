import type { Gate } from '../gate.js';
import type { NatMapping } from './mapping.js';
import { Nat, NatInside, type NatSettings } from './nat.js';
import type { ForwardPlan, NatPlan } from './options.js';

/** The NATs of a fabric, in its thread: by the names of their routers. */
export class NatCalls {
  readonly #nats = new Map<string, Nat>();

  /** @param onChange gets the mappings that were made or have ended, of the routers that are watched */
  constructor(
    readonly seed: number,
    readonly onChange: (router: string, mapping: NatMapping, isMade: boolean) => void,
  ) {}

  /** When {@link sweep} is due, in milliseconds of performance.now(). */
  get dueAt(): number {
    let dueAt = Number.POSITIVE_INFINITY;
    for (const nat of this.#nats.values()) dueAt = Math.min(dueAt, nat.dueAt);
    return dueAt;
  }

  sweep(now: number): void {
    for (const nat of this.#nats.values()) if (nat.dueAt <= now) nat.sweep(now);
  }

  gate(router: string, isOutside: boolean): Gate {
    const nat = this.#nat(router);
    return isOutside ? nat : new NatInside(nat);
  }

  add(settings: NatSettings): void {
    this.#nats.set(settings.name, new Nat(this.seed, settings));
  }

  restart(router: string, pid: number): void {
    this.#nat(router).restart(pid);
  }

  set(router: string, plan: NatPlan): void {
    this.#nat(router).set(plan);
  }

  flush(router: string): void {
    this.#nat(router).flush();
  }

  mappings(router: string): NatMapping[] {
    return this.#nat(router).mappings(performance.now());
  }

  addForward(router: string, forward: ForwardPlan): void {
    this.#nat(router).addForward(forward);
  }

  requestForward(router: string, forward: ForwardPlan): number {
    return this.#nat(router).requestForward(forward, performance.now());
  }

  removeForward(router: string, forward: Pick<ForwardPlan, 'protocol' | 'port'>): void {
    this.#nat(router).removeForward(forward);
  }

  /** Reports each mapping that is made or ends from now on, or no longer. */
  watch(router: string, isOn: boolean): void {
    this.#nat(router).onChange = isOn ? (mapping, isMade) => this.onChange(router, mapping, isMade) : undefined;
  }

  #nat(router: string): Nat {
    const nat = this.#nats.get(router);
    if (!nat) throw new Error(`no NAT '${router}'`);
    return nat;
  }
}
