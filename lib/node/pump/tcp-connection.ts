import { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { libc } from '../../../ffi/libc.js';
import type { Address } from '../../address/sockaddr.js';
import { MSG_DONTWAIT } from '../../constants/socket.js';
import { IothError } from '../../core/errors.js';
import { socketStream } from '../../socket/duplex.js';
import type { Socket } from '../../socket/socket.js';

const FLUSH_SIZE = 65536;

interface ConnectionEvents {
  onError(error: Error): void;
  /** The socket is closed. */
  onEnd(): void;
}

/** Copies data in both directions between a connected Socket and one end of a socket pair. A handle has the other end. */
export class TcpConnection {
  readonly local: Address;
  /** Undefined if the peer was gone already. */
  readonly peer: Address | undefined;
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #stream: Duplex;
  readonly #pipe: NetSocket;
  readonly #counter: { readonly bytesWritten?: number };
  #written: number | undefined;
  #delivered = 0;
  #isDead = false;

  /**
   * @param counter has the number of bytes that were or will be written into the pair
   * @param fd this end of the pair
   */
  constructor(counter: { readonly bytesWritten?: number }, socket: Socket, fd: number, events: ConnectionEvents) {
    this.#counter = counter;
    this.#socket = socket;
    this.#fd = fd;
    // read now: Node asks for the addresses even after the socket is closed
    this.local = socket.getsockname();
    this.peer = peerOf(socket);
    this.#pipe = new NetSocket({ fd, allowHalfOpen: true });
    this.#pipe.on('error', () => {}).unref();
    const isClosed = () => socket.closed && !this.#isDead;
    this.#stream = socketStream({
      get closed() {
        return isClosed();
      },
      recv: (bufsize) => this.#receive(bufsize),
      sendall: (data) => this.#send(data),
      shutdown: (how) => socket.shutdown(how),
      close: () => socket.close(),
    });
    this.#stream.on('error', (error) => {
      // after the data before it: the event loop polls the pair once more
      setImmediate(() => setImmediate(() => events.onError(asNode(error))));
    });
    this.#stream.once('close', () => {
      // after an error the handle's owner is destroyed, which closes its end of the pair
      if (!this.#stream.errored) this.#pipe.destroySoon();
      events.onEnd();
    });
    this.#pipe.pipe(this.#stream).pipe(this.#pipe);
  }

  /** The number of bytes that were written into the pair and that the stack does not have yet. */
  get pendingBytes(): number {
    if (this.#stream.destroyed) return 0;
    return (this.#written ?? this.#counter.bytesWritten ?? 0) - this.#delivered;
  }

  /** True if the socket is closed and all 'close' listeners were called. */
  get isEnded(): boolean {
    return this.#stream.closed;
  }

  /** Prepares for the close of the handle: passes the written data to the stack, then closes the socket. */
  finish(): void {
    this.#written = this.#counter.bytesWritten;
    const stream = this.#stream;
    const pipe = this.#pipe;
    if (stream.destroyed) {
      pipe.destroy();
      return;
    }
    stream.unpipe(pipe);
    pipe.ref();
    const end = () => {
      pipe.destroy();
      stream.end();
      if (stream.writableFinished) stream.destroy();
      else stream.once('finish', () => stream.destroy());
    };
    if (pipe.readableEnded || pipe.destroyed) end();
    else pipe.once('end', end).once('error', end);
  }

  /** Passes data from the pair to the stack, as much as it takes at once. A kernel socket would have sent that data already. */
  flush(): void {
    if (this.#pipe.destroyed || this.#stream.destroyed || this.#stream.writableLength > 0) return;
    const { sync } = this.#socket;
    const buffer = Buffer.allocUnsafe(FLUSH_SIZE);
    try {
      this.#socket.settimeout(0);
      for (;;) {
        const length = libc().recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT);
        if (length <= 0) break;
        sync.sendall(buffer.subarray(0, length));
      }
    } catch {
      // the stack takes no more
    }
  }

  destroy(): void {
    this.#stream.destroy();
    this.#pipe.destroy();
  }

  /** Receives from the Socket. Notes the death of the stack: that is an error, while a close is the end of the stream. */
  async #receive(bufsize: number): Promise<Buffer> {
    try {
      return await this.#socket.recv(bufsize);
    } catch (error) {
      this.#isDead = (error as IothError).code === 'ERR_STACK_DEAD';
      throw error;
    }
  }

  /** Sends to the Socket. Only data in transit keeps the process alive here; the handle has its own ref(). */
  async #send(data: Buffer): Promise<void> {
    const socket = this.#socket;
    socket.ref();
    try {
      await socket.sendall(data);
      this.#delivered += data.length;
    } finally {
      socket.unref();
    }
  }
}

function peerOf(socket: Socket): Address | undefined {
  try {
    return socket.getpeername();
  } catch {
    return undefined;
  }
}

/** Returns the error that Node makes from an errno of read or write. */
function asNode(error: Error): Error {
  if (!(error instanceof IothError) || error.errno === undefined) return error;
  const { code, errno } = error;
  const syscall = error.syscall?.startsWith('send') ? 'write' : 'read';
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall });
}
