import { inspect } from 'node:util';
import { libioth } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import type { Address, AddressInput } from '../address/sockaddr.js';
import { SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_SEQPACKET, SOCK_STREAM, SOMAXCONN } from '../constants/socket.js';
import { registerFinalizer } from '../core/finalization.js';
import { checkBoolean, checkInteger, INT_MAX, invalidValue } from '../core/validate.js';
import type { Descriptor } from './descriptor.js';
import { localDestinationOf } from './destination.js';
import { socketText } from './inspect.js';
import { optionOfText } from './interface-options.js';
import { ioctl } from './ioctl.js';
import { membershipOption } from './membership.js';
import { callError } from './operations/errors.js';
import { acceptsConnections, getsockopt, readSocketName, setsockopt } from './options.js';
import type { SocketOwner } from './owner.js';
import { checkTimeout, getdefaulttimeout } from './timeouts.js';

/** Methods of a {@link Socket} that do not wait. Those that need the descriptor throw EBADF once the socket is closed. */
export abstract class BaseSocket<Owner extends SocketOwner> {
  #timeout: number | null = getdefaulttimeout();
  /** @internal */
  isShutForReading = false;

  /** @internal use `stack.socket()` */
  constructor(
    /** The stack that the socket is on. */
    readonly stack: Owner,
    /** @internal */
    protected readonly descriptor: Descriptor,
    /** AF_INET, AF_INET6, AF_UNIX, AF_PACKET, AF_NETLINK … */
    readonly family: number,
    /** SOCK_STREAM, SOCK_DGRAM, SOCK_RAW … */
    readonly type: number,
    /** IPPROTO_*; for a packet socket ETH_P_*, in network byte order. */
    readonly proto: number,
  ) {
    registerFinalizer(this, 'Socket', descriptor);
  }

  /** True if the socket was closed or detached. */
  get closed(): boolean {
    return this.descriptor.closed;
  }

  /** Returns the descriptor's number, -1 once closed. */
  fileno(): number {
    return this.closed ? -1 : this.descriptor.fd;
  }

  /**
   * Binds the socket to an address: bind(2).
   * @param addr an address; its host may also be 'localhost' or a name in the hosts file
   * @throws {IothError} EADDRINUSE, EADDRNOTAVAIL (no interface has it), EACCES, EINVAL (already bound), EBADF;
   * ENODEV (no interface has the name of the zone)
   * @throws {TypeError | RangeError} for an invalid address, one of another family, and a name that only a server can
   * resolve: use `await stack.getaddrinfo(host, port)`
   */
  bind(addr: AddressInput): void {
    const { bytes, length, address, port } = localDestinationOf(this.stack, this.family, addr);
    this.#check(libioth().bind(this.descriptor.use('bind'), bytes, length), 'bind', { address, port });
  }

  /**
   * Listens for connections: listen(2).
   * @param backlog the most connections that wait for accept, default SOMAXCONN
   * @throws {IothError} EADDRINUSE, EOPNOTSUPP (not a stream socket), EBADF
   */
  listen(backlog: number = SOMAXCONN): void {
    checkInteger('backlog', backlog, 0, INT_MAX);
    this.#check(libioth().listen(this.descriptor.use('listen'), backlog), 'listen');
  }

  /**
   * Reads an option: getsockopt(2).
   * @param level SOL_SOCKET, IPPROTO_*
   * @param optname the option: SO_*, IP_*, TCP_* …
   * @param buflen the size of its struct in bytes, 1 to 65536; without it the option is a C int
   * @returns the number, or the bytes from C
   * @throws {IothError} ENOPROTOOPT, EOPNOTSUPP, EBADF
   */
  getsockopt(level: number, optname: number): number;
  getsockopt(level: number, optname: number, buflen: number): Buffer;
  getsockopt(level: number, optname: number, buflen?: number): number | Buffer {
    return getsockopt(this.descriptor.use('getsockopt'), level, optname, buflen);
  }

  /**
   * Sets an option: setsockopt(2).
   * @param level SOL_SOCKET, IPPROTO_*
   * @param optname the option: SO_*, IP_*, TCP_* …
   * @param value a C int, a boolean (1 or 0), or the bytes of the option's struct; the name of an interface for
   * SO_BINDTODEVICE, IP_MULTICAST_IF, IPV6_MULTICAST_IF, IP_UNICAST_IF and IPV6_UNICAST_IF, a name for TCP_CONGESTION and TCP_ULP
   * @throws {IothError} ENOPROTOOPT, EINVAL, EPERM, ENODEV (no such interface), EBADF
   */
  setsockopt(level: number, optname: number, value: number | boolean | string | NodeJS.ArrayBufferView): void {
    const fd = this.descriptor.use('setsockopt');
    setsockopt(fd, level, optname, typeof value === 'string' ? optionOfText(level, optname, value, this.stack) : value);
  }

