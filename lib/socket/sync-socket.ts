import type { Address, AddressInput, Sockaddr } from '../address/sockaddr.js';
import { IothError } from '../core/errors.js';
import { runBlocking } from '../io/blocking.js';
import type { Operation } from '../io/wait-queue.js';
import type { AncillaryItem } from './cmsg.js';
import type { Descriptor } from './descriptor.js';
import { RECEIVE_SIZE } from './incoming.js';
import type { Operations } from './operations/index.js';
import type { Received } from './operations/message.js';
import type { Data } from './operations/send.js';
import type { FileInput } from './operations/sendfile.js';

/** The members of a socket that its blocking view uses. */
export interface SyncSource<Connection> {
  readonly descriptor: Descriptor;
  readonly operations: Operations;
  /** The timeout in milliseconds; null waits for ever. */
  timeout(): number | null;
  encode(addr: unknown): Sockaddr;
  wrap(fd: number): Connection;
}

/**
 * Blocking forms of the {@link Socket} operations that may wait, with the same names and arguments: for a REPL or a script.
 * A host is an address, 'localhost' or a name in the hosts file; no DNS server is asked. While a call waits, this thread
 * runs nothing else, and a peer on the same thread cannot answer.
 *
 * Every call that waits may throw ETIMEDOUT or EAGAIN (`settimeout`), EINTR (a signal), ERR_STACK_DEAD, or EBADF (the
 * socket is closed). An invalid argument throws a TypeError or RangeError that names it.
 */
export class SyncSocket<Connection = unknown> {
  readonly #source: SyncSource<Connection>;

  /** @internal use `socket.sync` */
  constructor(source: SyncSource<Connection>) {
    this.#source = source;
  }

  /**
   * Accepts a connection: accept(2).
   * @returns the next connection and the peer's address
   * @throws {IothError} EINVAL (listen first), EOPNOTSUPP (not a stream socket), EMFILE, and the errors of every waiting call
   */
  accept(): [Connection, Address] {
    return this.#run(this.#source.operations.accept((fd) => this.#source.wrap(fd)));
  }

  /**
   * Connects to an address: connect(2).
   * @throws {IothError} ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT …, with address and port; EISCONN
   * @throws {TypeError} for a name that only a server can resolve: use `await stack.getaddrinfo(host, port)`
   */
  connect(addr: AddressInput): void {
    this.#run(this.#source.operations.connect(this.#source.encode(addr)));
  }

  /**
   * Connects like {@link connect} and returns the error number, like Python's connect_ex.
   * @returns 0, or the positive errno of the system call that failed
   * @throws those errors of {@link connect} that have no errno
   */
  connect_ex(addr: AddressInput): number {
    try {
      this.connect(addr);
      return 0;
    } catch (error) {
      if (error instanceof IothError && error.errno !== undefined) return -error.errno;
      throw error;
    }
  }

  /**
   * Receives bytes: recv(2).
   * @param bufsize the most bytes to receive, default 64 KiB
   * @param flags MSG_*
   * @returns the bytes; an empty Buffer at the end of the stream
   * @throws {IothError} ECONNRESET, ENOTCONN, ECONNREFUSED (for a datagram sent earlier), and the errors of every waiting call
   */
  recv(bufsize = RECEIVE_SIZE, flags = 0): Buffer {
    return this.#run(this.#source.operations.recv(bufsize, flags));
  }

