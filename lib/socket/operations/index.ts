import type { Address, Sockaddr } from '../../address/sockaddr.js';
import { SOCK_STREAM } from '../../constants/index.js';
import { checkBytes, checkData, checkFlags, checkInteger, INT_MAX } from '../../core/validate.js';
import type { Operation } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { Accept } from './accept.js';
import { Connect } from './connect.js';
import { PeerAddressCache, Recv, RecvFrom, RecvFromInto, RecvInto } from './receive.js';
import { Send, SendAll, SendTo } from './send.js';

/** What can be sent: bytes, or a string as UTF-8. */
export type Data = string | NodeJS.ArrayBufferView;

/** The calls of one descriptor that may wait, as operations. Arguments are checked here, before C sees them. */
export class Operations {
  readonly #descriptor: Descriptor;
  readonly #isStream: boolean;
  readonly #peers = new PeerAddressCache();

  constructor(descriptor: Descriptor, type: number) {
    this.#descriptor = descriptor;
    this.#isStream = type === SOCK_STREAM;
  }

  /** recv(2) into `size` new bytes; none are there at once, as in Python. */
  recv(size: number, flags: number): Operation<Buffer> {
    checkSize(size);
    checkFlags(flags);
    return new Recv(this.#descriptor, this.#isStream, size, flags);
  }

  /** recv(2) into the caller's bytes. */
  recv_into(into: NodeJS.ArrayBufferView, nbytes: number | undefined, flags: number): Operation<number> {
    const buffer = checkBytes('buffer', into);
    const size = checkRoom(buffer, nbytes);
    checkFlags(flags);
    return new RecvInto(this.#descriptor, this.#isStream, buffer, size, flags);
  }

  /** recvfrom(2) into `size` new bytes. */
  recvfrom(size: number, flags: number): Operation<[Buffer, Address]> {
    checkSize(size);
    checkFlags(flags);
    return new RecvFrom(this.#descriptor, this.#peers, size, flags);
  }

  /** recvfrom(2) into the caller's bytes. */
  recvfrom_into(into: NodeJS.ArrayBufferView, nbytes: number | undefined, flags: number): Operation<[number, Address]> {
    const buffer = checkBytes('buffer', into);
    const size = checkRoom(buffer, nbytes);
    checkFlags(flags);
    return new RecvFromInto(this.#descriptor, this.#peers, buffer, size, flags);
  }

  /** send(2): answers how much of it was taken. */
  send(message: Data, flags: number): Operation<number> {
    const data = checkData('data', message);
    checkFlags(flags);
    return new Send(this.#descriptor, data, flags);
  }

  /** send(2), again and again until all is taken. */
  sendall(message: Data, flags: number): Operation<void> {
    const data = checkData('data', message);
    checkFlags(flags);
    return new SendAll(this.#descriptor, data, flags);
  }

  /** sendto(2). */
  sendto(message: Data, flags: number, to: Sockaddr): Operation<number> {
    const data = checkData('data', message);
    checkFlags(flags);
    return new SendTo(this.#descriptor, data, flags, to);
  }

  /** accept(2): the new descriptor, non-blocking and closed on exec, is what `own` makes of it. */
  accept<T>(wrap: (fd: number) => T): Operation<[accepted: T, peer: Address]> {
    return new Accept(this.#descriptor, wrap);
  }

  /** connect(2). Given up, the attempt is dissolved (connect to AF_UNSPEC): the socket can connect again. */
  connect(to: Sockaddr): Operation<void> {
    return new Connect(this.#descriptor, to);
  }
}

function checkSize(size: unknown): void {
  checkInteger('bufsize', size, 0, INT_MAX);
}

/** How many bytes to receive. nbytes 0 or undefined means all that `buffer` has room for, as in Python. */
function checkRoom(buffer: Uint8Array, nbytes: unknown): number {
  const size = nbytes === undefined ? 0 : checkInteger('nbytes', nbytes, 0, buffer.byteLength);
  return size || buffer.byteLength;
}
