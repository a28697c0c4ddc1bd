import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { typedEmitter } from '../core/typed-emitter.js';
import { invalidValue } from '../core/validate.js';
import type { NatMapping } from '../fabric/nat/mapping.js';
import {
  checkForward,
  checkNat,
  type ForwardPlan,
  isSamePort,
  type NatBehavior,
  type NatForward,
  type NatPlan,
  type NatType,
} from '../fabric/nat/options.js';
import type { RouterNat } from '../fabric/nat/router-nat.js';
import type { LabLog } from './log.js';
import type { NatRouter } from './topology/nat-router.js';

/** The events of a {@link LabNat}. */
export interface NatEvents {
  /** A mapping was made. */
  mapping: [mapping: NatMapping];
  /** A mapping has ended. */
  mappingEnd: [mapping: NatMapping];
}

/** A forwarded port, until it is stopped. */
export interface Forwarding extends AsyncDisposable {
  /** Ends it, and its connections' way in. Stopping twice is fine. */
  stop(): Promise<void>;
}

/**
 * The NAT of a router of a lab: RFC 4787 (UDP), 5382 (TCP), 5508 (ICMP). Packets are translated in the thread that forwards, between
 * the router and the network outside. Ports that the router's own sockets have are left to them.
 */
export class LabNat extends typedEmitter<NatEvents>() {
  readonly #nat: RouterNat;
  readonly #router: NatRouter;
  readonly #log: LabLog;
  #plan: NatPlan;
  /** The ports that {@link forward} forwards. */
  readonly #forwards = new Set<ForwardPlan>();

  /** @internal use `host.nat` */
  constructor(nat: RouterNat, router: NatRouter, log: LabLog) {
    super();
    this.#nat = nat;
    this.#router = router;
    this.#log = log;
    this.#plan = router.behavior;
    const emitter = this as unknown as EventEmitter;
    emitter.on('newListener', (event) => void this.#watch(event, true));
    emitter.on('removeListener', (event) => void this.#watch(event, false));
  }

  /** The kind of NAT. */
  get type(): NatType {
    return this.#plan.type;
  }

  /** The network outside. */
  get outside(): string {
    return this.#router.outside.network.name;
  }

  /** The networks inside. */
  get inside(): readonly string[] {
    return this.#router.inside.map(({ name }) => name);
  }

  /** The addresses outside. */
  get addresses(): readonly string[] {
    return this.#router.addresses;
  }

  /**
   * Changes the behaviour from the next packet on: all of it, and the forwarded ports of the configuration too. Mappings that exist
   * stay until they end: call {@link flush} to end them now.
   * @param behavior the kind of NAT, or options
   * @throws {TypeError | RangeError} naming the option
   */
  async set(behavior: NatType | NatBehavior): Promise<void> {
    const plan = checkNat('behavior', behavior, (where, to) => this.#router.resolve(where, to));
    await this.#nat.set(plan);
    this.#plan = plan;
    this.#log.add('nat', `${this.#router.host.name}: ${plan.type}`);
    for (const forward of this.#forwards) await this.#nat.addForward(forward);
  }

  /** Ends all mappings but the forwarded ports, as a router does that is switched off and on. Connections through it end. */
  async flush(): Promise<void> {
    await this.#nat.flush();
    this.#log.add('nat', `${this.#router.host.name}: mappings ended`);
  }

  /** Returns the mappings that exist. Those of the router's own sockets are not among them. */
  mappings(): Promise<NatMapping[]> {
    return this.#nat.mappings();
  }

  /**
   * Forwards a port of the addresses outside to a host inside.
   * @throws {TypeError | RangeError} naming the option, or the port if it is forwarded already
   */
  async forward(forward: NatForward): Promise<Forwarding> {
    const checked = checkForward('forward', forward, (where, to) => this.#router.resolve(where, to));
    if ([...this.#forwards, ...this.#plan.forwards].some((other) => isSamePort(other, checked))) {
      throw invalidValue('forward.port', 'a port that is not forwarded already', forward.port);
    }
    this.#forwards.add(checked);
    await this.#nat.addForward(checked);
    const stop = async () => {
      if (this.#forwards.delete(checked)) await this.#nat.removeForward(checked);
    };
    return { stop, [Symbol.asyncDispose]: stop };
  }

  /** Asks the thread for events only if there is a listener. */
  async #watch(event: string | symbol, isAdded: boolean): Promise<void> {
    if (event !== 'mapping' && event !== 'mappingEnd') return;
    const others = this.listenerCount('mapping') + this.listenerCount('mappingEnd');
    if (others > 0) return;
    const listener = (mapping: NatMapping, isMade: boolean) => this.emit(isMade ? 'mapping' : 'mappingEnd', mapping);
    // a fabric that is gone has no more events
    await this.#nat.watch(isAdded ? listener : undefined).catch(() => {});
  }

  [inspect.custom](): string {
    return `LabNat <${this.#router.host.name}, ${this.type}, ${this.inside.join(' ')} → ${this.outside} ${this.addresses.join(' ')}>`;
  }
}
