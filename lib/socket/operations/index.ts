import type { Address, Sockaddr } from '../../address/sockaddr.js';
import { SOCK_STREAM } from '../../constants/index.js';
import { checkBytes, checkData, checkFlags, checkInteger, INT_MAX } from '../../core/validate.js';
import type { Operation } from '../../io/wait-queue.js';
import type { AncillaryItem } from '../cmsg.js';
import type { Descriptor } from '../descriptor.js';
import { Accept } from './accept.js';
import { Connect } from './connect.js';
import { type Received, recvmsg, recvmsg_into, sendmsg } from './message.js';
import { PeerAddressCache, Recv, RecvFrom, RecvFromInto, RecvInto } from './receive.js';
import { type Data, Send, SendAll, SendTo } from './send.js';
import { type FileInput, type FileOperation, sendfile } from './sendfile.js';

/** Factory of the operations of one descriptor: the calls that may wait. Checks the arguments before C sees them. */
export class Operations {
  readonly #descriptor: Descriptor;
  readonly #type: number;
  readonly #isStream: boolean;
  readonly #peers = new PeerAddressCache();

  constructor(descriptor: Descriptor, type: number) {
    this.#descriptor = descriptor;
    this.#type = type;
    this.#isStream = type === SOCK_STREAM;
  }

  recv(size: number, flags: number): Operation<Buffer> {
    checkSize(size);
    checkFlags(flags);
    return new Recv(this.#descriptor, this.#isStream, size, flags);
  }

  recv_into(into: NodeJS.ArrayBufferView, nbytes: number | undefined, flags: number): Operation<number> {
    const buffer = checkBytes('buffer', into);
    const size = checkRoom(buffer, nbytes);
    checkFlags(flags);
    return new RecvInto(this.#descriptor, this.#isStream, buffer, size, flags);
  }

  recvfrom(size: number, flags: number): Operation<[Buffer, Address]> {
    checkSize(size);
    checkFlags(flags);
    return new RecvFrom(this.#descriptor, this.#peers, size, flags);
  }

  recvfrom_into(into: NodeJS.ArrayBufferView, nbytes: number | undefined, flags: number): Operation<[number, Address]> {
    const buffer = checkBytes('buffer', into);
    const size = checkRoom(buffer, nbytes);
    checkFlags(flags);
    return new RecvFromInto(this.#descriptor, this.#peers, buffer, size, flags);
  }

  recvmsg(size: number, ancbufsize: number, flags: number): Operation<Received<Buffer>> {
    checkSize(size);
    return recvmsg(this.#descriptor, size, ancbufsize, flags);
  }

  recvmsg_into(
    into: readonly NodeJS.ArrayBufferView[],
    ancbufsize: number,
    flags: number,
  ): Operation<Received<number>> {
    return recvmsg_into(this.#descriptor, into, ancbufsize, flags);
  }

  send(message: Data, flags: number): Operation<number> {
    const data = checkData('data', message);
    checkFlags(flags);
    return new Send(this.#descriptor, data, flags);
  }

  sendall(message: Data, flags: number): Operation<void> {
    const data = checkData('data', message);
    checkFlags(flags);
    return new SendAll(this.#descriptor, data, flags);
  }

  sendto(message: Data, flags: number, to: Sockaddr): Operation<number> {
    const data = checkData('data', message);
    checkFlags(flags);
    return new SendTo(this.#descriptor, data, flags, to);
  }

  sendmsg(data: readonly Data[], ancdata: readonly AncillaryItem[], flags: number, to?: Sockaddr): Operation<number> {
    return sendmsg(this.#descriptor, data, ancdata, flags, to);
  }

  sendfile(file: FileInput, offset: number, count: number | undefined): FileOperation {
    return sendfile(this.#descriptor, this.#type, file, offset, count);
  }

  accept<T>(wrap: (fd: number) => T): Operation<[accepted: T, peer: Address]> {
    return new Accept(this.#descriptor, wrap);
  }

  connect(to: Sockaddr): Operation<void> {
    return new Connect(this.#descriptor, to);
  }
}

function checkSize(size: unknown): void {
  checkInteger('bufsize', size, 0, INT_MAX);
}

/** Returns how many bytes to receive. As in Python, nbytes 0 or undefined means the size of `buffer`. */
function checkRoom(buffer: Uint8Array, nbytes: unknown): number {
  const size = nbytes === undefined ? 0 : checkInteger('nbytes', nbytes, 0, buffer.byteLength);
  return size || buffer.byteLength;
}
