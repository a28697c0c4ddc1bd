import { libc } from '../../../ffi/libc.js';
import type { Address } from '../../address/sockaddr.js';
import { IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, TCP_KEEPIDLE, TCP_NODELAY } from '../../constants/inet.js';
import {
  AF_INET,
  AF_INET6,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../constants/socket.js';
import { IothError } from '../../core/errors.js';
import { socketPair } from '../../io/socket-pair.js';
import type { ListeningSocket, Socket } from '../../socket/socket.js';
import type { NodeHandle } from '../internals.js';
import type { NodeStack } from '../node-stack.js';
import type { OpenHandle } from '../open-handles.js';
import { pumpedSocket } from '../stack-sockets.js';
import { nodeAddress } from '../zones.js';
import {
  attempt,
  callNative,
  destroyStream,
  errnoOf,
  isBeyondErrno,
  nameInto,
  type OwnerOf,
  overrideMethods,
} from './pump.js';
import { TcpConnection } from './tcp-connection.js';

/** A TCPConnectWrap. */
interface ConnectRequest {
  oncomplete?: (status: number, handle: NodeHandle, req: ConnectRequest, readable: boolean, writable: boolean) => void;
}
/** UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;
/** The type of a handle that does not listen: TCPConstants.SOCKET. */
const TCP_SOCKET = 0;
/** A `struct linger` with which a close sends a reset. */
const RESET = new Int32Array([1, 0]);
const NO_NAME: Address = { family: 'IPv4', address: '0.0.0.0', port: 0 };

/**
 * A TCP handle on a Socket. Once there is a connection, the handle has one end of a socket pair. A {@link TcpConnection} copies
 * data between the other end and the Socket.
 */
export class TcpPump implements OpenHandle {
  readonly #options: ((socket: Socket) => void)[] = [];
  #socket: Socket | undefined;
  #connection: TcpConnection | undefined;
  #isClosed = false;

  constructor(
    readonly handle: NodeHandle,
    readonly stack: NodeStack,
    readonly ownerOf: OwnerOf,
  ) {
    stack.nodeHandles.add(this, () => this.#owner);
    overrideMethods(handle, {
      bind: (address: string, port: number) => this.#bind(AF_INET, address, port, 0),
      bind6: (address: string, port: number, flags: number) => this.#bind(AF_INET6, address, port, flags),
      connect: (req: ConnectRequest, address: string, port: number) => this.#connect(AF_INET, req, address, port),
      connect6: (req: ConnectRequest, address: string, port: number) => this.#connect(AF_INET6, req, address, port),
      listen: (backlog: number) => this.#listen(backlog),
      getsockname: (out: object) => this.#nameInto(out, () => this.#connection?.local ?? this.#ownName()),
      getpeername: (out: object) => this.#nameInto(out, () => this.#peerName()),
      setNoDelay: (isOn: boolean) => this.#set((socket) => socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, Boolean(isOn))),
      setKeepAlive: (isOn: boolean, seconds: number) => this.#set((socket) => keepAlive(socket, isOn, seconds)),
      close: (callback?: () => void) => this.#onClose(callback),
      reset: (callback?: () => void) => this.#onReset(callback),
      ref: () => this.#ref('ref'),
      unref: () => this.#ref('unref'),
    });
  }

  /** The number of bytes that were written and that the stack does not have yet. */
  get writeQueueSize(): number {
    return this.#connection?.pendingBytes ?? 0;
  }

  /** Closes it now. Data that the stack does not take at once is lost. */
  close(): void {
    this.#connection?.flush();
    this.handle.close();
    this.#connection?.destroy();
    this.#socket?.close();
    this.#end();
  }

  #open(family: number): Socket {
    if (this.#socket) return this.#socket;
    this.#socket = pumpedSocket(this.stack, family, SOCK_STREAM, (error) => this.#fail(error));
    if (!callNative(this.handle, 'hasRef')) this.#socket.unref();
    for (const set of this.#options) attempt(() => set(this.#socket as Socket));
    return this.#socket;
  }

  #bind(family: number, address: string, port: number | undefined, flags: number): number {
    return attempt(() => {
      const socket = this.#open(family);
      // uv_tcp_bind sets these options too; a stack may not have them
      attempt(() => socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, true));
      if (family === AF_INET6) {
        attempt(() => socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, (flags & IPV6_ONLY) !== 0));
      }
      // without `localPort` Node passes no port
      socket.bind([address, port || 0]);
    });
  }

  #connect(family: number, req: ConnectRequest, address: string, port: number): number {
    return attempt(() => {
      const socket = this.#open(family);
      const done = (status: number) => this.#onConnect(req, status);
      socket.connect([address, port]).then(
        () => done(attempt(() => this.#attach(socket))),
        (error) => {
          if (isBeyondErrno(error)) this.#fail(error);
          done(errnoOf(error));
        },
      );
    });
  }

  #onConnect(req: ConnectRequest, status: number): void {
    // an error that a listener throws must not become a rejection
    process.nextTick(() => {
      if (!this.#isClosed) req.oncomplete?.(status, this.handle, req, status === 0, status === 0);
    });
  }

  /** Joins the handle to `socket`, which is connected. */
  #attach(socket: Socket): void {
    if (this.#isClosed) return;
    const [outer, inner] = socketPair();
    const result = this.handle.open(outer);
    if (result < 0) {
      libc().close(outer);
      libc().close(inner);
      throw new IothError('EIO', { syscall: 'connect' });
    }
    socket.unref();
    this.#connection = new TcpConnection(this.handle as unknown as { readonly bytesWritten?: number }, socket, inner, {
      onError: (error) => this.#fail(error),
      onEnd: () => this.#end(),
    });
  }

  #listen(backlog: number): number {
    return attempt(() => {
      const listener = this.#open(AF_INET).listen(backlog);
      this.#accept(listener).catch((error) => process.nextTick(() => this.#onConnection(errnoOf(error))));
    });
  }

  async #accept(listener: ListeningSocket): Promise<void> {
    const Handle = this.handle.constructor as unknown as new (type: number) => NodeHandle;
    for await (const socket of listener) {
      const client = new Handle(TCP_SOCKET);
      const pump = new TcpPump(client, this.stack, this.ownerOf);
      pump.#socket = socket;
      socket.settimeout(null);
      const status = attempt(() => pump.#attach(socket));
      if (status < 0) pump.close();
      process.nextTick(() => this.#onConnection(status, client));
    }
  }

  #onConnection(status: number, client?: NodeHandle): void {
    if (this.#isClosed) client?.close();
    else this.handle.onconnection?.(status, status === 0 ? client : undefined);
  }

  #ownName(): Address {
    return this.#socket?.getsockname() ?? NO_NAME;
  }

  #peerName(): Address {
    const peer = this.#connection?.peer;
    if (!peer) throw new IothError('ENOTCONN', { syscall: 'getpeername' });
    return peer;
  }

  #set(option: (socket: Socket) => void): number {
    const socket = this.#socket;
    if (socket) return socket.closed ? 0 : attempt(() => option(socket));
    this.#options.push(option);
    return 0;
  }

  #ref(method: 'ref' | 'unref'): void {
    if (!this.#connection) this.#socket?.[method]();
    callNative(this.handle, method);
  }

  #onClose(callback?: () => void): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      if (this.#connection) {
        this.#connection.finish();
        if (this.#connection.isEnded) this.#end();
      } else {
        this.#socket?.close();
        this.#end();
      }
    }
    callNative(this.handle, 'close', callback);
  }

  #onReset(callback?: () => void): number {
    const socket = this.#socket;
    if (socket && !socket.closed) attempt(() => socket.setsockopt(SOL_SOCKET, SO_LINGER, RESET));
    this.#connection?.destroy();
    this.#onClose(callback);
    return 0;
  }

  #nameInto(out: object, name: () => Address): number {
    return nameInto(out, () => nodeAddress(this.stack, name()));
  }

  get #owner(): object | undefined {
    return this.ownerOf(this.handle);
  }

  /** Destroys the handle's owner with an error, such as one that libuv has no number for. */
  #fail(error: Error): void {
    destroyStream(this.#owner, error);
  }

  #end(): void {
    if (this.#isClosed) this.stack.nodeHandles.delete(this);
  }
}

function keepAlive(socket: Socket, isOn: boolean, seconds: number): void {
  socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, Boolean(isOn));
  if (isOn && seconds > 0) socket.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, seconds);
}
