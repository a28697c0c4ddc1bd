import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { libioth } from '../ffi/ioth.js';
import { AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './constants.js';
import { Descriptor } from './descriptor.js';
import { IothError } from './errors.js';
import { closeWhenForgotten } from './forgotten.js';
import { baseName, makeNonBlocking, NativeStack } from './native-stack.js';
import * as netlink from './netlink/index.js';
import { type OperationOptions, Socket } from './socket.js';
import { socketTypeOf } from './sockopt.js';
import {
  checkBoolean,
  checkIfindex,
  checkInteger,
  checkString,
  INT_MAX,
  invalidType,
  invalidValue,
} from './validate.js';
import { interfaceName, splitVnl } from './vnl.js';

/** Options of {@link Stack.create}: the constructor's arguments by name. */
export interface StackOptions {
  stack: string;
  vnl?: string | readonly string[] | null;
  config_dns?: string | null;
}

/** Of {@link Stack.ipaddr_add}. */
export interface AddressOptions {
  /** IPv6: let the kernel detect duplicates first; the address cannot be bound meanwhile (up to 2 s). Default false. */
  dad?: boolean;
}

/**
 * A TCP/IP stack of its own: made, joined to virtual networks, configured and used inside this process.
 *
 * Configuration methods have the names of ioth(3) and nlinline(3) and speak rtnetlink with the stack; what the stack
 * refuses is an {@link IothError} with the kernel's errno and, where it gave one, its explanation.
 */
export class Stack extends EventEmitter {
  /** The plugin: 'vdestack', 'kernel', 'picox' … */
  readonly name: string;
  /** The virtual networks that it joined. */
  readonly vnl: readonly string[];
  /** Settles when what a configuration string asked for is done; at once where there was none. */
  readonly ready: Promise<void> = Promise.resolve();
  readonly #native: NativeStack;
  #closing: Promise<void> | undefined;

  /**
   * ioth_newstackv(3).
   * @param stack a plugin's name, with options after a comma: 'vdestack', 'kernel', 'picox'
   * @param vnl the virtual network to join, or several, or none: 'vde:///tmp/sw'. Interfaces are vde0, vde1 …; a name
   * in front is the interface's own: 'left:vde:///tmp/sw'
   * @param _config_dns how the stack's names are resolved: a path, resolv.conf(5) text, or addresses of servers
   * @throws {IothError} ENOTSUP (no such plugin), EPERM (licence), ENODEV and others (a network that cannot be joined)
   */
  constructor(stack: string, vnl?: string | readonly string[] | null, _config_dns?: string | null) {
    super();
    const plugin = checkPlugin(stack);
    this.name = baseName(plugin);
    this.vnl = checkVnls(this.name, vnl);
    this.#native = NativeStack.open({ plugin, vnls: this.vnl });
    closeWhenForgotten(this, 'Stack', this.#native);
    const weak = new WeakRef(this);
    this.#native.onDeath = (error) => {
      const living = weak.deref();
      if (living) living.#onDeath(error);
    };
  }

  /** Makes a stack and waits until it is `ready`; where that fails the stack is closed. */
  static create(stack: string, vnl?: string | readonly string[] | null, config_dns?: string | null): Promise<Stack>;
  static create(options: StackOptions): Promise<Stack>;
  static async create(
    first: string | StackOptions,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
  ): Promise<Stack> {
    const options = typeof first === 'string' ? { stack: first, vnl, config_dns } : first;
    if (typeof options !== 'object' || options === null)
      throw invalidType('options', '{ stack, vnl, config_dns }', first);
    const stack = new Stack(options.stack, options.vnl, options.config_dns);
    try {
      await stack.ready;
      return stack;
    } catch (error) {
      await stack.close();
      throw error;
    }
  }

  /** Whether it was closed, or is being closed. */
  get closed(): boolean {
    return this.#native.closed;
  }

  /** The process id of a vdestack's daemon (its network namespace is /proc/PID/ns/net); undefined for other stacks. */
  get daemon(): number | undefined {
    return this.#native.daemonPid;
  }

  /** The index of an interface. @throws {IothError} ENODEV */
  if_nametoindex(ifname: string): number {
    return netlink.if_nametoindex(this.#pointer('if_nametoindex'), ifname);
  }

  /** The name of an interface. @throws {IothError} ENODEV */
  if_indextoname(ifindex: number): string {
    return netlink.if_indextoname(this.#pointer('if_indextoname'), ifindex);
  }

  /** The index and the name of every interface. */
  if_nameindex(): [ifindex: number, ifname: string][] {
    return netlink.if_nameindex(this.#pointer('if_nameindex'));
  }

  /** Interfaces and their addresses as getifaddrs(3) lists them: an entry an address. */
  getifaddrs(): netlink.IfAddrs[] {
    return netlink.getifaddrs(this.#pointer('getifaddrs'));
  }

  /** Every interface, with its addresses. */
  interfaces(): netlink.Interface[] {
    return netlink.interfaces(this.#pointer('interfaces'));
  }

  /** The unicast routes of the main table, IPv4 then IPv6, or of one family; with `all`, of every table and type. */
  routes(family?: number, options?: { all?: boolean }): netlink.Route[] {
    return netlink.routes(this.#pointer('routes'), family, options);
  }

  /** Turns an interface on or off. */
  linksetupdown(ifindex: number, up: boolean | 0 | 1): void {
    netlink.linksetupdown(this.#pointer('linksetupdown'), checkIfindex('ifindex', ifindex), checkBoolean('up', up));
  }

  /** The MAC address of an interface: '80:00:42:0e:e7:3a'. */
  linkgetaddr(ifindex: number): string {
    return netlink.linkgetaddr(this.#pointer('linkgetaddr'), ifindex);
  }

  /** Sets the MAC address of an interface: '80:00:42:0e:e7:3a' or its 6 bytes. */
  linksetaddr(ifindex: number, mac: string | Uint8Array): void {
    netlink.linksetaddr(this.#pointer('linksetaddr'), ifindex, mac);
  }

  /** Sets the MTU of an interface, in bytes. */
  linksetmtu(ifindex: number, mtu: number): void {
    netlink.linksetmtu(this.#pointer('linksetmtu'), ifindex, mtu);
  }

  /**
   * Adds a link of `type` ('bridge', 'veth' …) and answers its index. The machine's kernel decides which types exist.
   * @param ifindex the index that it shall have, or -1 for any
   * @param data its IFLA_INFO_DATA attributes
   */
  iplink_add(ifindex: number, type: string, data?: readonly netlink.Attribute[], ifname?: string): number {
    return netlink.iplink_add(this.#pointer('iplink_add'), ifindex, type, data, ifname);
  }

  /** Adds an interface that joins `vnl`, on stacks that can (picox); answers its index. */
  iplink_add_vde(ifindex: number, vnl: string, ifname?: string): number {
    return netlink.iplink_add_vde(this.#pointer('iplink_add_vde'), ifindex, vnl, ifname);
  }

  /** Removes a link, named by its name, its index or both. */
  iplink_del(link: { ifname?: string; ifindex?: number }): void {
    netlink.iplink_del(this.#pointer('iplink_del'), link);
  }

  /** Gives an interface an address. An IPv6 address can be bound at once: duplicates are not looked for. */
  ipaddr_add(family: number, addr: string, prefixlen: number, ifindex: number, options?: AddressOptions): void {
    netlink.ipaddr_add(this.#pointer('ipaddr_add'), family, addr, prefixlen, ifindex, options);
  }

  /** Takes an address away from an interface. */
  ipaddr_del(family: number, addr: string, prefixlen: number, ifindex: number): void {
    netlink.ipaddr_del(this.#pointer('ipaddr_del'), family, addr, prefixlen, ifindex);
  }

  /**
   * Adds a route to dst/dst_prefixlen through the gateway `gw`; without `dst` the default route. With `gw` null
   * the network is reached directly through `ifindex`. A link-local gateway needs `ifindex` too.
   */
  iproute_add(family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: number): void {
    netlink.iproute_add(this.#pointer('iproute_add'), family, gw, dst, dst_prefixlen, ifindex);
  }

  /** Removes the route that iproute_add with the same arguments made. */
  iproute_del(family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: number): void {
    netlink.iproute_del(this.#pointer('iproute_del'), family, gw, dst, dst_prefixlen, ifindex);
  }

  /**
   * ioth_msocket(3): a socket on this stack.
   * @param fileno a descriptor that {@link Socket.detach} gave up, to own it again
   * @throws {IothError} EAFNOSUPPORT, EPROTONOSUPPORT, EMFILE …
   */
  socket(family: number = AF_INET, type: number = SOCK_STREAM, proto = 0, fileno?: number): Socket {
    checkInteger('family', family, 0, 255);
    checkInteger('type', type, 1, INT_MAX);
    checkInteger('proto', proto, 0, INT_MAX);
    const plainType = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    const fd = fileno === undefined ? this.#native.msocket(family, plainType, proto) : this.#adopt(fileno);
    const socket = new Socket(this, new Descriptor(this.#native, fd), family, plainType, proto);
    if (type & SOCK_NONBLOCK) socket.setblocking(false);
    return socket;
  }

  /** The address of a host name. @internal the place of the stack's resolver */
  async resolveHost(host: string, family: number, _options?: OperationOptions): Promise<string> {
    const example = family === AF_INET6 ? 'fd00::1' : '10.0.0.1';
    throw new IothError('ENOTFOUND', {
      syscall: 'getaddrinfo',
      address: host,
      hint: `the stack has no resolver: '${host}' must be an address such as '${example}'`,
    });
  }

  /** Lets pending operations of its sockets keep the process alive (the default). */
  ref(): this {
    this.#native.setRef(true);
    return this;
  }

  /** Lets the process end though operations of its sockets are pending. */
  unref(): this {
    this.#native.setRef(false);
    return this;
  }

  /** Closes its sockets, then the stack (ioth_delstack(3)), without blocking the loop. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#native.close().then(
      () => {
        this.emit('close');
      },
      (error) => {
        this.#closing = undefined;
        throw error;
      },
    );
    return this.#closing;
  }

  /** The same, blocking: about 35 ms for a vdestack. */
  closeSync(): void {
    if (this.#closing) return;
    this.#native.closeSync();
    this.#closing = Promise.resolve();
    this.emit('close');
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    const daemon = this.daemon === undefined ? '' : `, daemon ${this.daemon}`;
    const networks = this.vnl.length > 0 ? `, ${this.vnl.join(' ')}` : '';
    return `Stack <${this.name}${networks}${daemon}${this.closed ? ', closed' : ''}>`;
  }

  /** @internal for set_defstack */
  get pointer(): bigint {
    return this.#pointer('ioth_set_defstack');
  }

  #onDeath(error: IothError): void {
    if (this.#closing) return;
    try {
      this.emit('error', error);
    } finally {
      // a detached socket may keep it from being deleted: the program's own close() says so
      this.close().catch(() => {});
    }
  }

  #pointer(syscall: string): bigint {
    return this.#native.pointer(syscall);
  }

  #adopt(fileno: number): number {
    checkInteger('fileno', fileno, 0, INT_MAX);
    this.#pointer('socket');
    for (const { fd } of this.#native.descriptors) {
      if (fd === fileno)
        throw invalidValue('fileno', 'a descriptor that detach() gave up; a Socket owns this one', fileno);
    }
    try {
      socketTypeOf(fileno);
    } catch (cause) {
      throw new IothError('EBADF', {
        syscall: 'socket',
        hint: `descriptor ${fileno} is not an open socket of a stack`,
        cause,
      });
    }
    makeNonBlocking(fileno);
    return fileno;
  }
}

/** ioth_close(3) of a descriptor that {@link Socket.detach} gave up. */
export function close(fd: number): void {
  checkInteger('fd', fd, 0, INT_MAX);
  if (libioth().close(fd) < 0)
    throw new IothError('EBADF', { syscall: 'close', hint: `descriptor ${fd} is not a socket of a stack` });
}

// C copies the name into a buffer whose length it keeps in a char
const PLUGIN_NAME_MOST = 100;

function checkPlugin(stack: unknown): string {
  const plugin = checkString('stack', stack);
  if (/^\s*stack\s*=/.test(plugin)) {
    throw new IothError('ENOTSUP', {
      syscall: 'ioth_newstackc',
      hint: 'configuration strings are not supported yet: give the plugin and the vnl',
    });
  }
  if (!/^[\w-]+(,.*)?$/.test(plugin) || baseName(plugin).length > PLUGIN_NAME_MOST) {
    throw invalidValue(
      'stack',
      "the name of a stack plugin such as 'vdestack', with ',options' behind it if any",
      stack,
    );
  }
  return plugin;
}

function checkVnls(plugin: string, vnl: unknown): string[] {
  const list = vnl === undefined || vnl === null ? [] : Array.isArray(vnl) ? vnl : [vnl];
  // C makes no interface of a name that is taken, and does not tell
  const taken = new Set(['lo']);
  for (const [i, item] of list.entries()) {
    const [ifname, locator] = splitVnl(checkString('vnl', item));
    if (locator === '') throw invalidValue('vnl', "a virtual network locator such as 'vde:///tmp/sw'", item);
    if (/^seqpacket:/.test(locator) && !/^seqpacket:\/\/\d+$/.test(locator)) {
      // C reads a path as descriptor 0
      throw invalidValue('vnl', "the number of an open descriptor behind seqpacket://, as 'seqpacket://5'", item);
    }
    if (ifname !== undefined && (!/^[^\s/]+$/.test(ifname) || Buffer.byteLength(ifname) > 15)) {
      throw invalidValue('vnl', `an interface name of 1 to 15 bytes in front of the ':'`, item);
    }
    const name = interfaceName(item, i);
    if (taken.has(name))
      throw invalidValue('vnl', `networks with interfaces of different names ('${name}' is taken)`, vnl);
    taken.add(name);
  }
  if (plugin === 'kernel' && list.length > 0) {
    throw invalidValue('vnl', "none: the 'kernel' stack is the host's own and joins no virtual network", vnl);
  }
  return list as string[];
}
