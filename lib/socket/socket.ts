import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address, AddressInput } from '../address/sockaddr.js';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { checkOptions, checkSignal } from '../core/validate.js';
import { BaseSocket } from './base-socket.js';
import type { AncillaryItem } from './cmsg.js';
import { socketOfConnection } from './connection.js';
import { Descriptor } from './descriptor.js';
import { localDestinationOf, namedDestinationOf, numericDestinationOf } from './destination.js';
import { socketStream } from './duplex.js';
import { duplicate } from './duplicate.js';
import { type Datagram, incoming, RECEIVE_SIZE } from './incoming.js';
import { recvFromIntoAtOnce, recvIntoAtOnce, sendAtOnce, sendToAtOnce } from './operations/at-once.js';
import type { Call, CallTarget, WithNames } from './operations/call.js';
import { type ArgumentsOf, CALLS } from './operations/calls.js';
import type { Received } from './operations/message.js';
import { PeerAddressCache } from './operations/receive.js';
import type { Data } from './operations/send.js';
import type { FileInput } from './operations/sendfile.js';
import { acceptsConnections, isConnected } from './options.js';
import type { SocketOwner } from './owner.js';
import { type FileOptions, type SocketFile, socketFile } from './socket-file.js';
import { errnoOf, type SyncSocket, syncSocket } from './sync-socket.js';
import { milliseconds } from './timeouts.js';

/** Options of every operation that may wait: its last argument. */
export interface OperationOptions {
  /** Aborts the wait: the promise is rejected with an AbortError. */
  signal?: AbortSignal;
}

/** Connected stream socket: `for await` yields its bytes. */
export type Connection<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Buffer>;

/** Listening stream socket: `for await` yields connections. */
export type ListeningSocket<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Connection<Owner>>;

/** Stream socket that may listen or connect: `for await` yields connections if it listens, else bytes. */
export type StreamSocket<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Connection<Owner> | Buffer>;

/** Datagram socket: `for await` yields datagrams, each with its sender. */
export type DatagramSocket<Owner extends SocketOwner = SocketOwner> = Socket<Owner, Datagram>;

/** Items that `for await` yields for a socket of any kind. */
export type Incoming<Owner extends SocketOwner = SocketOwner> = Connection<Owner> | Buffer | Datagram;

/**
 * Berkeley socket on a {@link Stack}: one method per system call, with Python's names. Make one with `stack.socket()`.
 *
 * A call that may wait returns a promise. It is tried at once and, if the socket is not ready, again when it is. A call that
 * cannot wait is synchronous. `sync` has blocking forms of the waiting calls. Errors are {@link IothError}s.
 *
 * Every waiting call may be rejected with ETIMEDOUT or EAGAIN (see {@link settimeout}), an AbortError (`options.signal`),
 * ECANCELED (the socket was closed or detached during the wait), ERR_STACK_DEAD, or EBADF (it was closed before the call).
 * An invalid argument rejects it with a TypeError or RangeError that names the argument.
 */
export class Socket<Owner extends SocketOwner = SocketOwner, Item = Incoming<Owner>> extends BaseSocket<Owner> {
  readonly #target: CallTarget;
  #sync: SyncSocket<Connection<Owner>> | undefined;

  private constructor(stack: Owner, descriptor: Descriptor, family: number, type: number, proto: number) {
    super(stack, descriptor, family, type, proto);
    this.#target = { descriptor, family, type, peers: new PeerAddressCache(family), wrap: (fd) => this.#wrap(fd) };
  }

  /** Creates the Socket for `stack.socket()`. @internal */
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
   * Takes the connection of a `net.Socket` on a stack (made in `stack.run`, by `stack.net` or by `stream()`). Destroys
   * `netSocket`: it emits 'close', but the connection stays open.
   * @returns a Socket on the connection; it receives what `netSocket` has not read
   * @throws {IothError} ENOTSOCK (on no stack, or the stack has no kernel sockets), ENOTCONN (still connecting), EBUSY (it
   * holds received data, or data to write), EMFILE, ERR_STACK_DEAD
   */
  static from<Owner extends SocketOwner = SocketOwner>(netSocket: NetSocket): Connection<Owner> {
    return socketOfConnection(netSocket) as Connection<Owner>;
  }

