import { type Address, decodeSockaddr, SOCKADDR_SIZE } from '../../address/sockaddr.js';
import { MSG_ERRQUEUE, MSG_TRUNC, SOCK_STREAM } from '../../constants/socket.js';
import { checkBytes, checkFlags, checkInteger } from '../../core/validate.js';
import { READABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { RECEIVE_SIZE } from '../incoming.js';
import { type CallTarget, call, checkSize } from './call.js';
import { waitOrThrow } from './errors.js';

// Each class here, in send.ts, accept.ts and connect.ts sets its own fields. With a common base class datagrams were a third
// slower: its constructor saw as many object shapes as it had subclasses.

/** Receive operation into the caller's bytes: recv(2). */
class RecvInto implements Operation<number> {
  readonly syscall = 'recv';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(
    readonly descriptor: Descriptor,
    readonly isStream: boolean,
    readonly buffer: Uint8Array,
    readonly size: number,
    readonly flags: number,
  ) {
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): number | typeof WAIT {
    return receive(this, this.buffer);
  }

  get trustsPoll(): boolean {
    return this.isStream && this.flags === 0 && this.size > 0;
  }

  whenShutDown(): number | typeof WAIT {
    return waitsForErrors(this.flags) ? WAIT : 0;
  }
}

/** Receive operation into new bytes: recv(2). */
class Recv implements Operation<Buffer> {
  readonly syscall = 'recv';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(
    readonly descriptor: Descriptor,
    readonly isStream: boolean,
    readonly size: number,
    readonly flags: number,
  ) {
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): Buffer | typeof WAIT {
    const buffer = takeBuffer(this.size, this.flags);
    const count = receive(this, buffer);
    if (count !== WAIT) return trimBuffer(buffer, Math.min(count, this.size));
    spareBuffer = buffer;
    return WAIT;
  }

  get trustsPoll(): boolean {
    return this.isStream && this.flags === 0 && this.size > 0;
  }

  whenShutDown(): Buffer | typeof WAIT {
    return waitsForErrors(this.flags) ? WAIT : Buffer.alloc(0);
  }
}

/** Receive operation with the sender, into the caller's bytes: recvfrom(2). */
class RecvFromInto implements Operation<[number, Address]> {
  readonly syscall = 'recvfrom';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(
    readonly descriptor: Descriptor,
    readonly peers: CallTarget['peers'],
    readonly buffer: Uint8Array,
    readonly size: number,
    readonly flags: number,
  ) {
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): [number, Address] | typeof WAIT {
    const count = receiveFrom(this, this.buffer);
    return count === WAIT ? WAIT : [count, this.peers.last()];
  }

  whenShutDown(): [number, Address] | typeof WAIT {
    return waitsForErrors(this.flags) ? WAIT : [0, this.peers.nobody()];
  }
}

/** Receive operation with the sender, into new bytes: recvfrom(2). */
class RecvFrom implements Operation<[Buffer, Address]> {
  readonly syscall = 'recvfrom';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(
    readonly descriptor: Descriptor,
    readonly peers: CallTarget['peers'],
    readonly size: number,
    readonly flags: number,
  ) {
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): [Buffer, Address] | typeof WAIT {
    const buffer = takeBuffer(this.size, this.flags);
    const count = receiveFrom(this, buffer);
    if (count !== WAIT) return [trimBuffer(buffer, Math.min(count, this.size)), this.peers.last()];
    spareBuffer = buffer;
    return WAIT;
  }

  whenShutDown(): [Buffer, Address] | typeof WAIT {
    return waitsForErrors(this.flags) ? WAIT : [Buffer.alloc(0), this.peers.nobody()];
  }
}

/** Returns whether the call reads the error queue, which a shutdown does not end. */
export function waitsForErrors(flags: number): boolean {
  return (flags & MSG_ERRQUEUE) !== 0;
}

/** Returns whether the call may count bytes that it does not write: with MSG_TRUNC TCP discards what it receives, tcp(7). */
export function mayBeUnwritten(flags: number): boolean {
  return (flags & MSG_TRUNC) !== 0;
}

function receive({ descriptor, fd, isStream, size, flags }: Recv | RecvInto, buffer: Uint8Array): number | typeof WAIT {
  // returns at once, as in Python
  if (size === 0) return 0;
  if (flags === 0 && descriptor.readiness.isDrained) {
    descriptor.readiness.noteNoDatagram();
    return WAIT;
  }
  const count = descriptor.calls.recv(fd, buffer, size, flags);
  if (count < 0) {
    const waits: typeof WAIT = waitOrThrow('recv', undefined, flags);
    descriptor.readiness.noteNoDatagram();
    return waits;
  }
  if (!isStream && flags === 0) descriptor.readiness.noteDatagram();
  // a short read empties a stream; at the end of a stream (0 bytes) recv does not wait
  if (isStream && count > 0 && count < size && flags === 0) descriptor.readiness.markDrained();
  return count;
}

function receiveFrom(operation: RecvFrom | RecvFromInto, buffer: Uint8Array): number | typeof WAIT {
  const { descriptor, fd, size, flags } = operation;
  const { readiness } = descriptor;
  if (flags === 0 && readiness.isDrained) {
    readiness.noteNoDatagram();
    return WAIT;
  }
  peerLength[0] = SOCKADDR_SIZE;
  const count = descriptor.calls.recvfrom(fd, buffer, size, flags, peerBytes, peerLength);
  if (count < 0) {
    const waits: typeof WAIT = waitOrThrow('recvfrom', undefined, flags);
    readiness.noteNoDatagram();
    return waits;
  }
  if (flags === 0 && peerLength[0] > 0) readiness.noteDatagram();
  return count;
}

// recvfrom writes the peer's address here; safe to share, since each call returns before the next begins
const peerBytes = Buffer.alloc(SOCKADDR_SIZE);
const peerLength = new Uint32Array(1);

/** Cache of the last sender: many datagrams in a row come from one peer, and its Address is decoded once. */
export class PeerAddressCache {
  #address: Address | undefined;
  #bytes = Buffer.alloc(0);

  constructor(readonly family: number) {}

  /** Returns the address of a receive without a sender. */
  nobody(): Address {
    return decodeSockaddr(peerBytes, 0, this.family);
  }

  /** Returns the address that the last recvfrom wrote. */
  last(): Address {
    const length = Math.min(peerLength[0] ?? 0, SOCKADDR_SIZE);
    if (this.#address && isStartOf(peerBytes, this.#bytes, length)) return this.#address;
    this.#bytes = Buffer.from(peerBytes.subarray(0, length));
    this.#address = decodeSockaddr(peerBytes, length, this.family);
    return this.#address;
  }
}

/** Returns whether `bytes` are the first `length` bytes of `whole`. For so few bytes Buffer.compare is slower. */
function isStartOf(whole: Buffer, bytes: Buffer, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (whole[i] !== bytes[i]) return false;
  return true;
}

// a receive buffer that the last call did not use, shared by all sockets: a waiting socket holds no buffer
let spareBuffer: Buffer | undefined;

function takeBuffer(size: number, flags: number): Buffer {
  if (mayBeUnwritten(flags)) return Buffer.alloc(size);
  const buffer = spareBuffer && spareBuffer.length >= size ? spareBuffer : Buffer.allocUnsafeSlow(size);
  spareBuffer = undefined;
  return buffer;
}

/** Returns the received bytes: a view of the buffer if they fill half of it, else a copy, and the buffer is reused. */
function trimBuffer(buffer: Buffer, length: number): Buffer {
  if (length * 2 >= buffer.length) return buffer.subarray(0, length);
  spareBuffer = buffer;
  return Buffer.from(buffer.subarray(0, length));
}

/** The calls that receive bytes. */
export const RECEIVE_CALLS = {
  recv: call(({ descriptor, type }, bufsize: number = RECEIVE_SIZE, flags: number = 0): Operation<Buffer> => {
    checkSize(bufsize);
    checkFlags(flags);
    return new Recv(descriptor, type === SOCK_STREAM, bufsize, flags);
  }),
  recv_into: call(
    ({ descriptor, type }, buffer: NodeJS.ArrayBufferView, nbytes?: number, flags: number = 0): Operation<number> => {
      const into = checkBytes('buffer', buffer);
      const size = checkRoom(into, nbytes);
      checkFlags(flags);
      return new RecvInto(descriptor, type === SOCK_STREAM, into, size, flags);
    },
  ),
  recvfrom: call(
    ({ descriptor, peers }, bufsize: number = RECEIVE_SIZE, flags: number = 0): Operation<[Buffer, Address]> => {
      checkSize(bufsize);
      checkFlags(flags);
      return new RecvFrom(descriptor, peers, bufsize, flags);
    },
  ),
  recvfrom_into: call(
    (
      { descriptor, peers },
      buffer: NodeJS.ArrayBufferView,
      nbytes?: number,
      flags: number = 0,
    ): Operation<[number, Address]> => {
      const into = checkBytes('buffer', buffer);
      const size = checkRoom(into, nbytes);
      checkFlags(flags);
      return new RecvFromInto(descriptor, peers, into, size, flags);
    },
  ),
};

/** Returns how many bytes to receive. As in Python, nbytes 0 or undefined means as many as `buffer` can hold. */
function checkRoom(buffer: Uint8Array, nbytes: unknown): number {
  const size = nbytes === undefined ? 0 : checkInteger('nbytes', nbytes, 0, buffer.byteLength);
  return size || buffer.byteLength;
}
