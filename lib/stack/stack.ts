import { inspect } from 'node:util';
import type { StackPointer } from '../../ffi/ioth.js';
import { type ConfigEvents, type ConfigOptions, StackConfig } from '../config/index.js';
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { registerFinalizer } from '../core/finalization.js';
import type { ProviderName } from '../core/provider.js';
import { checkInteger } from '../core/validate.js';
import { Resolver } from '../dns/resolver.js';
import { type StackDns, stackDns } from '../node/dns.js';
import { adopt } from '../socket/adopt.js';
import { Descriptor } from '../socket/descriptor.js';
import { type DatagramSocket, type Incoming, type ListeningSocket, Socket } from '../socket/socket.js';
import { checkStackOptions, namedOptions, type StackOptions, type StackSettings } from './arguments.js';
import { type CloseOptions, checkCloseOptions, lingerLimits } from './close-options.js';
import { NativeStack } from './native-stack.js';
import { checkWait, whenNetworkIsThere, whenNetworkIsThereSync } from './network-wait.js';
import { listStack } from './open-stacks.js';
import { baseName } from './plugin.js';
import type { Programs } from './programs/programs.js';
import { checkSocketArguments, type DatagramType, type StreamType } from './socket-stack.js';
import { ToolsStack } from './tools-stack.js';

const MAX_BUSY_POLL_USECS = 1_000_000;

/**
 * A TCP/IP stack: made, joined to virtual networks, configured and used inside this process.
 *
 * Configuration methods have the names of ioth(3) and nlinline(3), and speak rtnetlink with the stack. If the stack refuses a
 * request, the error is an {@link IothError} with the kernel's errno and, if the stack gave one, its explanation.
 */
export class Stack extends ToolsStack {
  /** The plugin: 'vdestack', 'kernel', 'picox' … */
  readonly name: string;
  /** The virtual networks that it joined. */
  readonly vnl: readonly string[];
  /** Settles when the configuration string of the constructor is applied; at once without one. */
  readonly ready: Promise<void>;
  readonly #native: NativeStack;
  readonly #resolver: Resolver;
  #dns: StackDns | undefined;
  readonly #conf: ProviderName | undefined;
  #config: StackConfig | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes a stack: ioth_newstackv(3), or ioth_newstackc(3).
   * @param stack a plugin's name, with options after a comma: 'vdestack', 'kernel', 'picox'; or a configuration, as
   *   'stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.1/24'; or all the arguments by name. The static part of a configuration is
   *   in force when the constructor returns; dhcp, dhcp6 and rd go on until `ready` settles
   * @param vnl the virtual network to join, or several, or none: 'vde:///tmp/sw'. Interfaces are vde0, vde1 …; a prefix names the
   *   interface: 'left:vde:///tmp/sw'
   * @param config_dns the source of name servers: a path, resolv.conf(5) text, or addresses of servers; default /etc/resolv.conf
   * @throws {IothError} ENOTSUP (no such plugin), EPERM (licence, or no right to make a namespace), EADDRINUSE (another process
   *   serves this switch), EMFILE; ENODEV, ENOENT, ECONNREFUSED and others (a network that cannot be joined); the stack's error
   *   if it refuses a part of the configuration
   * @throws {TypeError} ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE
   */
  constructor(options: StackOptions);
  constructor(
    stack: string,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
    settings?: StackSettings,
  );
  constructor(
    stack: string | StackOptions,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
    settings?: StackSettings,
  ) {
    super();
    const checked = checkStackOptions(namedOptions(stack, vnl, config_dns, settings));
    const { plugin, vnls, config, dns, dns_cache, conf, signal, timeout } = checked;
    this.name = baseName(plugin);
    this.vnl = vnls;
    this.#conf = conf;
    this.#resolver = new Resolver(this, checked.config_dns ?? null, { provider: dns, cacheSize: dns_cache });
    this.#native = whenNetworkIsThereSync(() => NativeStack.open({ plugin, vnls }), checked);
    registerFinalizer(this, 'Stack', this.#native);
    listStack(this);
    const handles = this.nodeHandles;
    this.#native.closeUncounted = () => handles.closeSilently();
    const weak = new WeakRef(this);
    this.#native.onDeath = (error) => {
      const living = weak.deref();
      if (living) living.#onDeath(error);
    };
    try {
      this.ready = config ? this.#configuration().start(config, { signal, timeout }) : Promise.resolve();
    } catch (error) {
      this.closeSync();
      throw error;
    }
    // avoids an unhandled rejection when `ready` is not awaited
    this.ready.catch(() => {});
  }

