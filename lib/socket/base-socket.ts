import { inspect } from 'node:util';
import { libioth } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import type { Address, AddressInput } from '../address/sockaddr.js';
import { SHUT_RD, SHUT_RDWR, SHUT_WR, SOMAXCONN } from '../constants/index.js';
import { registerFinalizer } from '../core/finalization.js';
import { checkBoolean, checkInteger, INT_MAX, invalidValue } from '../core/validate.js';
import type { Descriptor } from './descriptor.js';
import { localDestinationOf } from './destination.js';
import { callError } from './operations/errors.js';
import { getsockopt, readSocketName, setsockopt } from './options.js';
import type { SocketOwner } from './owner.js';
import { checkTimeout, getdefaulttimeout } from './timeouts.js';

/** What a {@link Socket} does without waiting. Whatever needs the descriptor throws EBADF once the socket is closed. */
export abstract class BaseSocket<Owner extends SocketOwner> {
  /** The stack it is on. */
  readonly stack: Owner;
  /** AF_INET, AF_INET6, AF_UNIX, AF_PACKET, AF_NETLINK … */
  readonly family: number;
  /** SOCK_STREAM, SOCK_DGRAM, SOCK_RAW … */
  readonly type: number;
  /** IPPROTO_*; of a packet socket ETH_P_*, in network order. */
  readonly proto: number;
  /** @internal */
  protected readonly descriptor: Descriptor;
  #timeout: number | null = getdefaulttimeout();

  /** @internal use `stack.socket()` */
  constructor(stack: Owner, descriptor: Descriptor, family: number, type: number, proto: number) {
    this.stack = stack;
    this.family = family;
    this.type = type;
    this.proto = proto;
    this.descriptor = descriptor;
    registerFinalizer(this, 'Socket', descriptor);
  }

  /** Whether it was closed or detached. */
  get closed(): boolean {
    return this.descriptor.closed;
  }

  /** @returns the descriptor's number, -1 once closed */
  fileno(): number {
    return this.closed ? -1 : this.descriptor.fd;
  }

  /**
   * bind(2).
   * @param addr an address; its host may also be 'localhost' or a name of the hosts file
   * @throws {IothError} EADDRINUSE, EADDRNOTAVAIL (no interface has it), EACCES, EINVAL (it has an address already), EBADF;
   * ENODEV for a zone that is no interface
   * @throws {TypeError | RangeError} for what is no address of the family, and for a name that only a server knows:
   * `await stack.getaddrinfo(host, port)` resolves it
   */
  bind(addr: AddressInput): void {
    const { bytes, length, address, port } = localDestinationOf(this.stack, this.family, addr);
    this.#check(libioth().bind(this.descriptor.use('bind'), bytes, length), 'bind', { address, port });
  }

  /**
   * listen(2).
   * @param backlog how many connections wait for accept at most
   * @throws {IothError} EADDRINUSE, EOPNOTSUPP (not a stream socket), EBADF
   */
  listen(backlog: number = SOMAXCONN): void {
    checkInteger('backlog', backlog, 0, INT_MAX);
    this.#check(libioth().listen(this.descriptor.use('listen'), backlog), 'listen');
  }

  /**
   * getsockopt(2).
   * @param level SOL_SOCKET, IPPROTO_*
   * @param optname the option: SO_*, IP_*, TCP_* …
   * @param buflen how many bytes its struct has, 1 to 65536; without it the option is a C int
   * @returns the number, or the bytes that C gave
   * @throws {IothError} ENOPROTOOPT, EOPNOTSUPP, EBADF
   */
  getsockopt(level: number, optname: number): number;
  getsockopt(level: number, optname: number, buflen: number): Buffer;
  getsockopt(level: number, optname: number, buflen?: number): number | Buffer {
    return getsockopt(this.descriptor.use('getsockopt'), level, optname, buflen);
  }

  /**
   * setsockopt(2).
   * @param level SOL_SOCKET, IPPROTO_*
   * @param optname the option: SO_*, IP_*, TCP_* …
   * @param value a C int, a boolean (1 or 0), or the bytes of the option's struct
   * @throws {IothError} ENOPROTOOPT, EINVAL, EPERM, ENODEV (no such interface), EBADF
   */
  setsockopt(level: number, optname: number, value: number | boolean | NodeJS.ArrayBufferView): void {
    setsockopt(this.descriptor.use('setsockopt'), level, optname, value);
  }

  /** getsockname(2): its own address. @throws {IothError} EBADF */
  getsockname(): Address {
    return readSocketName(this.descriptor.use('getsockname'), 'getsockname');
  }

  /** getpeername(2): the address that it is connected to. @throws {IothError} ENOTCONN, EBADF */
  getpeername(): Address {
    return readSocketName(this.descriptor.use('getpeername'), 'getpeername');
  }

  /**
   * Sets how long an operation may wait before it fails with ETIMEDOUT.
   * @param seconds null for ever, 0 not at all: it fails with EAGAIN
   * @throws {TypeError | RangeError} for what is no time
   */
  settimeout(seconds: number | null): void {
    this.#timeout = checkTimeout('seconds', seconds);
  }

  /** @returns what settimeout set, in seconds; null for ever */
  gettimeout(): number | null {
    return this.#timeout;
  }

  /** settimeout(null) where true, settimeout(0) where false, as in Python. The descriptor itself never blocks. */
  setblocking(blocking: boolean): void {
    this.#timeout = checkBoolean('blocking', blocking) ? null : 0;
  }

  /** @returns whether operations may wait */
  getblocking(): boolean {
    return this.#timeout !== 0;
  }

  /**
   * shutdown(2).
   * @param how SHUT_RD, SHUT_WR or SHUT_RDWR
   * @throws {IothError} ENOTCONN, EBADF
   */
  shutdown(how: number): void {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) {
      throw invalidValue('how', 'SHUT_RD (0), SHUT_WR (1) or SHUT_RDWR (2)', how);
    }
    this.#check(libioth().shutdown(this.descriptor.use('shutdown'), how), 'shutdown');
  }

  /**
   * Gives the descriptor up, open; what waits on it is rejected with ECANCELED.
   * @returns its number: `stack.socket(family, type, proto, fileno)` makes a Socket of it again, `close(fd)` closes it
   * @throws {IothError} EBADF
   */
  detach(): number {
    return this.descriptor.detach();
  }

  /** Lets a pending operation keep the process alive (the default). */
  ref(): this {
    this.descriptor.readiness.setRef(true);
    return this;
  }

  /** Lets the process end though an operation is pending. */
  unref(): this {
    this.descriptor.readiness.setRef(false);
    return this;
  }

  /** close(2). What waits on it is rejected with ECANCELED. Closing twice is fine. @throws {IothError} EIO … */
  close(): void {
    this.descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const state = this.closed ? 'closed' : `fd ${this.descriptor.fd}`;
    const [local, peer] = [shown(() => this.getsockname()), shown(() => this.getpeername())];
    return `Socket <${state}, family ${this.family}, type ${this.type}, proto ${this.proto}${local && `, ${local}`}${peer && ` -> ${peer}`}>`;
  }

  #check(result: number, syscall: string, details?: { address: string; port?: number }): void {
    if (result < 0) throw callError(errno(), syscall, details);
  }
}

function shown(addressOf: () => Address): string {
  try {
    const { address, port, family } = addressOf();
    return family === 'IPv6' ? `[${address}]:${port}` : family === 'IPv4' ? `${address}:${port}` : address;
  } catch {
    return '';
  }
}