  /**
   * Joins a multicast group: IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP or, with `source`, MCAST_JOIN_SOURCE_GROUP.
   * @param group '239.1.2.3', 'ff15::1'
   * @param ifname the interface, by name or index; default: the interface of the route to the group
   * @param source receives only datagrams from this address; call again to add more sources
   * @throws {IothError} EADDRINUSE (already a member), ENODEV (no such interface, or no route to the group), ENOBUFS, EBADF
   */
  addMembership(group: string, ifname?: string | number | null, source?: string | null): void {
    this.#setMembership(true, group, ifname, source);
  }

  /**
   * Leaves a multicast group. Takes the arguments that {@link addMembership} got.
   * @throws {IothError} EADDRNOTAVAIL (not a member), ENODEV, EBADF
   */
  dropMembership(group: string, ifname?: string | number | null, source?: string | null): void {
    this.#setMembership(false, group, ifname, source);
  }

  /**
   * Calls ioctl(2), ioth_ioctl(3), for requests that have no method. A wrong struct is at your own risk: some structs hold
   * memory addresses.
   * @param request the number of the request: SIOC*, FIONREAD …
   * @param arg a C int, or the bytes of the request's struct; they are not changed. Default 0
   * @returns the result of the call: a number for a number, a Buffer for bytes
   * @throws {IothError} ENOTTY, EINVAL, ENODEV, EPERM … and EBADF
   */
  ioctl(request: number, arg?: number): number;
  ioctl(request: number, arg: NodeJS.ArrayBufferView): Buffer;
  ioctl(request: number, arg: number | NodeJS.ArrayBufferView = 0): number | Buffer {
    return ioctl(this.descriptor.use('ioctl'), request, arg);
  }

  /** Returns the socket's own address: getsockname(2). @throws {IothError} EBADF */
  getsockname(): Address {
    return readSocketName(this.descriptor.use('getsockname'), 'getsockname');
  }

  /** Returns the peer's address: getpeername(2). @throws {IothError} ENOTCONN, EBADF */
  getpeername(): Address {
    return readSocketName(this.descriptor.use('getpeername'), 'getpeername');
  }

  /**
   * Sets how long an operation may wait before it fails with ETIMEDOUT.
   * @param seconds null waits for ever; 0 does not wait and fails with EAGAIN. Default: see `setdefaulttimeout`
   * @throws {TypeError | RangeError} for an invalid time
   */
  settimeout(seconds: number | null): void {
    this.#timeout = checkTimeout('seconds', seconds);
  }

  /** Returns the timeout in seconds; null waits for ever. */
  gettimeout(): number | null {
    return this.#timeout;
  }

  /** Calls settimeout(null) if true, settimeout(0) if false, as in Python. The descriptor itself is always non-blocking. */
  setblocking(blocking: boolean): void {
    this.#timeout = checkBoolean('blocking', blocking) ? null : 0;
  }

  /** Returns whether operations may wait: false if the timeout is 0. */
  getblocking(): boolean {
    return this.#timeout !== 0;
  }

  /**
   * Shuts down reading, writing or both: shutdown(2).
   * @param how SHUT_RD, SHUT_WR or SHUT_RDWR
   * @throws {IothError} ENOTCONN, EBADF
   */
  shutdown(how: number): void {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) {
      throw invalidValue('how', 'SHUT_RD (0), SHUT_WR (1) or SHUT_RDWR (2)', how);
    }
    const fd = this.descriptor.use('shutdown');
    this.#check(libioth().shutdown(fd, how + (this.descriptor.owner.shutdownBase ?? 0)), 'shutdown');
    this.isShutForReading ||= how !== SHUT_WR;
  }

  /**
   * Releases the descriptor without closing it. Rejects pending operations with ECANCELED.
   * @returns its number: `stack.socket(family, type, proto, fileno)` makes a Socket from it, `close(fd)` closes it
   * @throws {IothError} EBADF
   */
  detach(): number {
    return this.descriptor.detach();
  }

  /** Makes pending operations keep the process alive (the default). */
  ref(): this {
    this.descriptor.readiness.setRef(true);
    return this;
  }

  /** Lets the process exit while operations are pending. */
  unref(): this {
    this.descriptor.readiness.setRef(false);
    return this;
  }

  /**
   * Closes the socket: close(2). Rejects pending operations with ECANCELED. A second call does nothing.
   * @throws {IothError} EIO …
   */
  close(): void {
    this.descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const { family, type, proto, closed } = this;
    const fd = closed ? undefined : this.descriptor.fd;
    return socketText({
      ...{ family, type, proto, fd },
      isListening: fd !== undefined && (type === SOCK_STREAM || type === SOCK_SEQPACKET) && acceptsConnections(fd),
      local: known(() => this.getsockname()),
      peer: known(() => this.getpeername()),
    });
  }

  #setMembership(isJoin: boolean, group: unknown, ifname: unknown, source: unknown): void {
    const fd = this.descriptor.use('setsockopt');
    setsockopt(fd, ...membershipOption(this.stack, this.family, isJoin, group, ifname, source));
  }

  #check(result: number, syscall: string, details?: { address: string; port?: number }): void {
    if (result < 0) throw callError(errno(), syscall, details);
  }
}

function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