  /**
   * Makes a stack with the constructor's arguments, and waits until it is `ready`. Closes the stack if that fails or is aborted.
   * @throws {IothError} as the constructor and {@link iothconfig}, as a rejection
   */
  static create(options: StackOptions): Promise<Stack>;
  static create(
    stack: string,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
    settings?: StackSettings,
  ): Promise<Stack>;
  static async create(
    stack: string | StackOptions,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
    settings?: StackSettings,
  ): Promise<Stack> {
    const { wait, ...options } = namedOptions(stack, vnl, config_dns, settings);
    const { vnls } = checkStackOptions(options);
    const made = await whenNetworkIsThere(() => new Stack(options), { vnls, wait: checkWait(wait) }, options.signal);
    try {
      await made.ready;
      return made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  /** True if the stack is closed, or is being closed. */
  get closed(): boolean {
    return this.#closing !== undefined || this.#native.closed;
  }

  /** The process id of a vdestack's daemon (its network namespace is /proc/PID/ns/net); undefined for other stacks. */
  get daemonPid(): number | undefined {
    return this.#native.daemonPid;
  }

  /**
   * Configures an interface, as ioth_config(3): 'eth,dhcp' or 'ip=10.0.0.1/24,gw=10.0.0.254'; see docs/configuration.md. Removals
   * and static items are in force before it waits for anything.
   * @returns a mask of what succeeded: IOTHCONF_STATIC, IOTHCONF_ETH, IOTHCONF_DHCP, IOTHCONF_DHCPV6 and IOTHCONF_RD.
   *   IOTHCONF_INCOMPLETE is set if the stack refused a part of a lease; `unapplied` of its event has that part
   * @throws {IothError} the first failure, if protocols were asked for and none succeeded: ETIMEDOUT (no answer), ECANCELED
   *   (refused), EADDRINUSE; ENODEV, and the stack's error if it refuses a static item
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for an unknown or malformed item, before anything is changed
   */
  async iothconfig(config: string, options?: ConfigOptions): Promise<number> {
    return this.#configuration().configure(config, options);
  }

  /** Configures an interface: the C name of {@link iothconfig}. */
  ioth_config(config: string, options?: ConfigOptions): Promise<number> {
    return this.iothconfig(config, options);
  }

  /**
   * Returns the name servers and domains that an interface was given, as resolv.conf(5) text: ioth_resolvconf(3).
   * @param config 'iface=…' or 'ifindex=…'; default vde0
   * @returns null if nothing changed since the last call
   */
  ioth_resolvconf(config?: string): string | null {
    return this.#configuration().resolvconf(config);
  }

  /**
   * Makes a socket on this stack: ioth_msocket(3).
   * @param family AF_INET, AF_INET6, AF_PACKET …; default AF_INET
   * @param type SOCK_STREAM, SOCK_DGRAM, SOCK_RAW …; default SOCK_STREAM. With SOCK_NONBLOCK its operations do not wait
   * @param proto IPPROTO_* and the like; default 0, the usual one
   * @param fileno a descriptor that {@link Socket.detach} gave up, to own it again
   * @throws {IothError} EAFNOSUPPORT, EPROTONOSUPPORT, EPERM, EMFILE; EBADF for a `fileno` that is not a socket of a stack;
   *   ERR_STACK_DEAD
   */
  override socket(family?: number, type?: StreamType, proto?: number, fileno?: number): ListeningSocket<this>;
  override socket(family: number, type: DatagramType, proto?: number, fileno?: number): DatagramSocket<this>;
  override socket(family?: number, type?: number, proto?: number, fileno?: number): Socket<this>;
  override socket(family: number = AF_INET, type: number = SOCK_STREAM, proto = 0, fileno?: number): Socket<this> {
    const plainType = checkSocketArguments(family, type, proto);
    const fd = fileno === undefined ? this.#native.msocket(family, plainType, proto) : this.#adopted(fileno);
    const socket = Socket.of<this, Incoming<this>>(this, new Descriptor(this.#native, fd), family, plainType, proto);
    if (type & SOCK_NONBLOCK) socket.setblocking(false);
    return socket;
  }

  /** The functions of node:dns on this stack: `stack.dns.lookup` is a `lookup` option for any library. */
  get dns(): StackDns {
    this.#dns ??= stackDns(this.#resolver);
    return this.#dns;
  }

  /** Makes pending operations of its sockets keep the process alive (the default). */
  ref(): this {
    this.#native.setRef(true);
    return this;
  }

  /** Lets the process end while operations of its sockets are pending. */
  unref(): this {
    this.#native.setRef(false);
    return this;
  }

  /**
   * Turns on busy polling, as SO_BUSY_POLL. After an event of one of its sockets, and in the waits of `sync`, the thread polls
   * for the next event for up to `usecs` microseconds before it sleeps. Default 0: never. This makes each wake-up faster, but
   * uses a CPU while it polls. Backs off when events rarely arrive in time. The event loop still runs every millisecond.
   * @throws {TypeError | RangeError} if `usecs` is not an integer from 0 to 1000000
   */
  busy_poll(usecs: number): void {
    this.#native.busyPollUsecs = checkInteger('usecs', usecs, 0, MAX_BUSY_POLL_USECS);
  }

  /**
   * Closes its sockets, waits until their peers have what was sent, then deletes the stack (ioth_delstack(3)). The event loop
   * keeps running. Closing twice is fine.
   * @param options.linger seconds to wait while no peer accepts any of the data that TCP sockets sent: default 5. After that the
   *   peers get a reset, and the stack ends
   * @throws {IothError} EBUSY while a detached socket is open on it
   */
  close(options?: CloseOptions): Promise<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closing ??= this.#close(options).catch((error) => {
      this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  /**
   * Closes the stack as {@link close}, but blocks the thread: about 35 ms for a vdestack with nothing to deliver.
   * @throws {IothError} EBUSY, as {@link close}
   */
  closeSync(options?: CloseOptions): void {
    checkCloseOptions(options);
    if (this.#closing) return;
    this.#config?.closeSync();
    this.programs.endSync();
    this.nodeHandles.destroy();
    this.#resolver.closeSync();
    this.#native.closeSync(options);
    this.#closing = Promise.resolve();
    this.emit('close');
  }

  /** @internal */
  override pointer(syscall: string): StackPointer {
    return this.#native.pointer(syscall);
  }

  /** @internal */
  protected override get resolver(): Resolver {
    return this.#resolver;
  }

  /** @internal */
  protected override get nodeStack(): this {
    return this;
  }

  /** @internal */
  protected override get programs(): Programs {
    return this.#native.programs;
  }

  /** @internal */
  checkUsable(): void {
    this.#native.pointer('socket');
    if (this.closed) throw new IothError('EBADF', { syscall: 'socket', hint: 'the stack is being closed' });
  }

  /** @internal */
  override msocket(family: number, type: number, proto: number): number {
    return this.#native.msocket(family, type, proto);
  }

  /** True if every system call of the kernel works on its sockets. @internal */
  override get hasKernelSockets(): boolean {
    return this.#native.hasKernelSockets;
  }

  /** Notes that a library makes sockets on it directly. Returns a function to call when the library is done. @internal */
  beginNativeCall(): () => void {
    return this.#native.beginNativeCall();
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    const daemon = this.daemonPid === undefined ? '' : `, daemon ${this.daemonPid}`;
    const networks = this.vnl.length > 0 ? `, ${this.vnl.join(' ')}` : '';
    return `Stack <${this.name}${networks}${daemon}${this.closed ? ', closed' : ''}>`;
  }

  /** Closes everything in order. If nothing has to be waited for, the stack begins to close before this returns. */
  async #close(options?: CloseOptions): Promise<void> {
    const { stall } = lingerLimits(options);
    const handles = this.nodeHandles.size > 0 ? this.nodeHandles.close(stall) : undefined;
    const ends = [this.programs.end(), handles, this.#config?.close(), this.#resolver.close()];
    const before = ends.filter((wait) => wait !== undefined);
    if (before.length > 0) await Promise.all(before);
    await this.#native.close(options);
    this.emit('close');
  }

  #configuration(): StackConfig {
    const notify = <Name extends keyof ConfigEvents>(name: Name, event: ConfigEvents[Name]) => {
      this.emit(name, event);
    };
    this.#config ??= new StackConfig(
      this,
      { notify, onNames: (settings) => this.#resolver.applyNetworkSettings(settings) },
      this.#conf,
    );
    return this.#config;
  }

  #adopted(fileno: number): number {
    this.pointer('socket');
    return adopt(fileno);
  }

  #onDeath(error: IothError): void {
    this.nodeHandles.destroy(error);
    if (this.#closing) return;
    try {
      this.emit('error', error);
    } finally {
      // a detached socket may prevent the deletion: the program's own close() reports it
      this.close().catch(() => {});
    }
  }
}
