import type { Address, AddressInput, Sockaddr } from '../address/sockaddr.js';
import { IothError } from '../core/errors.js';
import { runBlocking } from '../io/blocking.js';
import type { Operation } from '../io/wait-queue.js';
import type { AncillaryItem } from './cmsg.js';
import type { Descriptor } from './descriptor.js';
import type { Data, Operations } from './operations/index.js';
import { type Received, recvmsg, recvmsg_into, sendmsg } from './operations/message.js';
import { type FileInput, sendfile } from './operations/sendfile.js';
import type { Socket } from './socket.js';

/** What the blocking view needs of its socket. */
export interface SyncSource {
  readonly descriptor: Descriptor;
  readonly operations: Operations;
  readonly type: number;
  /** Milliseconds; null waits for ever. */
  timeout(): number | null;
  encode(addr: unknown): Sockaddr;
  accepted(fd: number): Socket;
}

/**
 * The operations of a {@link Socket} that may wait, with the same names and arguments, blocking the thread: for a REPL or
 * a script. Addresses must be numeric: it asks no resolver. While one waits nothing else of the process runs, a peer in the same process included.
 */
export class SyncSocket {
  readonly #source: SyncSource;

  /** @internal use `socket.sync` */
  constructor(source: SyncSource) {
    this.#source = source;
  }

  accept(): [Socket, Address] {
    return this.#run(this.#source.operations.accept((fd) => this.#source.accepted(fd)));
  }

  connect(addr: AddressInput): void {
    this.#run(this.#source.operations.connect(this.#source.encode(addr)));
  }

  connect_ex(addr: AddressInput): number {
    try {
      this.connect(addr);
      return 0;
    } catch (error) {
      if (error instanceof IothError && error.errno !== undefined) return -error.errno;
      throw error;
    }
  }

  recv(bufsize: number, flags = 0): Buffer {
    return this.#run(this.#source.operations.recv(bufsize, flags));
  }

  recv_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0): number {
    return this.#run(this.#source.operations.recv_into(buffer, nbytes, flags));
  }

  recvfrom(bufsize: number, flags = 0): [Buffer, Address] {
    return this.#run(this.#source.operations.recvfrom(bufsize, flags));
  }

  recvfrom_into(buffer: NodeJS.ArrayBufferView, nbytes?: number, flags = 0): [number, Address] {
    return this.#run(this.#source.operations.recvfrom_into(buffer, nbytes, flags));
  }

  recvmsg(bufsize: number, ancbufsize = 0, flags = 0): Received<Buffer> {
    return this.#run(recvmsg(this.#source.descriptor, bufsize, ancbufsize, flags));
  }

  recvmsg_into(buffers: readonly NodeJS.ArrayBufferView[], ancbufsize = 0, flags = 0): Received<number> {
    return this.#run(recvmsg_into(this.#source.descriptor, buffers, ancbufsize, flags));
  }

  send(data: Data, flags = 0): number {
    return this.#run(this.#source.operations.send(data, flags));
  }

  sendall(data: Data, flags = 0): void {
    this.#run(this.#source.operations.sendall(data, flags));
  }

  sendto(data: Data, addr: AddressInput): number;
  sendto(data: Data, flags: number, addr: AddressInput): number;
  sendto(data: Data, first: number | AddressInput, second?: AddressInput): number {
    const [flags, addr] = typeof first === 'number' ? [first, second] : [0, first];
    return this.#run(this.#source.operations.sendto(data, flags, this.#source.encode(addr)));
  }

  sendmsg(buffers: readonly Data[], ancdata: readonly AncillaryItem[] = [], flags = 0, addr?: AddressInput): number {
    const to = addr === undefined ? undefined : this.#source.encode(addr);
    return this.#run(sendmsg(this.#source.descriptor, buffers, ancdata, flags, to));
  }

  sendfile(file: FileInput, offset = 0, count?: number): number {
    const operation = sendfile(this.#source.descriptor, this.#source.type, file, offset, count);
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
