import { errno, libioth } from '../ffi/ioth.js';
import { READABLE, WRITABLE } from '../ffi/poll.js';
import { MSG_DONTWAIT, SO_ERROR, SOCK_STREAM, SOL_SOCKET } from './constants.js';
import type { Descriptor } from './descriptor.js';
import { codeOf, type IothErrorDetails, systemError } from './errors.js';
import { makeNonBlocking } from './native-stack.js';

import { type Address, decodeSockaddr, SOCKADDR_SIZE, type Sockaddr } from './sockaddr.js';
import { checkBytes, checkData, checkInteger, INT_MAX } from './validate.js';
import { EXHAUSTED, type Operation, WAIT } from './waiter.js';

/** What can be sent: bytes, or a string as UTF-8. */
export type Data = string | NodeJS.ArrayBufferView;

const EINTR = 4;
const EAGAIN = 11;
const ENFILE = 23;
const EMFILE = 24;
const EISCONN = 106;
const EALREADY = 114;
const EINPROGRESS = 115;

/** What to say of a failed call: WAIT where it only was not ready and may wait, else its error is thrown. */
export function notReady(syscall: string, details?: Omit<IothErrorDetails, 'syscall'>, flags: number = 0): typeof WAIT {
  const error = errno();
  if (error === EAGAIN && flags & MSG_DONTWAIT) {
    throw callError(error, syscall, { ...details, hint: 'with MSG_DONTWAIT it does not wait' });
  }
  if (error === EAGAIN || error === EINTR) return WAIT;
  throw callError(error, syscall, details);
}

/** The error of a socket call, with what to do about it where that is known. */
export function callError(error: number, syscall: string, details: Omit<IothErrorDetails, 'syscall'> = {}): Error {
  return systemError(error, syscall, { hint: HINTS[codeOf(error)], ...details });
}

const HINTS: Partial<Record<string, string>> = {
  EADDRINUSE: 'another socket of the stack has this address: choose another port or set SO_REUSEADDR',
  EADDRNOTAVAIL: 'no interface of the stack has this address',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'nobody answers there: check that the peer is up and on the same network',
  ENETDOWN: 'the interface is down: linksetupdown(ifindex, true)',
  ENETUNREACH: 'the stack has no route to it: add an address (ipaddr_add) or a route (iproute_add)',
  ENOTCONN: 'connect(addr) first',
  EDESTADDRREQ: 'connect(addr) first, or use sendto(data, addr)',
  EMSGSIZE: 'the message is longer than one datagram can be',
};

// A receive buffer that the last call did not need: it waits here, so that a socket that waits holds none.
let spare: Buffer | undefined;

function takeBuffer(size: number): Buffer {
  const buffer = spare && spare.length >= size ? spare : Buffer.allocUnsafeSlow(size);
  spare = undefined;
  return buffer;
}

/** The bytes that were received: the buffer itself when they fill it, a right-sized copy when they are few. */
function handOut(buffer: Buffer, length: number): Buffer {
  if (length * 2 >= buffer.length) return buffer.subarray(0, length);
  spare = buffer;
  return Buffer.from(buffer.subarray(0, length));
}

// Where accept and recvfrom write the peer's address: they don't overlap on one thread.
const peerBytes = Buffer.alloc(SOCKADDR_SIZE);
const peerLength = new Uint32Array(1);
const NO_BYTES = Buffer.alloc(0);

/** The calls of one descriptor that may wait, as operations. Arguments are checked here, before C sees them. */
export class Operations {
  readonly #descriptor: Descriptor;
  readonly #isStream: boolean;
  readonly #c = libioth();
  #lastPeer: Address | undefined;
  #lastPeerBytes = NO_BYTES;

  constructor(descriptor: Descriptor, type: number) {
    this.#descriptor = descriptor;
    this.#isStream = type === SOCK_STREAM;
  }

  /** recv(2) into `size` new bytes; none are there at once, as in Python. */
  recv(size: number, flags: number): Operation<Buffer> {
    checkSize(size);
    checkFlags(flags);
    const fd = this.#descriptor.use('recv');
    const attempt = () => {
      if (size === 0) return Buffer.alloc(0);
      const buffer = takeBuffer(size);
      const count = this.#c.recv(fd, buffer, size, flags);
      if (count >= 0) {
        this.#noteRest(count, size, flags);
        return handOut(buffer, Math.min(count, size));
      }
      spare = buffer;
      return notReady('recv', undefined, flags);
    };
    return { syscall: 'recv', direction: READABLE, attempt, waitsWhenEmpty: flags === 0 };
  }

