import { inspect } from 'node:util';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { checkMilliseconds, checkOptions, invalidValue } from '../core/validate.js';
import type { Stack } from '../stack/stack.js';
import type { LabFirewall } from './firewall.js';
import type { LabNat } from './nat.js';
import type { RunningHost } from './running-host.js';
import { type Attachment, attachmentOn, cablesOf } from './topology/host-plan.js';

/** Options of `host.move`. */
export interface MoveOptions {
  /** The time in which the host is on no network, in milliseconds. Default 0. */
  gap?: number;
}

const MAX_GAP_MS = 3_600_000;

/** A host of a lab. It has a stack of its own, which `lab.restart` replaces by a new one. */
export class LabHost<N extends string = string> {
  readonly #state: RunningHost;
  readonly #all: () => Readonly<Record<string, LabHost<N>>>;
  readonly #nat: LabNat | undefined;
  readonly #firewall: LabFirewall | undefined;
  readonly #onMoved: () => void;

  /**
   * @internal use `lab.hosts`
   * @param onMoved called when the host has moved to another network
   */
  constructor(
    state: RunningHost,
    all: () => Readonly<Record<string, LabHost<N>>>,
    { nat, firewall }: { nat: LabNat | undefined; firewall: LabFirewall | undefined },
    onMoved: () => void,
  ) {
    this.#state = state;
    this.#all = all;
    this.#nat = nat;
    this.#firewall = firewall;
    this.#onMoved = onMoved;
  }

  /** The name of the host. */
  get name(): string {
    return this.#state.plan.name;
  }

  /** The names of its networks, which are the names of its interfaces too; of one that roams, all that it can be on. */
  get networks(): readonly N[] {
    return cablesOf(this.#state.plan).map(({ network }) => network.name as N);
  }

  /** True if the host forwards packets. */
  get isRouter(): boolean {
    return this.#state.plan.isRouter;
  }

  /** True if its cables are plugged in: false after `lab.down`. */
  get isUp(): boolean {
    return this.#state.isUp;
  }

  /** The stack of the host. @throws {IothError} ERR_IOTH_LAB while it restarts, and after the lab is closed */
  get stack(): Stack {
    const { stack } = this.#state;
    if (stack) return stack;
    throw new IothError('ERR_IOTH_LAB', { syscall: 'stack', hint: `host '${this.name}' is not running` });
  }

  /** The NAT of the host. @throws {IothError} ERR_IOTH_LAB if it has none */
  get nat(): LabNat {
    if (this.#nat) return this.#nat;
    throw new IothError('ERR_IOTH_LAB', { syscall: 'nat', hint: `host '${this.name}' has no NAT` });
  }

  /** The firewall of the host. @throws {IothError} ERR_IOTH_LAB if it has none */
  get firewall(): LabFirewall {
    if (this.#firewall) return this.#firewall;
    throw new IothError('ERR_IOTH_LAB', { syscall: 'firewall', hint: `host '${this.name}' has no firewall` });
  }

  /** Calls `fn` with Node's own modules on this host: `stack.run`. @throws as {@link Stack.run}, and {@link stack} */
  run<A extends unknown[], T>(fn: (...args: A) => T, ...args: A): T {
    return this.stack.run(fn, ...args);
  }

  /** Starts a program on this host: `stack.spawn`. It needs no `this`. @throws as {@link Stack.spawn}, and {@link stack} */
  get spawn(): Stack['spawn'] {
    return this.stack.spawn;
  }

  /**
   * Runs a program on this host, and blocks until it ends: `stack.spawnSync`. It needs no `this`.
   * @throws as {@link Stack.spawnSync}, and {@link stack}
   */
  get spawnSync(): Stack['spawnSync'] {
    return this.stack.spawnSync;
  }

  /** Pings a name or an address from this host: `stack.ping`. @throws as {@link Stack.ping}, and {@link stack} */
  ping(...args: Parameters<Stack['ping']>): ReturnType<Stack['ping']> {
    try {
      return this.stack.ping(...args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Returns an address of this host.
   * @param network a network of the host. Default: its first one
   * @param family 4 or 6. Default: 4 if the host has an IPv4 address there, else 6
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for a network that the host is not on, and a family that it does not have there
   */
  address(network?: N, family?: 4 | 6): string {
    const found = network === undefined ? this.#state.plan.attachments[0]! : this.#cable('network', network);
    if (family !== undefined && family !== 4 && family !== 6) throw invalidValue('family', '4 or 6', family);
    const [first] = found.addresses.values();
    const address = family === undefined ? first : found.addresses.get(family === 4 ? AF_INET : AF_INET6);
    if (address !== undefined) return address;
    throw invalidValue('family', `one that network '${found.network.name}' has`, family);
  }

  /**
   * Moves a host that roams from one network to another one: the cable goes, its addresses and routes too; after the gap the next
   * network gives it others, by DHCP or router advertisements if it has them. Its sockets stay open, and those with an old address get nowhere.
   * @throws {TypeError | RangeError} for a network that it is not on, and for a host that does not roam
   * @throws {IothError} ETIMEDOUT if it gets no address by DHCP or router advertisements
   */
  async move(from: N, to: N, options?: MoveOptions): Promise<void> {
    const { gap = 0 } = checkOptions(options, ['gap']);
    checkMilliseconds('options.gap', gap, 0, MAX_GAP_MS);
    const { plan } = this.#state;
    if (!plan.cables)
      throw invalidValue('host', "one that roams: { networks: ['wifi', 'mobile'], roams: true }", this.name);
    const [here, there] = [this.#cable('from', from), this.#cable('to', to)];
    if (here === there || !attachmentOn(plan, here.network)) {
      throw invalidValue('from', `the network that '${this.name}' is on`, from);
    }
    await this.#state.move(here, there, gap, this.#onMoved);
  }

  #cable(name: string, network: N): Attachment {
    const found = cablesOf(this.#state.plan).find((each) => each.network.name === network);
    if (found) return found;
    throw invalidValue(name, `one that '${this.name}' is on (${this.networks.join(', ')})`, network);
  }

  /** The other hosts of its lab. */
  get others(): readonly LabHost<N>[] {
    return Object.values(this.#all()).filter((host) => host !== this);
  }

  /** @internal */
  get state(): RunningHost {
    return this.#state;
  }

  [inspect.custom](): string {
    const addresses = this.#state.plan.attachments.flatMap((each) => [...each.addresses.values()]);
    const state = this.#state.stack === undefined ? ', not running' : this.isUp ? '' : ', down';
    return `LabHost <${this.name}, ${addresses.join(' ')}${this.#nat ? ', NAT' : this.isRouter ? ', router' : ''}${state}>`;
  }
}
