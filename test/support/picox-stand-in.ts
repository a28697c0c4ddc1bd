import { AF_INET, SO_ERROR, SOCK_STREAM, SOL_SOCKET, Socket, type Stack } from 'ioth';
import koffi from 'koffi';
import { libioth } from '../../ffi/ioth.js';
import { POLLOUT } from '../../ffi/libc.js';
import { pollOnce } from '../../lib/io/poll-sync.js';
import { Descriptor } from '../../lib/socket/descriptor.js';
import { unregisterDetached } from '../../lib/socket/detached.js';
import type { DescriptorOwner } from '../../lib/socket/owner.js';

const EINVAL = 22;
const ECONNRESET = 104;
const EINPROGRESS = 115;

/**
 * Sockets of a vdestack that behave as picox does where it differs from the kernel, for machines that have no picox:
 *
 * - connect(2) answers EINPROGRESS. How it ended stands in SO_ERROR, and reading clears it: read before the end, which is
 *   EINPROGRESS, it never tells the end. A refused connection is ECONNRESET;
 * - send(2) answers 0 where its buffer is full;
 * - shutdown(2) takes the numbers of picoTCP: 1 for reading, 2 for writing, 3 for both.
 */
export class StandinPicox {
  readonly #stack: Stack;
  readonly #real = { ...libioth() };
  /** Of each socket: whether SO_ERROR was read before the end. */
  readonly #isCleared = new Map<number, boolean>();

  constructor(stack: Stack) {
    this.#stack = stack;
    const { connect, getsockopt, send, shutdown } = this.#real;
    Object.assign(libioth(), {
      connect: (fd: number, addr: Buffer, length: number) =>
        this.#isCleared.has(fd) ? this.#connect(fd, addr, length) : connect(fd, addr, length),
      getsockopt: (fd: number, level: number, name: number, value: Buffer, length: Uint32Array) =>
        this.#isCleared.has(fd) && level === SOL_SOCKET && name === SO_ERROR
          ? this.#getError(fd, value, length)
          : getsockopt(fd, level, name, value, length),
      send: (fd: number, data: Buffer, length: number, flags: number) => {
        const count = send(fd, data, length, flags);
        return this.#isCleared.has(fd) && count < 0 && koffi.errno() === koffi.os.errno.EAGAIN ? 0 : count;
      },
      shutdown: (fd: number, how: number) => shutdown(fd, this.#isCleared.has(fd) ? how - 1 : how),
    });
  }

  /** A TCP socket over IPv4. */
  socket(): Socket {
    const fd = this.#stack.socket().detach();
    unregisterDetached(fd);
    this.#isCleared.set(fd, false);
    const owner = {
      hasKernelSockets: false,
      shutdownBase: 1,
      descriptors: new Set(),
      referenced: true,
      checkAlive: () => {},
    };
    return Socket.of(this.#stack, new Descriptor(owner as unknown as DescriptorOwner, fd), AF_INET, SOCK_STREAM, 0);
  }

  /** libioth as it was. */
  end(): void {
    Object.assign(libioth(), this.#real);
  }

  #connect(fd: number, addr: Buffer, length: number): number {
    if (this.#real.connect(fd, addr, length) < 0 && koffi.errno() !== EINPROGRESS) return this.#fails(EINVAL);
    return this.#fails(EINPROGRESS);
  }

  #getError(fd: number, value: Buffer, length: Uint32Array): number {
    if (this.#isCleared.get(fd)) return this.#answers(value, 0);
    if (!isWritable(fd)) {
      this.#isCleared.set(fd, true);
      return this.#answers(value, EINPROGRESS);
    }
    this.#real.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length);
    return value.some((byte) => byte !== 0) ? this.#answers(value, ECONNRESET) : 0;
  }

  #answers(value: Uint8Array, error: number): number {
    new DataView(value.buffer, value.byteOffset).setInt32(0, error, true);
    return 0;
  }

  #fails(error: number): number {
    koffi.errno(error);
    return -1;
  }
}

function isWritable(fd: number): boolean {
  return pollOnce(fd, POLLOUT, 0) !== 0;
}
