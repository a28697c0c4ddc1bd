import { libioth } from '../../../ffi/ioth.js';
import { errno } from '../../../ffi/libc.js';
import { type Address, decodeSockaddr, SOCKADDR_SIZE } from '../../address/sockaddr.js';
import { SOCK_STREAM } from '../../constants/socket.js';
import { EMFILE, ENFILE } from '../../core/errno.js';
import { makeNonBlocking } from '../../io/open-descriptor.js';
import { READABLE } from '../../io/poll-handle.js';
import { EXHAUSTED, type Operation, WAIT } from '../../io/wait-queue.js';
import { withOwnNumber } from '../detached.js';
import { duplicate } from '../duplicate.js';
import { type CallTarget, call } from './call.js';
import { waitOrThrow } from './errors.js';

const peerBytes = Buffer.alloc(SOCKADDR_SIZE);
const peerLength = new Uint32Array(1);

/** Accept operation: accept(2). The new descriptor is non-blocking and close-on-exec; the target makes a connection from it. */
class Accept implements Operation<[accepted: unknown, peer: Address]> {
  readonly syscall = 'accept';
  readonly direction = READABLE;
  readonly fd: number;

  constructor(readonly target: CallTarget) {
    this.fd = target.descriptor.use(this.syscall);
  }

  attempt(): [unknown, Address] | typeof WAIT | typeof EXHAUSTED {
    const { readiness } = this.target.descriptor;
    if (readiness.isDrained) return WAIT;
    peerLength[0] = SOCKADDR_SIZE;
    const accepted = libioth().accept(this.fd, peerBytes, peerLength);
    if (accepted >= 0) {
      makeNonBlocking(accepted);
      // connections mostly come one by one, and an accept that ends in EAGAIN makes half a socket first
      readiness.markDrained();
      const fd = withOwnNumber(accepted, (taken) => this.#copyOf(taken));
      return [this.target.wrap(fd), decodeSockaddr(peerBytes, peerLength[0] ?? 0)];
    }
    const error = errno();
    return error === EMFILE || error === ENFILE ? EXHAUSTED : waitOrThrow('accept');
  }

  #copyOf(fd: number): number {
    const { owner } = this.target.descriptor;
    if (!owner.hasKernelSockets) throw new Error('only the kernel duplicates sockets');
    return duplicate(owner, fd, SOCK_STREAM);
  }
}

/** The call that accepts. */
export const ACCEPT_CALLS = {
  accept: call((target): Operation<[unknown, Address]> => new Accept(target)),
};
