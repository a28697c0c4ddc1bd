import type { spawn, spawnSync } from 'node:child_process';
import type { Socket as NetSocket } from 'node:net';
import { inspect } from 'node:util';
import type { StackPointer } from '../../ffi/ioth.js';
import type { InetAddressInput } from '../address/sockaddr.js';
import type { ConfigOptions } from '../config/index.js';
import { AF_INET, AF_UNIX, SOCK_NONBLOCK, SOCK_STREAM } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { registerFinalizer } from '../core/finalization.js';
import { printedAs } from '../core/printed-list.js';
import { typedEmitter } from '../core/typed-emitter.js';
import { checkInteger, checkOptions } from '../core/validate.js';
import type { AddrInfo } from '../dns/getaddrinfo.js';
import type { NameInfoAddress } from '../dns/getnameinfo.js';
import { type HostInfo, hostByAddress, hostByName, qualifiedName } from '../dns/host-info.js';
import { getprotobyname } from '../dns/host-names.js';
import { Resolver } from '../dns/resolver.js';
import { serviceName, servicePort } from '../dns/service-port.js';
import type { PathTag } from '../dns/settings.js';
import type { ServicePort } from '../dns/socket-types.js';
import * as netlink from '../netlink/index.js';
import { type StackDns, stackDns } from '../node/dns.js';
import { face, type NodeModules } from '../node/faces.js';
import { type DispatcherOptions, type FetchDispatcher, fetchOn, undiciAgent } from '../node/fetch.js';
import { OpenHandles } from '../node/open-handles.js';
import { run } from '../node/run.js';
import { netSocketOn } from '../node/socket-stream.js';
import { uncountedSocket } from '../node/stack-sockets.js';
import { type PingOptions, type PingResult, ping } from '../ping/ping.js';
import { StackPrograms } from '../programs/stack-programs.js';
import { Descriptor } from '../socket/descriptor.js';
import type { StreamedSocket } from '../socket/owner.js';
import {
  type Connection,
  type DatagramSocket,
  type Incoming,
  type ListeningSocket,
  type OperationOptions,
  Socket,
  type StreamSocket,
} from '../socket/socket.js';
import type { CloseOptions } from '../vdestack/close-options.js';
import { NativeStack } from '../vdestack/native-stack.js';
import { baseName, isVdestack } from '../vdestack/plugin.js';
import { interfaceName } from '../vdestack/vnl.js';
import { checkArguments, type StackOptions, type StackSettings, withoutWait } from './arguments.js';
import { type CreateConnectionOptions, createConnection } from './create-connection.js';
import { acceptIPv4, type CreateServerOptions, createServer } from './create-server.js';
import {
  canPrepare,
  checkSocketArguments,
  type DatagramType,
  type StreamType,
  socketFrom,
  socketPairOn,
} from './make-sockets.js';
import { whenNetworkIsThere, whenNetworkIsThereSync } from './network-wait.js';
import { listStack } from './open-stacks.js';
import type { StackEvents } from './stack-events.js';
import { StackLife, whenReady } from './stack-life.js';

const MAX_BUSY_POLL_USECS = 1_000_000;

/**
 * A TCP/IP stack: made, joined to virtual networks, configured and used inside this process.
 *
 * Configuration methods have the names of ioth(3) and nlinline(3), and speak rtnetlink with the stack. If the stack refuses a
 * request, the error is an {@link IothError} with the kernel's errno and, if the stack gave one, its explanation.
 */