  /** Blocking forms of the waiting calls: they block the thread in poll(2), for at most the time of `settimeout`. */
  get sync(): SyncSocket<Connection<Owner>> {
    this.#sync ??= syncSocket({
      target: this.#target,
      timeout: () => milliseconds(this.gettimeout()),
      encode: (addr) => localDestinationOf(this.stack, this.family, addr),
    });
    return this.#sync;
  }

  /**
   * Accepts a connection: accept(2). If the process is out of descriptors, waits until one is free.
   * @returns the next connection and the peer's address
   * @throws {IothError} EINVAL (listen first), EOPNOTSUPP (not a stream socket), EMFILE (timeout 0), and the errors of every
   * waiting call
   */
  accept(options?: OperationOptions): Promise<[Connection<Owner>, Address]> {
    return this.#run(CALLS.accept, [], options) as Promise<[Connection<Owner>, Address]>;
  }

  /**
   * Listens for connections: listen(2).
   * @param backlog the most connections that wait for accept, default SOMAXCONN
   * @returns this socket, typed as a listener
   * @throws {IothError} EADDRINUSE, EOPNOTSUPP (not a stream socket), EBADF
   */
  override listen(backlog?: number): ListeningSocket<Owner> {
    super.listen(backlog);
    return this as unknown as ListeningSocket<Owner>;
  }

  /**
   * Connects to an address: connect(2). After a failure, a timeout or an abort the socket can connect again.
   * @param addr an address, or a name that the stack's resolver resolves in the family of the socket
   * @throws {IothError} ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT …, with address and port; EISCONN
   * @throws {GaiError} if the name has no address
   */
  connect(addr: AddressInput, options?: OperationOptions): Promise<void> {
    return this.#run(CALLS.connect, [addr], options);
  }

  /**
   * Connects like {@link connect} and returns the error number, like Python's connect_ex.
   * @returns 0, or the positive errno of the system call that failed
   * @throws those errors of {@link connect} that have no errno
   */
  async connect_ex(addr: AddressInput, options?: OperationOptions): Promise<number> {
    try {
      await this.connect(addr, options);
      return 0;
    } catch (error) {
      return errnoOf(error);
    }
  }

  /**
   * Receives bytes: recv(2).
   * @param bufsize the most bytes to receive, default 64 KiB
   * @param flags MSG_*
   * @returns the bytes; an empty Buffer at the end of the stream
   * @throws {IothError} ECONNRESET, ENOTCONN, ECONNREFUSED (for a datagram sent earlier), and the errors of every waiting call
   */
  recv(bufsize = RECEIVE_SIZE, flags = 0, options?: OperationOptions): Promise<Buffer> {
    return this.#run(CALLS.recv, [bufsize, flags], options);
  }

  /**
   * Receives bytes into `buffer`: recv(2).
   * @param nbytes the most bytes to receive; 0 or undefined fills `buffer`
   * @param flags MSG_*
   * @returns the number of bytes received, 0 at the end of the stream
   * @throws the errors of {@link recv}
   */
  recv_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0, options?: OperationOptions): Promise<number> {
    const done =
      flags === 0 && nbytes === undefined && options === undefined ? recvIntoAtOnce(this.#target, buffer) : undefined;
    return done ?? this.#run(CALLS.recv_into, [buffer, nbytes, flags], options);
  }

  /**
   * Receives a datagram: recvfrom(2).
   * @param bufsize the most bytes to receive, default 64 KiB (no datagram is longer); the rest of a longer datagram is lost
   * @param flags MSG_*
   * @returns one datagram and the sender's address
   * @throws the errors of {@link recv}
   */
  recvfrom(bufsize = RECEIVE_SIZE, flags = 0, options?: OperationOptions): Promise<[Buffer, Address]> {
    return this.#run(CALLS.recvfrom, [bufsize, flags], options);
  }

  /**
   * Receives a datagram into `buffer`: recvfrom(2).
   * @param nbytes the most bytes to receive; 0 or undefined fills `buffer`
   * @param flags MSG_*
   * @returns the number of bytes received and the sender's address
   * @throws the errors of {@link recv}
   */
  recvfrom_into(
    buffer: NodeJS.ArrayBufferView,
    nbytes?: number,
    flags = 0,
    options?: OperationOptions,
  ): Promise<[number, Address]> {
    const done =
      flags === 0 && nbytes === undefined && options === undefined
        ? recvFromIntoAtOnce(this.#target, buffer)
        : undefined;
    return done ?? this.#run(CALLS.recvfrom_into, [buffer, nbytes, flags], options);
  }

  /**
   * Receives data and control messages: recvmsg(2).
   * @param bufsize room for data, in bytes
   * @param ancbufsize room for control messages, in bytes: CMSG_SPACE(length) for each; default 0
   * @param flags MSG_*
   * @returns data, control messages, MSG_* flags and the sender's address
   * @throws the errors of {@link recv}
   */
  recvmsg(bufsize: number, ancbufsize = 0, flags = 0, options?: OperationOptions): Promise<Received<Buffer>> {
    return this.#run(CALLS.recvmsg, [bufsize, ancbufsize, flags], options);
  }

  /**
   * Receives data into `buffers`, filling one after the other, and control messages: recvmsg(2).
   * @param ancbufsize room for control messages, in bytes; default 0
   * @param flags MSG_*
   * @returns the number of bytes received, control messages, MSG_* flags and the sender's address
   * @throws the errors of {@link recv}
   */
  recvmsg_into(
    buffers: readonly NodeJS.ArrayBufferView[],
    ancbufsize = 0,
    flags = 0,
    options?: OperationOptions,
  ): Promise<Received<number>> {
    return this.#run(CALLS.recvmsg_into, [buffers, ancbufsize, flags], options);
  }

  /**
   * Sends bytes to the connected peer: send(2).
   * @param flags MSG_*
   * @returns the number of bytes sent, which may be fewer than given: see {@link sendall}
   * @throws {IothError} EPIPE, ECONNRESET, ENOTCONN, EDESTADDRREQ, EMSGSIZE, and the errors of every waiting call
   */
  send(data: Data, flags = 0, options?: OperationOptions): Promise<number> {
    const done = flags === 0 && options === undefined ? sendAtOnce(this.#target, data) : undefined;
    return done ?? this.#run(CALLS.send, [data, flags], options);
  }

  /**
   * Sends all bytes: calls send(2) until none is left. Two calls at once do not mix their bytes.
   * @param flags MSG_*
   * @throws the errors of {@link send}; some bytes may have been sent
   */
  sendall(data: Data, flags = 0, options?: OperationOptions): Promise<void> {
    return this.#run(CALLS.sendall, [data, flags], options);
  }

  /**
   * Sends one datagram: sendto(2).
   * @param flags MSG_*
   * @param addr an address, or a name that the stack's resolver resolves in the family of the socket
   * @returns the number of bytes sent
   * @throws {IothError} EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EACCES, EISCONN, and the errors of every waiting call
   * @throws {GaiError} if the name has no address
   */
  sendto(data: Data, addr: AddressInput, options?: OperationOptions): Promise<number>;
  sendto(data: Data, flags: number, addr: AddressInput, options?: OperationOptions): Promise<number>;
  sendto(data: Data, ...rest: unknown[]): Promise<number> {
    const done = rest.length === 1 ? sendToAtOnce(this.#target, data, rest[0]) : undefined;
    if (done) return done;
    const count = typeof rest[0] === 'number' ? 2 : 1;
    const args = [data, ...rest.slice(0, count)] as ArgumentsOf<typeof CALLS.sendto>;
    return this.#run(CALLS.sendto, args, rest[count] as OperationOptions | undefined);
  }

  /**
   * Sends data and control messages: sendmsg(2).
   * @param buffers the data, sent one after the other
   * @param ancdata control messages
   * @param flags MSG_*
   * @param addr see {@link sendto}; default: the connected peer
   * @returns the number of bytes sent
   * @throws the errors of {@link send} and {@link sendto}
   */
  sendmsg(
    buffers: readonly Data[],
    ancdata: readonly AncillaryItem[] = [],
    flags = 0,
    addr?: AddressInput,
    options?: OperationOptions,
  ): Promise<number> {
    return this.#run(CALLS.sendmsg, [buffers, ancdata, flags, addr], options);
  }

  /**
   * Sends a file on a stream socket: sendfile(2).
   * @param file a regular file: its path, descriptor or FileHandle; its position is neither used nor changed
   * @param offset where to start, in bytes; default 0
   * @param count how many bytes; default: to the end of the file
   * @returns the number of bytes sent
   * @throws {IothError} ENOENT, EACCES … of the file; EINVAL, EISDIR (not a regular file); and the errors of {@link send}
   */
  sendfile(file: FileInput, offset = 0, count?: number, options?: OperationOptions): Promise<number> {
    return this.#run(CALLS.sendfile, [file, offset, count], options);
  }

  /**
   * Duplicates the socket: dup(2). Works only on stacks with kernel sockets.
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
   * Creates a Node stream on this socket. Ending it shuts down writing; destroying it closes the socket.
   * @returns a `net.Socket` for a TCP connection on a stack with kernel sockets (vdestack, kernel); else a Duplex
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
    this.descriptor.follow((reason) => follower(reason({ syscall: 'close' })));
  }

  /**
   * Creates a file on the connection, for text in lines, like Python's makefile. It has its own buffer: do not mix its reads
   * with `recv` of the socket. It never closes the socket: close that yourself.
   * @throws {IothError} ENOTSUP if it is not a stream socket
   * @throws {TypeError | RangeError} for invalid options
   */
  makefile(options?: FileOptions): SocketFile {
    return socketFile(this, options);
  }

  /**
   * Yields what arrives, until the end of the stream or until the socket is closed: connections of a listener, chunks of
   * bytes of a connected stream socket, datagrams with their senders of any other socket. Leaving the loop does not close the
   * socket.
   * @throws the errors of {@link accept}, {@link recv} and {@link recvfrom}; you can start the loop again after an error
   */
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    return incoming(this, () => this.closed || acceptsConnections(this.descriptor.fd)) as AsyncGenerator<Item, void>;
  }

  /** Returns whether a handle of Node can take the connection. */
  #isTcpOfKernel(): boolean {
    const isTcp = (this.family === AF_INET || this.family === AF_INET6) && this.type === SOCK_STREAM;
    return isTcp && !this.closed && this.descriptor.owner.hasKernelSockets && isConnected(this.descriptor.fd);
  }

  #wrap<Item = Buffer>(fd: number): Socket<Owner, Item> {
    return new Socket(this.stack, new Descriptor(this.descriptor.owner, fd), this.family, this.type, this.proto);
  }

  /** Makes the operation of a call and runs it. A name among the arguments is resolved first. An invalid argument rejects. */
  #run<Args extends unknown[], T>(call: Call<Args, T>, args: WithNames<Args>, options?: OperationOptions): Promise<T> {
    try {
      const signal = signalOf(options);
      const given: unknown[] = args;
      const at = call.addressIn ? call.addressIn(given) : -1;
      if (at >= 0) {
        const to = numericDestinationOf(this.stack, this.family, given[at]);
        if (!to) return this.#runWithName(call, given, at, signal);
        given[at] = to;
      }
      return this.#begin(call, given as Args, signal, milliseconds(this.gettimeout()));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs a call whose argument number `at` has a name. The timeout is for the look-up and the operation together. */
  async #runWithName<Args extends unknown[], T>(
    call: Call<Args, T>,
    given: unknown[],
    at: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const timeout = milliseconds(this.gettimeout());
    const start = performance.now();
    const wait = { descriptor: this.descriptor, syscall: call.syscall ?? '', timeout, signal };
    given[at] = await namedDestinationOf(this.stack, this.family, given[at], wait);
    const left = timeout && Math.max(1, Math.ceil(timeout - (performance.now() - start)));
    return this.#begin(call, given as Args, signal, left);
  }

  #begin<Args extends unknown[], T>(
    call: Call<Args, T>,
    args: Args,
    signal: AbortSignal | undefined,
    timeout: number | null,
  ): Promise<T> {
    const operation = call.make(this.#target, ...args);
    const result = this.descriptor.readiness.run(operation, this, timeout, signal);
    return operation.close ? result.finally(() => operation.close?.()) : result;
  }
}

/** Checks the options of an operation and returns their signal. Runs first, so that an error has nothing to undo. */
function signalOf(options: OperationOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  checkOptions(options, ['signal']);
  return checkSignal(options.signal);
}
