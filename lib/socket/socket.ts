import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import { libioth } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import type { Address, AddressInput, Sockaddr } from '../address/sockaddr.js';
import { SHUT_RD, SHUT_RDWR, SHUT_WR, SOMAXCONN } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { registerFinalizer } from '../core/finalization.js';
import { checkBoolean, checkInteger, checkOptions, checkSignal, INT_MAX, invalidValue } from '../core/validate.js';
import type { Operation } from '../io/wait-queue.js';
import type { Stack } from '../stack/stack.js';
import type { AncillaryItem } from './cmsg.js';
import { Descriptor } from './descriptor.js';
import { destinationOf, numericDestinationOf } from './destination.js';
import { socketStream } from './duplex.js';
import { duplicate } from './duplicate.js';
import { callError } from './operations/errors.js';
import { type Data, Operations } from './operations/index.js';
import { type Received, recvmsg, recvmsg_into, sendmsg } from './operations/message.js';
import { type FileInput, sendfile } from './operations/sendfile.js';
import { getsockopt, readSocketName, setsockopt } from './options.js';
import { SyncSocket } from './sync-socket.js';
import { checkTimeout, getdefaulttimeout, milliseconds } from './timeouts.js';

/** What every operation that may wait takes last. */
export interface OperationOptions {
  /** Ends the wait: the promise is rejected with an AbortError. */
  signal?: AbortSignal;
}

/**
 * A Berkeley socket on a {@link Stack}: one method a system call, with Python's names. Make it with `stack.socket()`.
 *
 * What may wait returns a promise: the call is tried at once and, where the socket is not ready, again when it is. What
 * cannot wait is synchronous. `sync` has the waiting calls in a blocking form. Errors are {@link IothError}s.
 */
export class Socket {
  /** The stack it is on. */
  readonly stack: Stack;
  /** AF_INET, AF_INET6, AF_UNIX, AF_PACKET, AF_NETLINK … */
  readonly family: number;
  /** SOCK_STREAM, SOCK_DGRAM, SOCK_RAW … */
  readonly type: number;
  readonly proto: number;
  readonly #descriptor: Descriptor;
  readonly #operations: Operations;
  #timeout: number | null = getdefaulttimeout();
  #sync: SyncSocket | undefined;

  /** @internal use `stack.socket()` */
  constructor(stack: Stack, descriptor: Descriptor, family: number, type: number, proto: number) {
    this.stack = stack;
    this.family = family;
    this.type = type;
    this.proto = proto;
    this.#descriptor = descriptor;
    this.#operations = new Operations(descriptor, type);
    registerFinalizer(this, 'Socket', descriptor);
  }

  /** Whether it was closed or detached. */
  get closed(): boolean {
    return this.#descriptor.closed;
  }

  /** The descriptor's number, -1 once closed. */
  fileno(): number {
    return this.closed ? -1 : this.#descriptor.fd;
  }

