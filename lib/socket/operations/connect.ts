import { libioth } from '../../../ffi/ioth.js';
import { errno } from '../../../ffi/libc.js';
import { isLoopback } from '../../address/ip.js';
import type { Sockaddr } from '../../address/sockaddr.js';
import { AF_UNIX, SO_ERROR, SOL_SOCKET } from '../../constants/socket.js';
import { intOf } from '../../core/byte-order.js';
import { EAGAIN, EALREADY, EINPROGRESS, EINTR, EISCONN } from '../../core/errno.js';
import { WRITABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { isConnected } from '../options.js';
import { call } from './call.js';
import { callError } from './errors.js';

/** Connect operation: connect(2). Abandoning an attempt dissolves it (connect to AF_UNSPEC), so the socket can connect again. */
class Connect implements Operation<void> {
  readonly syscall = 'connect';
  readonly direction = WRITABLE;
  readonly fd: number;
  readonly address: string;
  readonly port: number | undefined;
  #started = false;

  constructor(
    readonly descriptor: Descriptor,
    readonly to: Sockaddr,
    readonly family: number,
  ) {
    this.fd = descriptor.use(this.syscall);
    this.address = to.address;
    this.port = to.port;
  }

  attempt(): typeof WAIT | undefined {
    if (this.#started) {
      const result = this.#isConnected();
      if (result !== WAIT) this.descriptor.readiness.noteConnected();
      return result;
    }
    if (this.#connect() === 0) return;
    const error = errno();
    // unix(7): the backlog is full, and nothing has begun
    if (error === EAGAIN && this.family === AF_UNIX) return WAIT;
    if (error !== EINPROGRESS && error !== EINTR) throw this.#error(error);
    this.#started = true;
    // over loopback the attempt has ended already. picox clears SO_ERROR when it is read, and then never reports the result
    return this.descriptor.owner.hasKernelSockets && isLoopback(this.address) ? this.#isConnected() : WAIT;
  }

  abandon(): void {
    const unspecified = Buffer.alloc(16);
    if (this.#started && !this.descriptor.closed) libioth().connect(this.fd, unspecified, unspecified.length);
  }

  // On kernel sockets a second connect(2) returns the state of the attempt. Other stacks have SO_ERROR, which is valid only after
  // the wait.
  #isConnected(): typeof WAIT | undefined {
    const isKernel = this.descriptor.owner.hasKernelSockets;
    if (isKernel && this.#connect() === 0) return;
    const error = isKernel ? errno() : this.#pendingError();
    if (error === EALREADY || error === EINPROGRESS || error === EINTR) return WAIT;
    if (error !== EISCONN) throw this.#error(error);
    return;
  }

  #connect(): number {
    return libioth().connect(this.fd, this.to.bytes, this.to.length);
  }

  #pendingError(): number {
    const value = Buffer.alloc(4);
    if (libioth().getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value, Uint32Array.of(4)) < 0) throw this.#error(errno());
    const error = intOf(value);
    if (error !== 0) return error;
    return isConnected(this.fd) ? EISCONN : EINPROGRESS;
  }

  #error(error: number): Error {
    return callError(error, 'connect', { address: this.to.address, port: this.to.port });
  }
}

/** The call that connects. */
export const CONNECT_CALLS = {
  connect: call(
    ({ descriptor, family }, addr: Sockaddr): Operation<void> => new Connect(descriptor, addr, family),
    () => 0,
    'connect',
  ),
};