  /** recv(2) into the caller's bytes. */
  recv_into(into: NodeJS.ArrayBufferView, nbytes: number | undefined, flags: number): Operation<number> {
    const [buffer, size] = checkInto(into, nbytes);
    checkFlags(flags);
    const fd = this.#descriptor.use('recv');
    const attempt = () => {
      if (size === 0) return 0;
      const count = this.#c.recv(fd, buffer, size, flags);
      if (count < 0) return notReady('recv', undefined, flags);
      this.#noteRest(count, size, flags);
      return count;
    };
    return { syscall: 'recv', direction: READABLE, attempt, waitsWhenEmpty: flags === 0 };
  }

  /** recvfrom(2) into `size` new bytes. */
  recvfrom(size: number, flags: number): Operation<[Buffer, Address]> {
    checkSize(size);
    checkFlags(flags);
    const fd = this.#descriptor.use('recvfrom');
    const attempt = (): [Buffer, Address] | typeof WAIT => {
      const buffer = takeBuffer(size);
      peerLength[0] = SOCKADDR_SIZE;
      const count = this.#c.recvfrom(fd, buffer, size, flags, peerBytes, peerLength);
      if (count >= 0) return [handOut(buffer, Math.min(count, size)), this.#peer()];
      spare = buffer;
      return notReady('recvfrom', undefined, flags);
    };
    return { syscall: 'recvfrom', direction: READABLE, attempt };
  }

  /** recvfrom(2) into the caller's bytes. */
  recvfrom_into(into: NodeJS.ArrayBufferView, nbytes: number | undefined, flags: number): Operation<[number, Address]> {
    const [buffer, size] = checkInto(into, nbytes);
    checkFlags(flags);
    const fd = this.#descriptor.use('recvfrom');
    const attempt = (): [number, Address] | typeof WAIT => {
      peerLength[0] = SOCKADDR_SIZE;
      const count = this.#c.recvfrom(fd, buffer, size, flags, peerBytes, peerLength);
      return count >= 0 ? [count, this.#peer()] : notReady('recvfrom', undefined, flags);
    };
    return { syscall: 'recvfrom', direction: READABLE, attempt };
  }

  /** send(2): answers how much of it was taken. */
  send(message: Data, flags: number): Operation<number> {
    const data = checkData('data', message);
    checkFlags(flags);
    const fd = this.#descriptor.use('send');
    const attempt = () => {
      const count = this.#c.send(fd, data, data.byteLength, flags);
      return count >= 0 ? count : notReady('send', undefined, flags);
    };
    return { syscall: 'send', direction: WRITABLE, attempt, bytes: data.byteLength };
  }

  /** send(2), again and again until all is taken. */
  sendall(message: Data, flags: number): Operation<void> {
    const data = checkData('data', message);
    checkFlags(flags);
    const fd = this.#descriptor.use('send');
    let rest = data;
    const attempt = () => {
      for (;;) {
        const count = this.#c.send(fd, rest, rest.byteLength, flags);
        if (count < 0) return notReady('send', undefined, flags);
        if (count === rest.byteLength) return undefined;
        rest = rest.subarray(count);
      }
    };
    return { syscall: 'send', direction: WRITABLE, attempt, bytes: data.byteLength };
  }

  /** sendto(2). */
  sendto(message: Data, flags: number, to: Sockaddr): Operation<number> {
    const data = checkData('data', message);
    checkFlags(flags);
    const fd = this.#descriptor.use('sendto');
    const attempt = () => {
      const count = this.#c.sendto(fd, data, data.byteLength, flags, to.bytes, to.length);
      return count >= 0 ? count : notReady('sendto', { address: to.address, port: to.port }, flags);
    };
    return { syscall: 'sendto', direction: WRITABLE, attempt, bytes: data.byteLength };
  }

  /** accept(2): the new descriptor, non-blocking and closed on exec, is what `own` makes of it. */
  accept<T>(own: (fd: number) => T): Operation<[accepted: T, peer: Address]> {
    const fd = this.#descriptor.use('accept');
    const attempt = (): [T, Address] | typeof WAIT | typeof EXHAUSTED => {
      peerLength[0] = SOCKADDR_SIZE;
      const accepted = this.#c.accept(fd, peerBytes, peerLength);
      if (accepted >= 0) {
        makeNonBlocking(accepted);
        // most come one by one, and an accept for EAGAIN makes half a socket first
        this.#descriptor.readiness.foundEmpty();
        return [own(accepted), decodeSockaddr(peerBytes, peerLength[0] ?? 0)];
      }
      const error = errno();
      return error === EMFILE || error === ENFILE ? EXHAUSTED : notReady('accept');
    };
    return { syscall: 'accept', direction: READABLE, attempt, waitsWhenEmpty: true };
  }

  /** connect(2). Given up, the attempt is dissolved (connect to AF_UNSPEC): the socket can connect again. */
  connect(to: Sockaddr): Operation<void> {
    const fd = this.#descriptor.use('connect');
    const details = { address: to.address, port: to.port };
    let started = false;
    const attempt = () => {
      if (started) return this.#isConnected(fd, to, details);
      if (this.#c.connect(fd, to.bytes, to.length) === 0) return;
      const error = errno();
      if (error !== EINPROGRESS && error !== EINTR) throw callError(error, 'connect', details);
      started = true;
      return this.#isConnected(fd, to, details);
    };
    const abandon = () => {
      const unspecified = Buffer.alloc(16);
      if (started && !this.#descriptor.closed) this.#c.connect(fd, unspecified, unspecified.length);
    };
    return { syscall: 'connect', direction: WRITABLE, attempt, abandon };
  }

  // Asked again, connect(2) of the kernel tells how the attempt stands, or what became of it; over a loopback it is over
  // before the first call returns, and no wait is needed. Other stacks have SO_ERROR, after the wait only.
  #isConnected(fd: number, to: Sockaddr, details: IothErrorDetails): typeof WAIT | undefined {
    const isKernel = this.#descriptor.native.hasKernelSockets;
    if (isKernel && this.#c.connect(fd, to.bytes, to.length) === 0) return;
    const error = isKernel ? errno() : this.#pendingError(fd, details);
    if (error === EALREADY || error === EINPROGRESS || error === EINTR) return WAIT;
    if (error !== EISCONN) throw callError(error, 'connect', details);
    return;
  }

  #pendingError(fd: number, details: IothErrorDetails): number {
    const value = new Int32Array(1);
    const bytes = new Uint8Array(value.buffer);
    const length = new Uint32Array([bytes.length]);
    if (this.#c.getsockopt(fd, SOL_SOCKET, SO_ERROR, bytes, length) < 0) throw callError(errno(), 'connect', details);
    if (value[0]) return value[0];
    const isConnected = this.#c.getpeername(fd, peerBytes, new Uint32Array([SOCKADDR_SIZE])) === 0;
    return isConnected ? EISCONN : EINPROGRESS;
  }

  // a stream that gave less than it was asked for has no more; one at its end does not wait
  #noteRest(count: number, size: number, flags: number): void {
    if (this.#isStream && count > 0 && count < size && flags === 0) this.#descriptor.readiness.foundEmpty();
  }

  // packets come in rows from one peer: its Address is decoded once
  #peer(): Address {
    const length = Math.min(peerLength[0] ?? 0, SOCKADDR_SIZE);
    if (this.#lastPeer && isStartOf(peerBytes, this.#lastPeerBytes, length)) return this.#lastPeer;
    this.#lastPeerBytes = Buffer.from(peerBytes.subarray(0, length));
    this.#lastPeer = decodeSockaddr(peerBytes, length);
    return this.#lastPeer;
  }
}

/** Whether `bytes` are the first `length` of `whole`. For the few bytes of an address Buffer.compare is slower. */
function isStartOf(whole: Buffer, bytes: Buffer, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (whole[i] !== bytes[i]) return false;
  return true;
}

function checkSize(size: unknown): void {
  checkInteger('bufsize', size, 0, INT_MAX);
}

export function checkFlags(flags: unknown): void {
  checkInteger('flags', flags, 0, INT_MAX);
}

/** The bytes to receive into and how many of them. nbytes 0 or undefined means all, as in Python. */
function checkInto(into: unknown, nbytes: unknown): [Uint8Array, number] {
  const buffer = checkBytes('buffer', into);
  const size = nbytes === undefined ? 0 : checkInteger('nbytes', nbytes, 0, buffer.byteLength);
  return [buffer, size || buffer.byteLength];
}
