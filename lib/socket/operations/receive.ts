import { type Address, decodeSockaddr, SOCKADDR_SIZE } from '../../address/sockaddr.js';
import { MSG_ERRQUEUE, MSG_TRUNC, SOCK_STREAM } from '../../constants/socket.js';
import { checkBytes, checkFlags, checkInteger } from '../../core/validate.js';
import { READABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { RECEIVE_SIZE } from '../incoming.js';
import { type CallTarget, call, checkSize } from './call.js';
import { waitOrThrow } from './errors.js';

/** Receive operation: recv(2) or recvfrom(2). */
class Receive<T> implements Operation<T> {
  readonly direction = READABLE;

  constructor(
    descriptor: Descriptor,
    readonly syscall: 'recv' | 'recvfrom',
    readonly flags: number,
    readonly attempt: () => T | typeof WAIT,
    readonly nothing: () => T,
    readonly trustsPoll = false,
  ) {
    descriptor.use(syscall);
  }

  whenShutDown(): T | typeof WAIT {
    return waitsForErrors(this.flags) ? WAIT : this.nothing();
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

export function receive(
  descriptor: Descriptor,
  isStream: boolean,
  buffer: Uint8Array,
  size: number,
  flags: number,
): number | typeof WAIT {
  // returns at once, as in Python
  if (size === 0) return 0;
  if (flags === 0 && descriptor.readiness.isDrained) {
    descriptor.readiness.noteNoDatagram();
    return WAIT;
  }
  const count = descriptor.calls.recv(descriptor.fd, buffer, size, flags);
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

export function receiveFrom(
  { calls, fd, readiness }: Descriptor,
  buffer: Uint8Array,
  size: number,
  flags: number,
): number | typeof WAIT {
  if (flags === 0 && readiness.isDrained) {
    readiness.noteNoDatagram();
    return WAIT;
  }
  peerLength[0] = SOCKADDR_SIZE;
  const count = calls.recvfrom(fd, buffer, size, flags, peerBytes, peerLength);
  if (count < 0) {
    const waits: typeof WAIT = waitOrThrow('recvfrom', undefined, flags);
    readiness.noteNoDatagram();
    return waits;
  }
  if (flags === 0 && peerLength[0] > 0) readiness.noteDatagram();
  return count;
}

/** Receives into new bytes. @param receiveInto {@link receive} or {@link receiveFrom} */
function receiveBytes(
  size: number,
  flags: number,
  receiveInto: (buffer: Uint8Array) => number | typeof WAIT,
): Buffer | typeof WAIT {
  const buffer = takeBuffer(size, flags);
  const count = receiveInto(buffer);
  if (count !== WAIT) return trimBuffer(buffer, Math.min(count, size));
  spareBuffer = buffer;
  return WAIT;
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

const noBytes = () => Buffer.alloc(0);

/** The calls that receive bytes. */
export const RECEIVE_CALLS = {
  recv: call(({ descriptor, type }, bufsize: number = RECEIVE_SIZE, flags: number = 0): Operation<Buffer> => {
    checkSize(bufsize);
    checkFlags(flags);
    const isStream = type === SOCK_STREAM;
    const attempt = () =>
      receiveBytes(bufsize, flags, (buffer) => receive(descriptor, isStream, buffer, bufsize, flags));
    return new Receive(descriptor, 'recv', flags, attempt, noBytes, isStream && flags === 0 && bufsize > 0);
  }),
  recv_into: call(
    ({ descriptor, type }, buffer: NodeJS.ArrayBufferView, nbytes?: number, flags: number = 0): Operation<number> => {
      const into = checkBytes('buffer', buffer);
      const size = checkRoom(into, nbytes);
      checkFlags(flags);
      const isStream = type === SOCK_STREAM;
      const attempt = () => receive(descriptor, isStream, into, size, flags);
      return new Receive(descriptor, 'recv', flags, attempt, () => 0, isStream && flags === 0 && size > 0);
    },
  ),
  recvfrom: call(
    ({ descriptor, peers }, bufsize: number = RECEIVE_SIZE, flags: number = 0): Operation<[Buffer, Address]> => {
      checkSize(bufsize);
      checkFlags(flags);
      const bytes = () => receiveBytes(bufsize, flags, (buffer) => receiveFrom(descriptor, buffer, bufsize, flags));
      const attempt = () => withSender(peers, bytes());
      return new Receive(descriptor, 'recvfrom', flags, attempt, () => [noBytes(), peers.nobody()]);
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
      const attempt = () => withSender(peers, receiveFrom(descriptor, into, size, flags));
      return new Receive(descriptor, 'recvfrom', flags, attempt, () => [0, peers.nobody()]);
    },
  ),
};

function withSender<T>(peers: CallTarget['peers'], received: T | typeof WAIT): [T, Address] | typeof WAIT {
  return received === WAIT ? WAIT : [received as T, peers.last()];
}

/** Returns how many bytes to receive. As in Python, nbytes 0 or undefined means as many as `buffer` can hold. */
function checkRoom(buffer: Uint8Array, nbytes: unknown): number {
  const size = nbytes === undefined ? 0 : checkInteger('nbytes', nbytes, 0, buffer.byteLength);
  return size || buffer.byteLength;
}
