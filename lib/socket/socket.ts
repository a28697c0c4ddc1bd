import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address, AddressInput, Sockaddr } from '../address/sockaddr.js';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { checkOptions, checkSignal } from '../core/validate.js';
import type { Operation } from '../io/wait-queue.js';
import { BaseSocket } from './base-socket.js';
import type { AncillaryItem } from './cmsg.js';
import { socketOfConnection } from './connection.js';
import { Descriptor } from './descriptor.js';
import { destinationOf, localDestinationOf } from './destination.js';
import { socketStream } from './duplex.js';
import { duplicate } from './duplicate.js';
import { type Datagram, incoming, RECEIVE_SIZE } from './incoming.js';
import { Operations } from './operations/index.js';
import type { Received } from './operations/message.js';
import type { Data } from './operations/send.js';
import type { FileInput } from './operations/sendfile.js';
import { acceptsConnections, isConnected } from './options.js';
import type { SocketOwner } from './owner.js';
import { type FileOptions, type SocketFile, socketFile } from './socket-file.js';
import { SyncSocket } from './sync-socket.js';
import { milliseconds } from './timeouts.js';

/** What every operation that may wait takes last. */
export interface OperationOptions {
  /** Ends the wait: the promise is rejected with an AbortError. */
  signal?: AbortSignal;
}

/** A stream socket that is connected: `for await` has its bytes. */
export type Connection<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Buffer>;

/** A stream socket that listens: `for await` has the connections. */
export type ListeningSocket<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Connection<Owner>>;

/** A socket of datagrams: `for await` has them, each with its sender. */
export type DatagramSocket<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Datagram>;

/** What `for await` has of a socket of any kind. */
export type Incoming<Owner extends SocketOwner = SocketOwner> = Connection<Owner> | Buffer | Datagram;

/**
 * A Berkeley socket on a {@link Stack}: one method a system call, with Python's names. Make it with `stack.socket()`.
 *
 * What may wait returns a promise: the call is tried at once and, where the socket is not ready, again when it is. What
 * cannot wait is synchronous. `sync` has the waiting calls in a blocking form. Errors are {@link IothError}s.
 *
 * Whatever waits is rejected with ETIMEDOUT or EAGAIN (see {@link settimeout}), an AbortError (`options.signal`), ECANCELED
 * (the socket was closed or detached) or ERR_STACK_DEAD; on a closed socket it is rejected with EBADF. Arguments that make no
 * sense reject it with a TypeError or RangeError that names them.
 */
export class Socket<Owner extends SocketOwner = SocketOwner, Item = Incoming<Owner>> extends BaseSocket<Owner> {
  readonly #operations: Operations;
  #sync: SyncSocket<Connection<Owner>> | undefined;

  private constructor(stack: Owner, descriptor: Descriptor, family: number, type: number, proto: number) {
    super(stack, descriptor, family, type, proto);
    this.#operations = new Operations(descriptor, type);
  }

  /** For `stack.socket()`. @internal */
  static of<Owner extends SocketOwner, Item>(
    stack: Owner,
    descriptor: Descriptor,
    family: number,
    type: number,
    proto: number,
  ): Socket<Owner, Item> {
    return new Socket(stack, descriptor, family, type, proto);
  }

  /**
   * The connection of a `net.Socket` that is on a stack (made in `stack.run`, by `stack.net`, by `stream()`), which is destroyed:
   * its 'close' comes, the connection stays.
   * @returns a Socket on it, that receives what `netSocket` has not read
   * @throws {IothError} ENOTSOCK (it is on no stack, or the stack's sockets are not the kernel's), ENOTCONN (it connects still);
   * EBUSY: it has received data that nobody read, or has not written all; EMFILE, ERR_STACK_DEAD
   */
  static from<Owner extends SocketOwner = SocketOwner>(netSocket: NetSocket): Connection<Owner> {
    return socketOfConnection(netSocket) as Connection<Owner>;
  }