  /** The same operations, blocking the thread (it waits in poll(2)); `settimeout` ends their waits too. */
  get sync(): SyncSocket {
    this.#sync ??= new SyncSocket({
      descriptor: this.#descriptor,
      operations: this.#operations,
      type: this.type,
      timeout: () => milliseconds(this.#timeout),
      encode: (addr) => numericDestinationOf(this.stack, this.family, addr),
      accepted: (fd) => this.#accepted(fd),
    });
    return this.#sync;
  }

  /**
   * bind(2): at once where `addr` has an address; where it has a name, when the promise that it answers is fulfilled.
   * @throws {IothError} EADDRINUSE, EADDRNOTAVAIL, EACCES …
   */
  bind(addr: AddressInput, options?: OperationOptions): Promise<void> | undefined {
    const to = destinationOf(this.stack, this.family, addr, signalOf(options));
    if (to instanceof Promise) return to.then((resolved) => this.#bind(resolved));
    this.#bind(to);
    return undefined;
  }

  /** listen(2): up to `backlog` connections wait for accept. */
  listen(backlog: number = SOMAXCONN): void {
    checkInteger('backlog', backlog, 0, INT_MAX);
    this.#check(libioth().listen(this.#descriptor.use('listen'), backlog), 'listen');
  }

  /** accept(2): the next connection, and who made it. Where the process is out of descriptors it waits until one is free. */
  accept(options?: OperationOptions): Promise<[Socket, Address]> {
    return this.#run(() => this.#operations.accept((fd) => this.#accepted(fd)), options);
  }

  /**
   * connect(2). After a failure, a timeout or an abort the socket can connect again.
   * @throws {IothError} ECONNREFUSED, ENETUNREACH, ETIMEDOUT …, with address and port
   */
  connect(addr: AddressInput, options?: OperationOptions): Promise<void> {
    return this.#runTo(addr, (to) => this.#operations.connect(to), options);
  }

  /** As connect, but a failed system call is answered by its (positive) errno, and success by 0, as in Python. */
  async connect_ex(addr: AddressInput, options?: OperationOptions): Promise<number> {
    try {
      await this.connect(addr, options);
      return 0;
    } catch (error) {
      if (error instanceof IothError && error.errno !== undefined) return -error.errno;
      throw error;
    }
  }

  /** recv(2): up to `bufsize` bytes, an empty Buffer at the end of the stream. */
  recv(bufsize: number, flags = 0, options?: OperationOptions): Promise<Buffer> {
    return this.#run(() => this.#operations.recv(bufsize, flags), options);
  }

  /** recv(2) into the caller's bytes, `nbytes` of them at most (0: all): how many came, 0 at the end of the stream. */
  recv_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0, options?: OperationOptions): Promise<number> {
    return this.#run(() => this.#operations.recv_into(buffer, nbytes, flags), options);
  }

  /** recvfrom(2): one datagram, cut to `bufsize` bytes, and who sent it. */
  recvfrom(bufsize: number, flags = 0, options?: OperationOptions): Promise<[Buffer, Address]> {
    return this.#run(() => this.#operations.recvfrom(bufsize, flags), options);
  }

  /** recvfrom(2) into the caller's bytes. */
  recvfrom_into(
    buffer: NodeJS.ArrayBufferView,
    nbytes?: number,
    flags = 0,
    options?: OperationOptions,
  ): Promise<[number, Address]> {
    return this.#run(() => this.#operations.recvfrom_into(buffer, nbytes, flags), options);
  }

  /** recvmsg(2): data, control messages, MSG_ flags and sender. Room for control messages: `CMSG_SPACE(n)`. */
  recvmsg(bufsize: number, ancbufsize = 0, flags = 0, options?: OperationOptions): Promise<Received<Buffer>> {
    return this.#run(() => recvmsg(this.#descriptor, bufsize, ancbufsize, flags), options);
  }

  /** recvmsg(2) into the caller's buffers, one after the other. */
  recvmsg_into(
    buffers: readonly NodeJS.ArrayBufferView[],
    ancbufsize = 0,
    flags = 0,
    options?: OperationOptions,
  ): Promise<Received<number>> {
    return this.#run(() => recvmsg_into(this.#descriptor, buffers, ancbufsize, flags), options);
  }

  /** send(2): answers how many bytes were taken, which may be fewer than given: see {@link sendall}. */
  send(data: Data, flags = 0, options?: OperationOptions): Promise<number> {
    return this.#run(() => this.#operations.send(data, flags), options);
  }

  /** send(2) until all is taken. Two at once do not mix their bytes. */
  sendall(data: Data, flags = 0, options?: OperationOptions): Promise<void> {
    return this.#run(() => this.#operations.sendall(data, flags), options);
  }

  /** sendto(2): one datagram to an address. */
  sendto(data: Data, addr: AddressInput, options?: OperationOptions): Promise<number>;
  sendto(data: Data, flags: number, addr: AddressInput, options?: OperationOptions): Promise<number>;
  sendto(data: Data, ...rest: unknown[]): Promise<number> {
    const [flags, addr, options] = splitSendto(rest);
    return this.#runTo(addr, (to) => this.#operations.sendto(data, flags, to), options);
  }

  /** sendmsg(2): the buffers one after the other, with control messages, to `addr` or to the connected peer. */
  sendmsg(
    buffers: readonly Data[],
    ancdata: readonly AncillaryItem[] = [],
    flags = 0,
    addr?: AddressInput,
    options?: OperationOptions,
  ): Promise<number> {
    const make = (to?: Sockaddr) => sendmsg(this.#descriptor, buffers, ancdata, flags, to);
    return addr === undefined ? this.#run(() => make(), options) : this.#runTo(addr, make, options);
  }

  /** sendfile(2): `count` bytes of a file (default: to its end) from `offset`; answers how many were sent. */
  async sendfile(file: FileInput, offset = 0, count?: number, options?: OperationOptions): Promise<number> {
    const operation = sendfile(this.#descriptor, this.type, file, offset, count);
    try {
      return await this.#run(() => operation, options);
    } finally {
      operation.close();
    }
  }

  /** getsockopt(2): the option as an integer or, with `buflen`, as the bytes that C gave. */
  getsockopt(level: number, optname: number): number;
  getsockopt(level: number, optname: number, buflen: number): Buffer;
  getsockopt(level: number, optname: number, buflen?: number): number | Buffer {
    return getsockopt(this.#descriptor.use('getsockopt'), level, optname, buflen);
  }

  /** setsockopt(2): an integer, a boolean, or the bytes of the option's struct. */
  setsockopt(level: number, optname: number, value: number | boolean | NodeJS.ArrayBufferView): void {
    setsockopt(this.#descriptor.use('setsockopt'), level, optname, value);
  }

  /** getsockname(2): its own address. */
  getsockname(): Address {
    return readSocketName(this.#descriptor.use('getsockname'), 'getsockname');
  }

  /** getpeername(2): the address that it is connected to. @throws {IothError} ENOTCONN */
  getpeername(): Address {
    return readSocketName(this.#descriptor.use('getpeername'), 'getpeername');
  }

  /** How many seconds an operation may wait: null for ever, 0 not at all (it fails with EAGAIN). It ends with ETIMEDOUT. */
  settimeout(seconds: number | null): void {
    this.#timeout = checkTimeout('seconds', seconds);
  }

  /** What settimeout set, in seconds; null for ever. */
  gettimeout(): number | null {
    return this.#timeout;
  }

  /** settimeout(null) where true, settimeout(0) where false, as in Python. The descriptor itself never blocks. */
  setblocking(blocking: boolean): void {
    this.#timeout = checkBoolean('blocking', blocking) ? null : 0;
  }

  /** Whether operations may wait. */
  getblocking(): boolean {
    return this.#timeout !== 0;
  }

  /** shutdown(2): SHUT_RD, SHUT_WR or SHUT_RDWR. */
  shutdown(how: number): void {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) {
      throw invalidValue('how', 'SHUT_RD (0), SHUT_WR (1) or SHUT_RDWR (2)', how);
    }
    this.#check(libioth().shutdown(this.#descriptor.use('shutdown'), how), 'shutdown');
  }

  /** dup(2): a second Socket on the same connection. Only where the stack's sockets are the kernel's. */
  dup(): Socket {
    const fd = this.#descriptor.use('dup');
    const { native } = this.#descriptor;
    if (!native.hasKernelSockets)
      throw new IothError('ENOTSUP', { syscall: 'dup', hint: 'this stack cannot duplicate sockets' });
    const copy = new Descriptor(native, duplicate(native, fd, this.type));
    const socket = new Socket(this.stack, copy, this.family, this.type, this.proto);
    socket.settimeout(this.#timeout);
    return socket;
  }

  /** Gives the descriptor up, open: its number. `stack.socket(family, type, proto, fileno)` takes it up again, `close(fd)` ends it. */
  detach(): number {
    return this.#descriptor.detach();
  }

  /** A Duplex on this socket, for whatever takes Node streams; its end shuts down writing, its destruction closes the socket. */
  stream(): Duplex {
    return socketStream(this);
  }

  /** Lets a pending operation keep the process alive (the default). */
  ref(): this {
    this.#descriptor.readiness.setRef(true);
    return this;
  }

  /** Lets the process end though an operation is pending. */
  unref(): this {
    this.#descriptor.readiness.setRef(false);
    return this;
  }

  /** close(2). What waits on it is rejected with ECANCELED. Closing twice is fine. */
  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The connections that a listener accepts, until it is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Socket, void, undefined> {
    while (!this.closed) {
      let connection: Socket;
      try {
        [connection] = await this.accept();
      } catch (error) {
        if (this.closed) return;
        throw error;
      }
      yield connection;
    }
  }

  [inspect.custom](): string {
    const state = this.closed ? 'closed' : `fd ${this.#descriptor.fd}`;
    const [local, peer] = [this.#shown(() => this.getsockname()), this.#shown(() => this.getpeername())];
    return `Socket <${state}, family ${this.family}, type ${this.type}, proto ${this.proto}${local && `, ${local}`}${peer && ` -> ${peer}`}>`;
  }

  #shown(addressOf: () => Address): string {
    try {
      const { address, port, family } = addressOf();
      return family === 'IPv6' ? `[${address}]:${port}` : family === 'IPv4' ? `${address}:${port}` : address;
    } catch {
      return '';
    }
  }

  #bind(to: Sockaddr): void {
    const fd = this.#descriptor.use('bind');
    if (libioth().bind(fd, to.bytes, to.length) < 0) {
      throw callError(errno(), 'bind', { address: to.address, port: to.port });
    }
  }

  #accepted(fd: number): Socket {
    return new Socket(this.stack, new Descriptor(this.#descriptor.native, fd), this.family, this.type, this.proto);
  }

  // make() checks the arguments: what it throws is the promise's rejection too
  #run<T>(make: () => Operation<T>, options: OperationOptions | undefined): Promise<T> {
    try {
      const signal = signalOf(options);
      return this.#descriptor.readiness.run(make(), this, milliseconds(this.#timeout), signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same for an operation with an address: it begins when a name in it is resolved. */
  #runTo<T>(addr: unknown, make: (to: Sockaddr) => Operation<T>, options: OperationOptions | undefined): Promise<T> {
    try {
      const to = destinationOf(this.stack, this.family, addr, signalOf(options));
      if (!(to instanceof Promise)) return this.#run(() => make(to), options);
      return to.then((resolved) => this.#run(() => make(resolved), options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #check(result: number, syscall: string): void {
    if (result < 0) throw callError(errno(), syscall);
  }
}

/** The signal of an operation's options. Checked before anything is begun: what waits then has nothing to undo. */
function signalOf(options: OperationOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  checkOptions(options, ['signal']);
  return checkSignal(options.signal);
}

/** The flags, the address and the options of `sendto(data, [flags], addr, [options])`. */
function splitSendto(rest: unknown[]): [flags: number, addr: unknown, options?: OperationOptions] {
  const [first, second, third] = rest;
  return typeof first === 'number'
    ? [first, second, third as OperationOptions]
    : [0, first, second as OperationOptions];
}