export class Stack extends typedEmitter<StackEvents>() {
  /** The plugin: 'vdestack', 'kernel', 'picox' … */
  readonly name: string;
  /** The virtual networks that it joined. */
  readonly vnl: readonly string[];
  /** Settles when the configuration string of the constructor is applied; at once without one. */
  readonly ready: Promise<void>;
  /** The Node handles that have a socket of the stack. @internal */
  readonly nodeHandles = new OpenHandles();
  readonly #native: NativeStack;
  readonly #life: StackLife;
  readonly #resolver: Resolver;
  readonly #programs: StackPrograms;
  #dns: StackDns | undefined;
  #fetch: typeof fetch | undefined;

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
  constructor(
    stack: string | StackOptions,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
    settings?: StackSettings,
  ) {
    super();
    const checked = checkArguments(stack, vnl, config_dns, settings);
    const { plugin, vnls, config, dns, dnsCache, conf, hostname, signal, timeout, wire } = checked;
    this.name = baseName(plugin);
    this.vnl = vnls;
    this.#resolver = new Resolver(this, checked.config_dns ?? null, { provider: dns, cacheSize: dnsCache, hostname });
    this.#native = whenNetworkIsThereSync(() => NativeStack.open({ plugin, vnls, wire }), checked);
    registerFinalizer(this, 'Stack', this.#native);
    listStack(this);
    this.#life = new StackLife(this.#native, this.#resolver, this, conf);
    this.#programs = new StackPrograms(this, this.#native.programs, this.#resolver);
    this.ready = Promise.resolve();
    if (!config) return;
    try {
      this.ready = this.#life.configuration.start(config, { signal, timeout });
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
  static async create(
    stack: string | StackOptions,
    vnl?: string | readonly string[] | null,
    config_dns?: string | null,
    settings?: StackSettings,
  ): Promise<Stack> {
    const checked = checkArguments(stack, vnl, config_dns, settings);
    return whenReady(await whenNetworkIsThere(() => new Stack(withoutWait(checked)), checked, checked.signal));
  }

  /** True if the stack is closed, or is being closed. */
  get closed(): boolean {
    return this.#life.closed;
  }

  /** The process id of a vdestack's daemon (its network namespace is /proc/PID/ns/net); undefined for other stacks. */
  get daemonPid(): number | undefined {
    return this.#native.daemon?.pid;
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
    return this.#life.configuration.configure(config, options);
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
    return this.#life.configuration.resolvconf(config);
  }

  /**
   * Returns the index of an interface: if_nametoindex(3), ioth_if_nametoindex(3).
   * @throws {IothError} ENODEV if no interface has the name
   */
  if_nametoindex(ifname: string): number {
    return netlink.if_nametoindex(this.pointer('if_nametoindex'), ifname);
  }

  /**
   * Returns the name of an interface: if_indextoname(3).
   * @throws {IothError} ENODEV if no interface has the index
   */
  if_indextoname(ifindex: number): string {
    return netlink.if_indextoname(this.pointer('if_indextoname'), ifindex);
  }

  /**
   * Lists the interfaces, by index: if_nameindex(3).
   * @returns the index and the name of each
   * @throws {IothError} EAGAIN if the configuration keeps changing while it is read
   */
  if_nameindex(): [ifindex: number, ifname: string][] {
    return netlink.if_nameindex(this.pointer('if_nameindex'));
  }

  /**
   * Lists interfaces and their addresses as getifaddrs(3) does.
   * @returns one entry of family 'Packet' per interface, then one entry per address
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  getifaddrs(): netlink.IfAddrs[] {
    return netlink.getifaddrs(this.pointer('getifaddrs'));
  }

  /**
   * Lists every interface with its addresses, by index: dumps of RTM_GETLINK and RTM_GETADDR. util.inspect, console.log and the
   * REPL print the list as `ip -br addr` does.
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  interfaces(): netlink.Interface[] {
    return printedAs(netlink.interfaces(this.pointer('interfaces')), netlink.interfaceLines);
  }

  /** Returns the interface with this index, without its addresses. @internal */
  link(ifindex: number): netlink.InterfaceLink | undefined {
    return netlink.findLink(this.pointer('link'), ifindex);
  }

  /** Returns the addresses of one interface. @internal */
  addressesOf(ifindex: number): netlink.StackAddress[] {
    return netlink.addresses(this.pointer('addressesOf'), ifindex);
  }

  /**
   * Lists the unicast routes of the main table: a dump of RTM_GETROUTE. A route with several gateways gives several entries.
   * util.inspect prints the list as ip-route(8) does.
   * @param family AF_INET or AF_INET6; default: both, IPv4 first
   * @param options `all`: the routes of every table and type
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  routes(family?: number, options?: { all?: boolean }): netlink.Route[] {
    return printedAs(netlink.routes(this.pointer('routes'), family, options), netlink.routeLines);
  }

  /**
   * Brings an interface up or takes it down: ioth_linksetupdown(3).
   * @throws {IothError} ENODEV
   */
  linksetupdown(ifindex: netlink.InterfaceRef, up: boolean | 0 | 1): void {
    netlink.linksetupdown(this.pointer('linksetupdown'), ifindex, up);
  }

  /**
   * Returns the MAC address of an interface: ioth_linkgetaddr(3).
   * @returns its text, '80:00:42:0e:e7:3a'
   * @throws {IothError} ENODEV; ENOENT if the interface has none
   */
  linkgetaddr(ifindex: netlink.InterfaceRef): string {
    return netlink.linkgetaddr(this.pointer('linkgetaddr'), ifindex);
  }

  /**
   * Sets the MAC address of an interface: ioth_linksetaddr(3).
   * @param mac '80:00:42:0e:e7:3a' or its 6 bytes
   * @throws {IothError} ENODEV; EADDRNOTAVAIL for a multicast address
   */
  linksetaddr(ifindex: netlink.InterfaceRef, mac: string | Uint8Array): void {
    netlink.linksetaddr(this.pointer('linksetaddr'), ifindex, mac);
  }

  /**
   * Sets the MTU of an interface: linksetmtu of nlinline(3). On picox this also removes its IPv4 addresses.
   * @param mtu in bytes, 68 or more; at most 9216 on an interface that joined a VDE network, which carries no longer frames
   * @throws {IothError} ENODEV; EINVAL if the interface cannot have this MTU
   */
  linksetmtu(ifindex: netlink.InterfaceRef, mtu: number): void {
    netlink.linksetmtu(this.pointer('linksetmtu'), ifindex, mtu, this.vnl.map(interfaceName));
  }

  /**
   * Adds a link: ioth_iplink_add(3).
   * @param ifindex its index; -1 or 0 for any
   * @param type its kind: 'bridge', 'veth' … The stack, or the machine's kernel, decides which kinds exist
   * @param data the attributes of IFLA_INFO_DATA, which depend on the kind: [tag, value] with the tags of the kernel's headers. A
   *   number is an u32, a string gets a NUL after it, bytes are sent unchanged, an array is nested attributes
   * @param ifname its name, at most 15 bytes; default: the first free name of the kind, 'bridge0'
   * @returns its index
   * @throws {IothError} ENOTSUP for an unknown kind; EEXIST or EBUSY for a name or an index in use
   */
  iplink_add(ifindex: number, type: string, data?: readonly netlink.Attribute[], ifname?: string): number {
    return netlink.iplink_add(this.pointer('iplink_add'), ifindex, type, data, ifname);
  }

  /**
   * Adds an interface that joins a network: ioth_iplink_add(3) of kind 'vde', on stacks that have it (picox).
   * @param ifindex its index; -1 or 0 for any
   * @param vnl the network, a virtual network locator of vde_open(3)
   * @param ifname its name; default: 'vde' and a number
   * @returns its index
   * @throws {IothError} ENOTSUP on other stacks; EEXIST or EBUSY for a name or an index in use
   */
  iplink_add_vde(ifindex: number, vnl: string, ifname?: string): number {
    return netlink.iplink_add_vde(this.pointer('iplink_add_vde'), ifindex, vnl, ifname);
  }

  /**
   * Deletes a link: ioth_iplink_del(3).
   * @param link its name, its index, or an object with either; if an object has both, the index counts
   * @throws {IothError} ENODEV; ENOTSUP for a link that cannot be deleted; EBUSY for an interface that joins a network of a
   *   vdestack
   */
  iplink_del(link: { ifname?: string; ifindex?: number } | netlink.InterfaceRef): void {
    const own = isVdestack(this.name) ? this.vnl.map(interfaceName) : [];
    netlink.iplink_del(this.pointer('iplink_del'), link, own);
  }

  /**
   * Adds an address to an interface: ioth_ipaddr_add(3). The address may be one string as in ip-address(8), '10.0.0.1/24'. An
   * IPv6 address can be bound at once: no duplicate address detection runs unless `options.dad` asks for it.
   * @param family AF_INET or AF_INET6
   * @param prefixlen bits of the network: 0 to 32 or 128
   * @throws {IothError} EEXIST if the interface has it; ENODEV; ENXIO or EINVAL if the interface has no IPv6
   */
  ipaddr_add(
    family: number,
    addr: string,
    prefixlen: number,
    ifindex: netlink.InterfaceRef,
    options?: netlink.AddressOptions,
  ): void;
  ipaddr_add(addr: string, ifindex: netlink.InterfaceRef, options?: netlink.AddressOptions): void;
  ipaddr_add(...args: netlink.AddAddressArguments): void {
    netlink.ipaddr_add(this.pointer('ipaddr_add'), ...args);
  }

  /**
   * Removes an address from an interface: ioth_ipaddr_del(3). Arguments as {@link ipaddr_add}.
   * @throws {IothError} EADDRNOTAVAIL (picox: ENODEV) if the interface does not have it; ENODEV
   */
  ipaddr_del(family: number, addr: string, prefixlen: number, ifindex: netlink.InterfaceRef): void;
  ipaddr_del(addr: string, ifindex: netlink.InterfaceRef): void;
  ipaddr_del(...args: netlink.DelAddressArguments): void {
    netlink.ipaddr_del(this.pointer('ipaddr_del'), ...args);
  }

  /**
   * Adds a route to the main table: ioth_iproute_add(3), with the gateway first. The route may be one string as in ip-route(8),
   * 'default via 10.0.0.254' or '10.2.0.0/16 via 10.0.0.254 dev vde0 metric 5': a destination, then any of via, dev, metric, mtu,
   * src, proto, scope, pref and onlink.
   * @param family AF_INET or AF_INET6
   * @param gw the gateway, a link-local one with `ifindex`; null if the network is on the link of `ifindex` itself
   * @param dst the network; null or missing for the default route
   * @param dst_prefixlen bits of the network: 0 to 32 or 128
   * @param ifindex the interface; if 0 or missing, the gateway decides
   * @throws {IothError} EEXIST; ENETUNREACH or EHOSTUNREACH if no address of the stack reaches the gateway; ENODEV
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for an unknown word
   */
  iproute_add(
    family: number,
    gw: string | null,
    dst?: string | null,
    dst_prefixlen?: number,
    ifindex?: netlink.InterfaceRef,
  ): void;
  iproute_add(route: string): void;
  iproute_add(...args: netlink.RouteArguments): void {
    netlink.iproute_add(this.pointer('iproute_add'), ...args);
  }

  /**
   * Deletes a route of the main table, even one that another program made: ioth_iproute_del(3). Arguments as {@link iproute_add}.
   * `gw` null matches any gateway, except on picox. A word missing from a string matches anything.
   * @throws {IothError} ESRCH (picox: ENODEV or ENOENT) if there is no such route
   */
  iproute_del(
    family: number,
    gw: string | null,
    dst?: string | null,
    dst_prefixlen?: number,
    ifindex?: netlink.InterfaceRef,
  ): void;
  iproute_del(route: string): void;
  iproute_del(...args: netlink.RouteArguments): void {
    netlink.iproute_del(this.pointer('iproute_del'), ...args);
  }

  /**
   * Makes a socket on this stack: ioth_msocket(3).
   * @param family AF_INET, AF_INET6, AF_PACKET …; default AF_INET
   * @param type SOCK_STREAM, SOCK_DGRAM, SOCK_RAW …; default SOCK_STREAM. With SOCK_NONBLOCK its operations do not wait
   * @param proto IPPROTO_* and the like; default 0, the usual one
   * @param fileno a descriptor that a Socket of this stack gave up ({@link Socket.detach}), to own it again
   * @throws {IothError} EAFNOSUPPORT, EPROTONOSUPPORT, EPERM, EMFILE; EBADF for a `fileno` that is not a socket of a stack;
   *   ERR_STACK_DEAD
   */
  socket(family?: number, type?: StreamType, proto?: number, fileno?: number): StreamSocket<this>;
  socket(family: number, type: DatagramType, proto?: number, fileno?: number): DatagramSocket<this>;
  socket(family?: number, type?: number, proto?: number, fileno?: number): Socket<this>;
  socket(family: number = AF_INET, type: number = SOCK_STREAM, proto = 0, fileno?: number): Socket<this> {
    const plainType = checkSocketArguments(family, type, proto);
    const fd = fileno === undefined ? this.#native.msocket(family, plainType, proto) : this.#native.adopt(fileno);
    const socket = Socket.of<this, Incoming<this>>(this, new Descriptor(this.#native, fd), family, plainType, proto);
    if (type & SOCK_NONBLOCK) socket.setblocking(false);
    return socket;
  }

  /**
   * Makes a TCP connection, as Python's create_connection. Tries the addresses of the host one after the other.
   * @param address the host and port to connect to; the host may be a name
   * @param options.timeout seconds for each address, and then for the socket; null for none (default: getdefaulttimeout())
   * @param options.source_address the local address; the host '' and the port 0 let the stack choose
   * @param options.all_errors true to get all failures together as an AggregateError
   * @returns the connected socket
   * @throws {IothError} as `socket.connect`: the error of the last address
   * @throws {GaiError} if the host has no address
   */
  async create_connection(address: InetAddressInput, options?: CreateConnectionOptions): Promise<Connection<this>> {
    return createConnection<Connection<this>>(this, address, options);
  }

  /**
   * Makes a TCP socket that listens, as Python's create_server, with SO_REUSEADDR.
   * @param address where to listen; the host '' is every address of the family
   * @param options.family AF_INET or AF_INET6; default: the family of the host, and AF_INET for ''
   * @param options.backlog the maximum number of connections that wait for accept; default SOMAXCONN
   * @param options.reuse_port true to set SO_REUSEPORT: several sockets may listen there
   * @param options.dualstack_ipv6 true to accept IPv4 connections on an AF_INET6 socket too, as ::ffff:10.0.0.1
   * @throws {IothError} as `socket.bind` and `socket.listen`
   */
  create_server(address: InetAddressInput, options?: CreateServerOptions): ListeningSocket<this> {
    return createServer((family) => this.socket(family, SOCK_STREAM), address, options);
  }

  /**
   * Makes two sockets that are connected to each other: socketpair(2). Works only if the stack's sockets are the kernel's.
   * @param family AF_UNIX, the only family that supports it on Linux
   * @throws {IothError} ENOTSUP (another family, or picox), EMFILE
   */
  socketpair(
    family: number = AF_UNIX,
    type: number = SOCK_STREAM,
    proto = 0,
  ): [socket: Connection<this>, other: Connection<this>] {
    return socketPairOn(this, family, type, proto) as [Connection<this>, Connection<this>];
  }

  /**
   * Makes a Socket on a duplicate of a descriptor, as Python's fromfd: one from `recv_fds`, or one that other code opened. The
   * socket stays on the network on which it was made. It becomes non-blocking for all its users. Works only if the stack's
   * sockets are the kernel's.
   * @param fd stays open, and stays the caller's
   * @param family default for family, type and proto: they are read from the socket
   * @throws {IothError} EBADF, ENOTSOCK, EMFILE; ENOTSUP (picox)
   */
  fromfd(fd: number, family?: number, type?: number, proto?: number): Socket<this> {
    return socketFrom(this, fd, family, type, proto) as Socket<this>;
  }

  /** True if the stack has IPv6: Python's has_ipv6, for this stack. */
  get has_ipv6(): boolean {
    return canPrepare(this, () => {});
  }

  /** Returns whether an AF_INET6 socket of the stack can accept IPv4 connections too, as Python's. */
  has_dualstack_ipv6(): boolean {
    return canPrepare(this, acceptIPv4);
  }

  /** Returns the name of its host: the option `hostname`, else the name of this machine, gethostname(2). */
  gethostname(): string {
    return this.#resolver.hostname;
  }

  /**
   * Returns the number of a protocol of IP: getprotobyname(3).
   * @throws {IothError} ENOENT if no protocol has the name
   */
  getprotobyname(name: string): number {
    return getprotobyname(name);
  }

  /**
   * Returns the addresses of `host` for each type of socket, best first: getaddrinfo(3), with Python's arguments and fields.
   * @param host a name, an address, or null for the loopback (with AI_PASSIVE the any-address)
   * @param port a number, the name of a service, or null
   * @param flags AI_*
   * @throws {GaiError} `eai` is C's EAI_ number, `code` is Node's: 'ENOTFOUND', 'EAI_AGAIN' …
   */
  async getaddrinfo(
    host: string | null,
    port: ServicePort,
    family = 0,
    type = 0,
    proto = 0,
    flags = 0,
    options?: OperationOptions,
  ): Promise<AddrInfo[]> {
    const { signal } = checkOptions(options, ['signal']);
    return this.#resolver.getaddrinfo(host, port, { family, type, proto, flags, signal });
  }

  /**
   * Returns the names of an address and of its port, or the numbers if they have no names: getnameinfo(3).
   * @param flags NI_*
   * @throws {GaiError} EAI_NONAME with NI_NAMEREQD
   */
  async getnameinfo(
    sockaddr: NameInfoAddress,
    flags = 0,
    options?: OperationOptions,
  ): Promise<[host: string, service: string]> {
    return this.#resolver.getnameinfo(sockaddr, flags, options);
  }

  /**
   * Returns the first IPv4 address of a host: gethostbyname(3), as Python's. `getaddrinfo` gives IPv6 too.
   * @param host a name or an IPv4 address; '' is 0.0.0.0, '<broadcast>' 255.255.255.255
   * @throws {GaiError} if it has none
   */
  async gethostbyname(host: string, options?: OperationOptions): Promise<string> {
    const [, , addresses] = await hostByName(this.#resolver, host, options);
    return addresses[0] as string;
  }

  /**
   * Returns the names and all IPv4 addresses of a host: gethostbyname(3), as Python's gethostbyname_ex.
   * @returns the canonical name, its other known names, and all IPv4 addresses
   * @throws {GaiError} if it has none
   */
  async gethostbyname_ex(host: string, options?: OperationOptions): Promise<HostInfo> {
    return hostByName(this.#resolver, host, options);
  }

  /**
   * Returns the names of an address: gethostbyaddr(3), as Python's.
   * @param address an IPv4 or IPv6 address, or a name that is resolved first
   * @returns the canonical name, its other names in the hosts file, and the address
   * @throws {GaiError} if it has no name
   */
  async gethostbyaddr(address: string, options?: OperationOptions): Promise<HostInfo> {
    return hostByAddress(this.#resolver, address, options);
  }

  /**
   * Returns the fully qualified name of a host, as Python's getfqdn: the first of its names that has a dot.
   * @param name a host; '' is this machine
   * @returns `name` itself if no better name is known
   */
  async getfqdn(name = '', options?: OperationOptions): Promise<string> {
    return qualifiedName(this.#resolver, name, options);
  }

  /**
   * Returns the port of a service: getservbyname(3).
   * @param protocol 'tcp', 'udp' …; default: any
   * @throws {IothError} ENOENT if the services file does not have it
   */
  getservbyname(service: string, protocol?: string): number {
    return servicePort(this.#resolver.settings, service, protocol);
  }

  /**
   * Returns the service on a port: getservbyport(3).
   * @param protocol 'tcp', 'udp' …; default: any
   * @throws {IothError} ENOENT if the services file does not have it
   */
  getservbyport(port: number, protocol?: string): string {
    return serviceName(this.#resolver.settings, port, protocol);
  }

  /**
   * Changes how names are resolved from now on: iothdns_update(3).
   * @param config as `config_dns` of the constructor; null is /etc/resolv.conf
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for a path that cannot be read
   */
  iothdns_update(config: string | null): void {
    this.#resolver.update(config);
  }

  /**
   * Sets another file in place of /etc/hosts or /etc/services: iothdns_setpath(3).
   * @param path null restores the usual file
   */
  iothdns_setpath(file: PathTag, path: string | null): void {
    this.#resolver.setPath(file, path);
  }

  /** Resolves a host name to an address, for sockets. @internal */
  async resolveHost(host: string, family: number, options?: OperationOptions): Promise<string> {
    return this.#resolver.resolveHost(host, family, options);
  }

  /** Returns the address of a host name if it is known without a query to a server. @internal */
  resolveLocally(host: string, family: number): string | undefined {
    return this.#resolver.resolveLocally(host, family);
  }

  /** The functions of node:dns on this stack: `stack.dns.lookup` is a `lookup` option for any library. */
  get dns(): StackDns {
    this.#dns ??= stackDns(this.#resolver);
    return this.#dns;
  }

  /**
   * Calls `fn` with this stack as the network of Node's `net`, `dgram`, `http`, `https`, `http2`, `tls`, `dns`, `fetch` and
   * `WebSocket`. This includes what `fn` starts: promises, timers, the handlers of its servers. Names, 'localhost' and 127.0.0.1
   * are those of the stack too: the first socket brings its `lo` up.
   * @returns what `fn` returns
   * @throws what `fn` throws
   * @throws {IothError} ERR_NODE_INTERNALS in a Node whose sockets are unlike those of 20, 22, 24 and 26
   */
  run<A extends unknown[], T>(fn: (...args: A) => T, ...args: A): T {
    return run(this, fn, args);
  }

  /** node:net on this stack, from any caller. @throws {IothError} ERR_NODE_INTERNALS as {@link run} */
  get net(): NodeModules['net'] {
    return face(this, 'net');
  }

  /** node:dgram, as {@link net}. */
  get dgram(): NodeModules['dgram'] {
    return face(this, 'dgram');
  }

  /** node:http, as {@link net}. Its `globalAgent`, and what it makes, use this stack. */
  get http(): NodeModules['http'] {
    return face(this, 'http');
  }

  /** node:https, as {@link http}. */
  get https(): NodeModules['https'] {
    return face(this, 'https');
  }

  /** node:http2, as {@link net}. */
  get http2(): NodeModules['http2'] {
    return face(this, 'http2');
  }

  /** node:tls, as {@link net}. */
  get tls(): NodeModules['tls'] {
    return face(this, 'tls');
  }

  /** The global fetch on this stack, with connections of its own. It can be called without `this`. */
  get fetch(): typeof fetch {
    this.#fetch ??= fetchOn(this);
    return this.#fetch;
  }

  /**
   * Makes an Agent of undici (version 6, 7 or 8) whose connections are on this stack. Use it with undici's `request`, `stream`
   * and `fetch`, and as the `dispatcher` of the global fetch. Each call makes a new one; close it yourself.
   * @param options undici's; `connect` has those of tls.connect, `timeout` in milliseconds and `allowH2`
   * @throws {IothError} ERR_MODULE_NOT_FOUND if undici is not installed
   */
  dispatcher(options?: DispatcherOptions): FetchDispatcher {
    return undiciAgent(this, options);
  }

  /**
   * Runs a program in the network of this stack: child_process.spawn, with its arguments, its ChildProcess, its errors. If this
   * process has no rights, the program runs as root of the stack's user namespace; its rights on files are those of the user.
   * Programs end with the stack: by SIGTERM and, after two seconds, SIGKILL. It can be called without `this`.
   *
   * On the kernel stack it is child_process.spawn, ended with the stack.
   * @throws {IothError} ENOTSUP (picox: no namespace of the kernel), ENOENT (nsenter(1) is missing), EBADF, ERR_STACK_DEAD
   * @throws {TypeError} as child_process.spawn; for `options.argv0`
   */
  get spawn(): typeof spawn {
    return this.#programs.spawn;
  }

  /**
   * Runs a program in the network of this stack, as `spawn`, and blocks until it ends: child_process.spawnSync.
   * @throws as `spawn`, and ERR_STACK_DEAD if the program failed because the stack's daemon died. An `error` that
   *   child_process.spawnSync returns is returned here too
   */
  get spawnSync(): typeof spawnSync {
    return this.#programs.spawnSync;
  }

  /**
   * Reads or sets a setting of the stack's network, by its name in sysctl(8): 'net.ipv4.ip_forward'. Write a dot in the name of
   * an interface as a slash: 'net.ipv4.conf.eth0/1.forwarding'; or use slashes for all separators. It runs a program in the
   * stack, which takes a few milliseconds.
   * @param value the new value: an integer, a string of one line, or a boolean (1 or 0). Without it, the setting is read
   * @returns the value if it is read, nothing if it is set
   * @throws {IothError} ENOENT (no such setting), EACCES, EINVAL (no such value), EROFS; as `spawn`
   * @throws {TypeError} for a name outside the network: 'kernel.hostname' is the host's
   */
  sysctl(name: string): string;
  sysctl(name: string, value: string | number | boolean): void;
  sysctl(name: string, value?: string | number | boolean): string | undefined {
    return this.#programs.sysctl(name, value);
  }

  /**
   * Pings a host with ICMP echo: RFC 792, RFC 4443. On the kernel stack this needs CAP_NET_RAW, or a group in
   * net.ipv4.ping_group_range. The failure of one request is the `error` of its probe.
   * @param host an address ('fe80::1%vde0' too), or a name that the stack resolves
   * @returns the times, in milliseconds, and the loss
   * @throws {GaiError} if the name has no address
   * @throws {IothError} EACCES, EPERM; ECANCELED (the stack was closed), ERR_STACK_DEAD
   * @throws {AbortError} `options.signal`
   */
  ping(host: string, options?: PingOptions): Promise<PingResult> {
    return ping(this, host, options);
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
  busyPoll(usecs: number): void {
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
    return this.#life.close(options);
  }

  /**
   * Closes the stack as {@link close}, but blocks the thread: some milliseconds for a vdestack with nothing to deliver.
   * @throws {IothError} EBUSY, as {@link close}
   */
  closeSync(options?: CloseOptions): void {
    this.#life.closeSync(options);
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    const parts = [
      this.name,
      this.vnl.join(' '),
      this.daemonPid && `daemon ${this.daemonPid}`,
      this.closed && 'closed',
    ];
    return `Stack <${parts.filter(Boolean).join(', ')}>`;
  }

  /** @internal */
  pointer(syscall: string): StackPointer {
    return this.#native.pointer(syscall);
  }

  /** @internal */
  checkUsable(): void {
    this.#native.pointer('socket');
    if (this.closed) throw new IothError('EBADF', { syscall: 'socket', hint: 'the stack is being closed' });
  }

  /** @internal */
  msocket(family: number, type: number, proto: number): number {
    return this.#native.msocket(family, type, proto);
  }

  /** True if every system call of the kernel works on its sockets. @internal */
  get hasKernelSockets(): boolean {
    return this.#native.hasKernelSockets;
  }

  /** Notes that a library makes sockets on it directly. Returns a function to call when the library is done. @internal */
  beginNativeCall(): () => void {
    return this.#native.beginNativeCall();
  }

  /** @internal */
  get local(): this {
    return this;
  }

  /** @internal */
  uncountedSocket(family: number, type: number): number {
    this.checkUsable();
    return uncountedSocket(this, family, type);
  }

  /** Makes the net.Socket of `Socket.stream()`. @internal */
  netSocket(socket: StreamedSocket): NetSocket {
    return netSocketOn(socket, this);
  }
}