  /** The same operations, blocking the thread (it waits in poll(2)); `settimeout` ends their waits too. */
  get sync(): SyncSocket<Connection<Owner>> {
    this.#sync ??= new SyncSocket({
      descriptor: this.descriptor,
      operations: this.#operations,
      timeout: () => milliseconds(this.gettimeout()),
      encode: (addr) => localDestinationOf(this.stack, this.family, addr),
      wrap: (fd) => this.#wrap(fd),
    });
    return this.#sync;
  }

  /**
   * accept(2). Where the process is out of descriptors it waits until one is free.
   * @returns the next connection, and who made it
   * @throws {IothError} EINVAL (listen first), EOPNOTSUPP (not a stream socket), EMFILE (timeout 0), and as all that waits
   */
  accept(options?: OperationOptions): Promise<[Connection<Owner>, Address]> {
    return this.#run(() => this.#operations.accept((fd) => this.#wrap(fd)), options);
  }

  /**
   * connect(2). After a failure, a timeout or an abort the socket can connect again.
   * @param addr an address, or a name that the stack's resolver resolves in the family of the socket
   * @throws {IothError} ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT …, with address and port; EISCONN
   * @throws {GaiError} where the name has no address
   */
  connect(addr: AddressInput, options?: OperationOptions): Promise<void> {
    return this.#runTo(addr, (to) => this.#operations.connect(to), options);
  }

  /**
   * connect(2), as Python's connect_ex.
   * @returns 0, or the errno (positive) of a system call that failed
   * @throws as {@link connect}, what is not of a system call
   */
  async connect_ex(addr: AddressInput, options?: OperationOptions): Promise<number> {
    try {
      await this.connect(addr, options);
      return 0;
    } catch (error) {
      if (error instanceof IothError && error.errno !== undefined) return -error.errno;
      throw error;
    }
  }

  /**
   * recv(2).
   * @param bufsize how many bytes to receive at most, 64 KiB if nothing is said
   * @param flags MSG_*
   * @returns what came; an empty Buffer at the end of the stream
   * @throws {IothError} ECONNRESET, ENOTCONN, ECONNREFUSED (a datagram that was sent before), and as all that waits
   */
  recv(bufsize = RECEIVE_SIZE, flags = 0, options?: OperationOptions): Promise<Buffer> {
    return this.#run(() => this.#operations.recv(bufsize, flags), options);
  }

  /**
   * recv(2) into the caller's bytes.
   * @param nbytes how many at most; 0 or undefined for all that `buffer` has room for
   * @param flags MSG_*
   * @returns how many bytes came, 0 at the end of the stream
   * @throws as {@link recv}
   */
  recv_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0, options?: OperationOptions): Promise<number> {
    return this.#run(() => this.#operations.recv_into(buffer, nbytes, flags), options);
  }

  /**
   * recvfrom(2).
   * @param bufsize what of a datagram is longer, in bytes, is lost; 64 KiB, which no datagram has, if nothing is said
   * @param flags MSG_*
   * @returns one datagram, and who sent it
   * @throws as {@link recv}
   */
  recvfrom(bufsize = RECEIVE_SIZE, flags = 0, options?: OperationOptions): Promise<[Buffer, Address]> {
    return this.#run(() => this.#operations.recvfrom(bufsize, flags), options);
  }

  /**
   * recvfrom(2) into the caller's bytes.
   * @param nbytes how many at most; 0 or undefined for all that `buffer` has room for
   * @param flags MSG_*
   * @returns how many bytes came, and who sent them
   * @throws as {@link recv}
   */
  recvfrom_into(
    buffer: NodeJS.ArrayBufferView,
    nbytes?: number,
    flags = 0,
    options?: OperationOptions,
  ): Promise<[number, Address]> {
    return this.#run(() => this.#operations.recvfrom_into(buffer, nbytes, flags), options);
  }

  /**
   * recvmsg(2).
   * @param bufsize room for data, in bytes
   * @param ancbufsize room for control messages, in bytes: CMSG_SPACE(length) for each
   * @param flags MSG_*
   * @returns data, control messages, MSG_* flags and sender
   * @throws as {@link recv}
   */
  recvmsg(bufsize: number, ancbufsize = 0, flags = 0, options?: OperationOptions): Promise<Received<Buffer>> {
    return this.#run(() => this.#operations.recvmsg(bufsize, ancbufsize, flags), options);
  }

  /**
   * recvmsg(2) into the caller's buffers, one after the other.
   * @param ancbufsize room for control messages, in bytes
   * @param flags MSG_*
   * @returns how many bytes came, control messages, MSG_* flags and sender
   * @throws as {@link recv}
   */
  recvmsg_into(
    buffers: readonly NodeJS.ArrayBufferView[],
    ancbufsize = 0,
    flags = 0,
    options?: OperationOptions,
  ): Promise<Received<number>> {
    return this.#run(() => this.#operations.recvmsg_into(buffers, ancbufsize, flags), options);
  }

  /**
   * send(2).
   * @param flags MSG_*
   * @returns how many bytes were taken, which may be fewer than given: see {@link sendall}
   * @throws {IothError} EPIPE, ECONNRESET, ENOTCONN, EDESTADDRREQ, EMSGSIZE, and as all that waits
   */
  send(data: Data, flags = 0, options?: OperationOptions): Promise<number> {
    return this.#run(() => this.#operations.send(data, flags), options);
  }

  /**
   * send(2) until all is taken. Two at once do not mix their bytes.
   * @param flags MSG_*
   * @throws as {@link send}: some of it may have been sent
   */
  sendall(data: Data, flags = 0, options?: OperationOptions): Promise<void> {
    return this.#run(() => this.#operations.sendall(data, flags), options);
  }

  /**
   * sendto(2): one datagram.
   * @param flags MSG_*
   * @param addr an address, or a name that the stack's resolver resolves in the family of the socket
   * @returns how many bytes were taken
   * @throws {IothError} EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EACCES, EISCONN, and as all that waits
   * @throws {GaiError} where the name has no address
   */
  sendto(data: Data, addr: AddressInput, options?: OperationOptions): Promise<number>;
  sendto(data: Data, flags: number, addr: AddressInput, options?: OperationOptions): Promise<number>;
  sendto(data: Data, ...rest: unknown[]): Promise<number> {
    const [flags, addr, options] = splitSendto(rest);
    return this.#runTo(addr, (to) => this.#operations.sendto(data, flags, to), options);
  }

  /**
   * sendmsg(2).
   * @param buffers the data, one after the other
   * @param ancdata control messages
   * @param flags MSG_*
   * @param addr as of {@link sendto}; without it, the connected peer
   * @returns how many bytes were taken
   * @throws as {@link send} and {@link sendto}
   */
  sendmsg(
    buffers: readonly Data[],
    ancdata: readonly AncillaryItem[] = [],
    flags = 0,
    addr?: AddressInput,
    options?: OperationOptions,
  ): Promise<number> {
    const make = (to?: Sockaddr) => this.#operations.sendmsg(buffers, ancdata, flags, to);
    return addr === undefined ? this.#run(() => make(), options) : this.#runTo(addr, make, options);
  }

  /**
   * sendfile(2), on a stream socket.
   * @param file a regular file: its path, descriptor or FileHandle; its position is neither used nor changed
   * @param offset where to begin, in bytes
   * @param count how many bytes; without it, to the end of the file
   * @returns how many bytes were sent
   * @throws {IothError} ENOENT, EACCES, EISDIR … of the file; and as {@link send}
   */
  async sendfile(file: FileInput, offset = 0, count?: number, options?: OperationOptions): Promise<number> {
    const operation = this.#operations.sendfile(file, offset, count);
    try {
      return await this.#run(() => operation, options);
    } finally {
      operation.close();
    }
  }

  /**
   * dup(2). Only where the stack's sockets are the kernel's.
   * @returns a second Socket on the same connection
   * @throws {IothError} ENOTSUP (picox), EMFILE, EBADF
   */
  dup(): Socket<Owner, Item> {
    const fd = this.descriptor.use('dup');
    const { owner } = this.descriptor;
    if (!owner.hasKernelSockets)
      throw new IothError('ENOTSUP', { syscall: 'dup', hint: 'this stack cannot duplicate sockets' });
    const copy = this.#wrap<Item>(duplicate(owner, fd, this.type));
    copy.settimeout(this.gettimeout());
    return copy;
  }

  /**
   * A stream on this socket, for whatever takes Node streams; its end shuts down writing, its destruction closes the socket.
   * @returns a `net.Socket` on a TCP connection of a stack whose sockets are the kernel's (vdestack, kernel); else a Duplex
   * @throws {IothError} EMFILE
   */
  stream(): NetSocket | Duplex {
    const netSocket = this.#isTcpOfKernel() ? this.stack.netSocket?.(this) : undefined;
    return netSocket ?? socketStream(this);
  }

  /** @internal */
  get isReferenced(): boolean {
    return this.descriptor.readiness.isReferenced;
  }

  /** @internal */
  follow(follower: (reason: Error) => void): void {
    this.descriptor.follow(follower);
  }

  /**
   * A file on the connection, for text in lines: Python's makefile. It has a buffer of its own, so that its reads do not mix
   * with `recv` of the socket; closing the socket is the program's.
   * @throws {IothError} ENOTSUP where it is no stream socket
   * @throws {TypeError | RangeError} for options that make no sense
   */
  makefile(options?: FileOptions): SocketFile {
    return socketFile(this, options);
  }

  /**
   * What comes, until the end of the stream or until the socket is closed: of a listener the connections, of a connected
   * stream socket chunks of bytes, of any other one datagram after the other with its sender. Leaving the loop leaves the
   * socket open.
   * @throws as {@link accept}, {@link recv} and {@link recvfrom}; the loop can be begun again after an error
   */
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    return incoming(this, () => this.closed || acceptsConnections(this.descriptor.fd)) as AsyncGenerator<Item, void>;
  }

  /** Whether Node's own handle can have the connection. */
  #isTcpOfKernel(): boolean {
    const isTcp = (this.family === AF_INET || this.family === AF_INET6) && this.type === SOCK_STREAM;
    return isTcp && !this.closed && this.descriptor.owner.hasKernelSockets && isConnected(this.descriptor.fd);
  }

  #wrap<Item = Buffer>(fd: number): Socket<Owner, Item> {
    return new Socket(this.stack, new Descriptor(this.descriptor.owner, fd), this.family, this.type, this.proto);
  }

  // make() checks the arguments: what it throws is the promise's rejection too
  #run<T>(make: () => Operation<T>, options: OperationOptions | undefined): Promise<T> {
    try {
      const signal = signalOf(options);
      return this.descriptor.readiness.run(make(), this, milliseconds(this.gettimeout()), signal);
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