  /**
   * Receives bytes into `buffer`: recv(2).
   * @param nbytes the most bytes to receive; 0 or undefined fills `buffer`
   * @param flags MSG_*
   * @returns the number of bytes received, 0 at the end of the stream
   * @throws the errors of {@link recv}
   */
  recv_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0): number {
    return this.#run(this.#source.operations.recv_into(buffer, nbytes, flags));
  }

  /**
   * Receives a datagram: recvfrom(2).
   * @param bufsize the most bytes to receive, default 64 KiB; the rest of a longer datagram is lost
   * @param flags MSG_*
   * @returns one datagram and the sender's address
   * @throws the errors of {@link recv}
   */
  recvfrom(bufsize = RECEIVE_SIZE, flags = 0): [Buffer, Address] {
    return this.#run(this.#source.operations.recvfrom(bufsize, flags));
  }

  /**
   * Receives a datagram into `buffer`: recvfrom(2).
   * @param nbytes the most bytes to receive; 0 or undefined fills `buffer`
   * @param flags MSG_*
   * @returns the number of bytes received and the sender's address
   * @throws the errors of {@link recv}
   */
  recvfrom_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0): [number, Address] {
    return this.#run(this.#source.operations.recvfrom_into(buffer, nbytes, flags));
  }

  /**
   * Receives data and control messages: recvmsg(2).
   * @param bufsize room for data, in bytes
   * @param ancbufsize room for control messages, in bytes: CMSG_SPACE(length) for each; default 0
   * @param flags MSG_*
   * @returns data, control messages, MSG_* flags and the sender's address
   * @throws the errors of {@link recv}
   */
  recvmsg(bufsize: number, ancbufsize = 0, flags = 0): Received<Buffer> {
    return this.#run(this.#source.operations.recvmsg(bufsize, ancbufsize, flags));
  }

  /**
   * Receives data into `buffers`, filling one after the other, and control messages: recvmsg(2).
   * @param ancbufsize room for control messages, in bytes; default 0
   * @param flags MSG_*
   * @returns the number of bytes received, control messages, MSG_* flags and the sender's address
   * @throws the errors of {@link recv}
   */
  recvmsg_into(buffers: readonly NodeJS.ArrayBufferView[], ancbufsize = 0, flags = 0): Received<number> {
    return this.#run(this.#source.operations.recvmsg_into(buffers, ancbufsize, flags));
  }

  /**
   * Sends bytes to the connected peer: send(2).
   * @param flags MSG_*
   * @returns the number of bytes sent, which may be fewer than given: see {@link sendall}
   * @throws {IothError} EPIPE, ECONNRESET, ENOTCONN, EDESTADDRREQ, EMSGSIZE, and the errors of every waiting call
   */
  send(data: Data, flags = 0): number {
    return this.#run(this.#source.operations.send(data, flags));
  }

  /**
   * Sends all bytes: calls send(2) until none is left.
   * @param flags MSG_*
   * @throws the errors of {@link send}; some bytes may have been sent
   */
  sendall(data: Data, flags = 0): void {
    this.#run(this.#source.operations.sendall(data, flags));
  }

  /**
   * Sends one datagram: sendto(2).
   * @param flags MSG_*
   * @returns the number of bytes sent
   * @throws {IothError} EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EACCES, EISCONN, and the errors of every waiting call
   * @throws {TypeError} for a name that only a server can resolve
   */
  sendto(data: Data, addr: AddressInput): number;
  sendto(data: Data, flags: number, addr: AddressInput): number;
  sendto(data: Data, first: number | AddressInput, second?: AddressInput): number {
    const [flags, addr] = typeof first === 'number' ? [first, second] : [0, first];
    return this.#run(this.#source.operations.sendto(data, flags, this.#source.encode(addr)));
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
  sendmsg(buffers: readonly Data[], ancdata: readonly AncillaryItem[] = [], flags = 0, addr?: AddressInput): number {
    const to = addr === undefined ? undefined : this.#source.encode(addr);
    return this.#run(this.#source.operations.sendmsg(buffers, ancdata, flags, to));
  }

  /**
   * Sends a file on a stream socket: sendfile(2).
   * @param file a regular file: its path, descriptor or FileHandle; its position is neither used nor changed
   * @param offset where to start, in bytes; default 0
   * @param count how many bytes; default: to the end of the file
   * @returns the number of bytes sent
   * @throws {IothError} ENOENT, EACCES, EISDIR … of the file; and the errors of {@link send}
   */
  sendfile(file: FileInput, offset = 0, count?: number): number {
    const operation = this.#source.operations.sendfile(file, offset, count);
    try {
      return this.#run(operation);
    } finally {
      operation.close();
    }
  }

  #run<T>(operation: Operation<T>): T {
    try {
      return runBlocking(operation, this.#source.descriptor, this.#source.timeout());
    } catch (error) {
      operation.abandon?.();
      throw error;
    }
  }
}
