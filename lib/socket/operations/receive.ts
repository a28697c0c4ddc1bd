import { libioth } from '../../../ffi/ioth.js';
import { type Address, decodeSockaddr, SOCKADDR_SIZE } from '../../address/sockaddr.js';
import { MSG_ERRQUEUE } from '../../constants/index.js';
import { READABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { waitOrThrow } from './errors.js';

// Each class here, in send.ts, accept.ts and connect.ts sets its fields itself: a base class, whose constructor saw as many
// shapes as it had subclasses, made datagrams a third slower.

/** recv(2) into the caller's bytes. */
export class RecvInto implements Operation<number> {
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

/** recv(2) into new bytes. */
export class Recv implements Operation<Buffer> {
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
    const buffer = takeBuffer(this.size);
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

/** recvfrom(2) into the caller's bytes. */
export class RecvFromInto implements Operation<[number, Address]> {
  readonly syscall = 'recvfrom';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(
    readonly descriptor: Descriptor,
    readonly peers: PeerAddressCache,
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
    return waitsForErrors(this.flags) ? WAIT : [0, decodeSockaddr(peerBytes, 0)];
  }
}

/** recvfrom(2) into new bytes. */
export class RecvFrom implements Operation<[Buffer, Address]> {
  readonly syscall = 'recvfrom';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(
    readonly descriptor: Descriptor,
    readonly peers: PeerAddressCache,
    readonly size: number,
    readonly flags: number,
  ) {
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): [Buffer, Address] | typeof WAIT {
    const buffer = takeBuffer(this.size);
    const count = receiveFrom(this, buffer);
    if (count !== WAIT) return [trimBuffer(buffer, Math.min(count, this.size)), this.peers.last()];
    spareBuffer = buffer;
    return WAIT;
  }

  whenShutDown(): [Buffer, Address] | typeof WAIT {
    return waitsForErrors(this.flags) ? WAIT : [Buffer.alloc(0), decodeSockaddr(peerBytes, 0)];
  }
}

/** Whether it receives from the error queue, which has no end. */
export function waitsForErrors(flags: number): boolean {
  return (flags & MSG_ERRQUEUE) !== 0;
}

function receive({ descriptor, fd, isStream, size, flags }: Recv | RecvInto, buffer: Uint8Array): number | typeof WAIT {
  // as in Python, at once
  if (size === 0) return 0;
  if (flags === 0 && descriptor.readiness.isDrained) {
    descriptor.readiness.noteNoDatagram();
    return WAIT;
  }
  const count = libioth().recv(fd, buffer, size, flags);
  if (count < 0) {
    const waits: typeof WAIT = waitOrThrow('recv', undefined, flags);
    descriptor.readiness.noteNoDatagram();
    return waits;
  }
  if (!isStream && flags === 0) descriptor.readiness.noteDatagram();
  // a stream that gave less than was asked for has no more; one at its end does not wait
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
  const count = libioth().recvfrom(fd, buffer, size, flags, peerBytes, peerLength);
  if (count < 0) {
    const waits: typeof WAIT = waitOrThrow('recvfrom', undefined, flags);
    readiness.noteNoDatagram();
    return waits;
  }
  if (flags === 0 && peerLength[0] > 0) readiness.noteDatagram();
  return count;
}

// where recvfrom writes the peer's address: one call returns before the next begins
const peerBytes = Buffer.alloc(SOCKADDR_SIZE);
const peerLength = new Uint32Array(1);

/** The sender of the last datagram. Many come in a row from one peer: its Address is decoded once. */
export class PeerAddressCache {
  #address: Address | undefined;
  #bytes = Buffer.alloc(0);

  /** The address that the last recvfrom wrote. */
  last(): Address {
    const length = Math.min(peerLength[0] ?? 0, SOCKADDR_SIZE);
    if (this.#address && isStartOf(peerBytes, this.#bytes, length)) return this.#address;
    this.#bytes = Buffer.from(peerBytes.subarray(0, length));
    this.#address = decodeSockaddr(peerBytes, length);
    return this.#address;
  }
}

/** Whether `bytes` are the first `length` of `whole`. For the few bytes of an address Buffer.compare is slower. */
function isStartOf(whole: Buffer, bytes: Buffer, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (whole[i] !== bytes[i]) return false;
  return true;
}

// a receive buffer that the last call did not need: no socket that waits has one
let spareBuffer: Buffer | undefined;

function takeBuffer(size: number): Buffer {
  const buffer = spareBuffer && spareBuffer.length >= size ? spareBuffer : Buffer.allocUnsafeSlow(size);
  spareBuffer = undefined;
  return buffer;
}

/** The bytes that were received: the buffer itself when they fill it, a right-sized copy when they are few. */
function trimBuffer(buffer: Buffer, length: number): Buffer {
  if (length * 2 >= buffer.length) return buffer.subarray(0, length);
  spareBuffer = buffer;
  return Buffer.from(buffer.subarray(0, length));
}
