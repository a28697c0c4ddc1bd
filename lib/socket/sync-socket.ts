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

/** What the blocking view needs of its socket. */
export interface SyncSource<Connection> {
  readonly descriptor: Descriptor;
  readonly operations: Operations;
  /** Milliseconds; null waits for ever. */
  timeout(): number | null;
  encode(addr: unknown): Sockaddr;
  wrap(fd: number): Connection;
}

/**
 * The operations of a {@link Socket} that may wait, with the same names and arguments, blocking the thread: for a REPL or
 * a script. A host is an address, 'localhost' or a name of the hosts file: no resolver can be asked. While one waits nothing
 * else of the process runs, a peer in the same process included.
 *
 * Whatever waits throws ETIMEDOUT or EAGAIN (`settimeout`), EINTR (a signal) or ERR_STACK_DEAD; on a closed socket EBADF.
 * Arguments that make no sense are a TypeError or RangeError that names them.
 */
export class SyncSocket<Connection = unknown> {
  readonly #source: SyncSource<Connection>;

  /** @internal use `socket.sync` */
  constructor(source: SyncSource<Connection>) {
    this.#source = source;
  }

  /**
   * accept(2).
   * @returns the next connection, and who made it
   * @throws {IothError} EINVAL (listen first), EOPNOTSUPP (not a stream socket), EMFILE, and as all that waits
   */
  accept(): [Connection, Address] {
    return this.#run(this.#source.operations.accept((fd) => this.#source.wrap(fd)));
  }

  /**
   * connect(2).
   * @throws {IothError} ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT …, with address and port; EISCONN
   * @throws {TypeError} for a name that only a server knows: `await stack.getaddrinfo(host, port)` resolves it
   */
  connect(addr: AddressInput): void {
    this.#run(this.#source.operations.connect(this.#source.encode(addr)));
  }

  /**
   * connect(2), as Python's connect_ex.
   * @returns 0, or the errno (positive) of a system call that failed
   * @throws as {@link connect}, what is not of a system call
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
   * recv(2).
   * @param bufsize how many bytes to receive at most, 64 KiB if nothing is said
   * @param flags MSG_*
   * @returns what came; an empty Buffer at the end of the stream
   * @throws {IothError} ECONNRESET, ENOTCONN, ECONNREFUSED (a datagram that was sent before), and as all that waits
   */
  recv(bufsize = RECEIVE_SIZE, flags = 0): Buffer {
    return this.#run(this.#source.operations.recv(bufsize, flags));
  }

  /**
   * recv(2) into the caller's bytes.
   * @param nbytes how many at most; 0 or undefined for all that `buffer` has room for
   * @param flags MSG_*
   * @returns how many bytes came, 0 at the end of the stream
   * @throws as {@link recv}
   */
  recv_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0): number {
    return this.#run(this.#source.operations.recv_into(buffer, nbytes, flags));
  }

  /**
   * recvfrom(2).
   * @param bufsize what of a datagram is longer, in bytes, is lost; 64 KiB if nothing is said
   * @param flags MSG_*
   * @returns one datagram, and who sent it
   * @throws as {@link recv}
   */
  recvfrom(bufsize = RECEIVE_SIZE, flags = 0): [Buffer, Address] {
    return this.#run(this.#source.operations.recvfrom(bufsize, flags));
  }

  /**
   * recvfrom(2) into the caller's bytes.
   * @param nbytes how many at most; 0 or undefined for all that `buffer` has room for
   * @param flags MSG_*
   * @returns how many bytes came, and who sent them
   * @throws as {@link recv}
   */
  recvfrom_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0): [number, Address] {
    return this.#run(this.#source.operations.recvfrom_into(buffer, nbytes, flags));
  }

  /**
   * recvmsg(2).
   * @param bufsize room for data, in bytes
   * @param ancbufsize room for control messages, in bytes: CMSG_SPACE(length) for each
   * @param flags MSG_*
   * @returns data, control messages, MSG_* flags and sender
   * @throws as {@link recv}
   */
  recvmsg(bufsize: number, ancbufsize = 0, flags = 0): Received<Buffer> {
    return this.#run(this.#source.operations.recvmsg(bufsize, ancbufsize, flags));
  }

  /**
   * recvmsg(2) into the caller's buffers, one after the other.
   * @param ancbufsize room for control messages, in bytes
   * @param flags MSG_*
   * @returns how many bytes came, control messages, MSG_* flags and sender
   * @throws as {@link recv}
   */
  recvmsg_into(buffers: readonly NodeJS.ArrayBufferView[], ancbufsize = 0, flags = 0): Received<number> {
    return this.#run(this.#source.operations.recvmsg_into(buffers, ancbufsize, flags));
  }

  /**
   * send(2).
   * @param flags MSG_*
   * @returns how many bytes were taken, which may be fewer than given: see {@link sendall}
   * @throws {IothError} EPIPE, ECONNRESET, ENOTCONN, EDESTADDRREQ, EMSGSIZE, and as all that waits
   */
  send(data: Data, flags = 0): number {
    return this.#run(this.#source.operations.send(data, flags));
  }

  /**
   * send(2) until all is taken.
   * @param flags MSG_*
   * @throws as {@link send}: some of it may have been sent
   */
  sendall(data: Data, flags = 0): void {
    this.#run(this.#source.operations.sendall(data, flags));
  }

  /**
   * sendto(2): one datagram.
   * @param flags MSG_*
   * @returns how many bytes were taken
   * @throws {IothError} EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EACCES, EISCONN, and as all that waits
   * @throws {TypeError} for a name that only a server knows
   */
  sendto(data: Data, addr: AddressInput): number;
  sendto(data: Data, flags: number, addr: AddressInput): number;
  sendto(data: Data, first: number | AddressInput, second?: AddressInput): number {
    const [flags, addr] = typeof first === 'number' ? [first, second] : [0, first];
    return this.#run(this.#source.operations.sendto(data, flags, this.#source.encode(addr)));
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
  sendmsg(buffers: readonly Data[], ancdata: readonly AncillaryItem[] = [], flags = 0, addr?: AddressInput): number {
    const to = addr === undefined ? undefined : this.#source.encode(addr);
    return this.#run(this.#source.operations.sendmsg(buffers, ancdata, flags, to));
  }

  /**
   * sendfile(2), on a stream socket.
   * @param file a regular file: its path, descriptor or FileHandle; its position is neither used nor changed
   * @param offset where to begin, in bytes
   * @param count how many bytes; without it, to the end of the file
   * @returns how many bytes were sent
   * @throws {IothError} ENOENT, EACCES, EISDIR … of the file; and as {@link send}
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
