import { setImmediate as nextTurn } from 'node:timers/promises';
import { getSystemErrorMap } from 'node:util';
import { libioth } from '../../../ffi/ioth.js';
import { errno } from '../../../ffi/libc.js';
import { inet_pton } from '../../address/inet.js';
import { withoutZone, zoneOf } from '../../address/ip.js';
import {
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_LEAVE_GROUP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
} from '../../constants/inet.js';
import {
  AF_INET,
  AF_INET6,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../constants/socket.js';
import { intBytes } from '../../core/byte-order.js';
import { IothError } from '../../core/errors.js';
import type { Socket } from '../../socket/socket.js';
import type { NodeHandle } from '../internals.js';
import type { NodeStack } from '../node-stack.js';
import type { OpenHandle } from '../open-handles.js';
import { pumpedSocket } from '../stack-sockets.js';
import { nodeAddress } from '../zones.js';
import { attempt, callNative, errnoOf, isBeyondErrno, nameInto, type OwnerOf, overrideMethods } from './pump.js';

/** A SendWrap. */
interface SendRequest {
  oncomplete?: (status: number, sent: number) => void;
}
interface DatagramEvents {
  onmessage?: (nread: number, handle: object, buffer: Buffer | undefined, sender?: object) => void;
}

// flags of libuv
const UV_UDP_IPV6ONLY = 1;
const UV_UDP_REUSEADDR = 4;
const UV_UDP_REUSEPORT = 8;

const MAX_DATAGRAM_SIZE = 65536;
/** A `struct sockaddr` of AF_UNSPEC: connect(2) to it ends a connection. */
const UNSPECIFIED = new Uint8Array(16);

/** A UDP handle whose methods work on a Socket. It has no file descriptor of its own. */
export class UdpPump implements OpenHandle {
  #socket: Socket | undefined;
  #isReferenced: boolean;
  #queued = { bytes: 0, count: 0 };
  #receiving: AbortController | undefined;
  #isClosed = false;

  constructor(
    readonly handle: NodeHandle & DatagramEvents,
    readonly stack: NodeStack,
    readonly ownerOf: OwnerOf,
  ) {
    this.#isReferenced = Boolean(callNative(handle, 'hasRef'));
    stack.nodeHandles.add(this, () => ownerOf(handle));
    overrideMethods(handle, { ...this.#calls(), ...this.#optionCalls() });
    // to Node a handle with a file descriptor is bound
    Object.defineProperty(handle, 'fd', { get: () => this.#socket?.fileno() ?? -1, configurable: true });
  }

  get writeQueueSize(): number {
    return this.#queued.bytes;
  }

  /** Closes it now. */
  close(): void {
    this.handle.close();
  }

  #calls(): Record<string, (...args: never[]) => unknown> {
    const send =
      (family: number) =>
      (req: SendRequest, list: Uint8Array[], _count: number, ...rest: unknown[]) =>
        this.#send(family, req, list, rest.length > 1 ? [String(rest[1]), Number(rest[0])] : undefined);
    return {
      bind: (address: string, port: number, flags: number) => this.#bind(AF_INET, address, port, flags),
      bind6: (address: string, port: number, flags: number) => this.#bind(AF_INET6, address, port, flags),
      connect: (address: string, port: number) => attempt(() => this.#open(AF_INET).sync.connect([address, port])),
      connect6: (address: string, port: number) => attempt(() => this.#open(AF_INET6).sync.connect([address, port])),
      disconnect: () => this.#disconnect(),
      send: send(AF_INET),
      send6: send(AF_INET6),
      recvStart: () => this.#start(),
      recvStop: () => this.#stop(),
      getsockname: (out: object) => nameInto(out, () => nodeAddress(this.stack, this.#opened.getsockname())),
      getpeername: (out: object) => nameInto(out, () => nodeAddress(this.stack, this.#opened.getpeername())),
      getSendQueueSize: () => this.#queued.bytes,
      getSendQueueCount: () => this.#queued.count,
      close: (callback?: () => void) => this.#onClose(callback),
      ref: () => this.#ref(true),
      unref: () => this.#ref(false),
      hasRef: () => !this.#isClosed && this.#isReferenced,
    };
  }

  #optionCalls(): Record<string, (...args: never[]) => unknown> {
    const both = (optname4: number, optname6: number) => (value: number) =>
      this.#set((socket) =>
        socket.family === AF_INET6
          ? socket.setsockopt(IPPROTO_IPV6, optname6, value)
          : socket.setsockopt(IPPROTO_IP, optname4, value),
      );
    const membership = (optname4: number, optname6: number) => (group: string, networkInterface?: string) =>
      this.#join(group, (socket) => setMembership(socket, [optname4, optname6], group, networkInterface));
    const source = (optname: number) => (from: string, group: string, networkInterface?: string) =>
      this.#join(group, (socket) => {
        const parts = [group, networkInterface ?? '0.0.0.0', from].map((text) => inet_pton(AF_INET, text));
        socket.setsockopt(IPPROTO_IP, optname, Buffer.concat(parts));
      });
    return {
      addMembership: membership(IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP),
      dropMembership: membership(IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP),
      addSourceSpecificMembership: source(IP_ADD_SOURCE_MEMBERSHIP),
      dropSourceSpecificMembership: source(IP_DROP_SOURCE_MEMBERSHIP),
      setMulticastInterface: (text: string) => this.#set((socket) => setMulticastInterface(socket, text)),
      setMulticastTTL: both(IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS),
      setMulticastLoopback: both(IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP),
      setTTL: both(IP_TTL, IPV6_UNICAST_HOPS),
      setBroadcast: (isOn: number) => this.#set((socket) => socket.setsockopt(SOL_SOCKET, SO_BROADCAST, isOn)),
      bufferSize: (size: number, isReceive: boolean, context: object) => this.#bufferSize(size, isReceive, context),
    };
  }

  get #opened(): Socket {
    if (!this.#socket) throw new IothError('EBADF', { syscall: 'getsockname' });
    return this.#socket;
  }

  #open(family: number): Socket {
    if (this.#socket) return this.#socket;
    // Node emits the errno as an 'error' by itself
    this.#socket = pumpedSocket(this.stack, family, SOCK_DGRAM);
    if (!this.#isReferenced) this.#socket.unref();
    return this.#socket;
  }

  #bind(family: number, address: string, port: unknown, flags: number): number {
    return attempt(() => {
      const socket = this.#open(family);
      if (flags & UV_UDP_REUSEADDR) socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, true);
      if (flags & UV_UDP_REUSEPORT) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, true);
      if (flags & UV_UDP_IPV6ONLY) socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, true);
      // without a port Node passes the argument in its place, a callback
      socket.bind([address, Number(port) | 0]);
    });
  }

  #disconnect(): number {
    return attempt(() => {
      const fd = this.#opened.fileno();
      if (libioth().connect(fd, Buffer.from(UNSPECIFIED), UNSPECIFIED.length) < 0) {
        throw new IothError('ENOTSUP', { syscall: 'connect', cause: errno() });
      }
    });
  }

  #send(family: number, req: SendRequest, list: Uint8Array[], to: [string, number] | undefined): number {
    return attempt(() => {
      const socket = this.#open(family);
      const size = list.reduce((sum, { length }) => sum + length, 0);
      this.#queue(size, 1);
      const done = (status: number) => {
        this.#queue(-size, -1);
        process.nextTick(() => req.oncomplete?.(status, size));
      };
      socket.sendmsg(list, [], 0, to).then(
        () => done(0),
        (error) => done(errnoOf(error)),
      );
    });
  }

  #queue(bytes: number, count: number): void {
    this.#queued = { bytes: this.#queued.bytes + bytes, count: this.#queued.count + count };
  }

  #start(): number {
    if (this.#receiving) return 0;
    this.#receiving = new AbortController();
    const { signal } = this.#receiving;
    return attempt(() => void this.#receive(this.#open(AF_INET), signal));
  }

  async #receive(socket: Socket, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !socket.closed) {
      try {
        const [data, from] = await socket.recvfrom(MAX_DATAGRAM_SIZE, 0, { signal });
        this.#report(data.length, data, nodeAddress(this.stack, from));
      } catch (error) {
        if (signal.aborted || isBeyondErrno(error)) return;
        // ECONNREFUSED and others are the answer to an earlier datagram: libuv reports an error and goes on receiving
        this.#report(errnoOf(error));
        await nextTurn();
      }
    }
  }

  #report(nread: number, data?: Buffer, sender?: object): void {
    process.nextTick(() => {
      if (!this.#isClosed) this.handle.onmessage?.(nread, this.handle, data, sender);
    });
  }

  #stop(): number {
    this.#receiving?.abort();
    this.#receiving = undefined;
    return 0;
  }

  #set(option: (socket: Socket) => void): number {
    return attempt(() => option(this.#opened));
  }

  /** Sets an option of a membership. Binds the handle before it joins a group, as libuv does. */
  #join(group: string, option: (socket: Socket) => void): number {
    const isIPv6 = String(group).includes(':');
    const [family, address] = [isIPv6 ? AF_INET6 : AF_INET, isIPv6 ? '::' : '0.0.0.0'];
    const result = this.#socket ? 0 : this.#bind(family, address, 0, UV_UDP_REUSEADDR);
    return result || this.#set(option);
  }

  #bufferSize(size: number, isReceive: boolean, context: object): number | undefined {
    const optname = isReceive ? SO_RCVBUF : SO_SNDBUF;
    let result = size;
    const status = this.#set((socket) => {
      if (size > 0) socket.setsockopt(SOL_SOCKET, optname, size);
      else result = socket.getsockopt(SOL_SOCKET, optname);
    });
    if (status === 0) return result;
    const [code, message] = getSystemErrorMap().get(status) ?? ['EINVAL', 'invalid argument'];
    Object.assign(context, { errno: status, code, message, syscall: `uv_${isReceive ? 'recv' : 'send'}_buffer_size` });
    return undefined;
  }

  #ref(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    if (isReferenced) this.#socket?.ref();
    else this.#socket?.unref();
  }

  #onClose(callback?: () => void): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#stop();
      this.#socket?.close();
      this.stack.nodeHandles.delete(this);
    }
    callNative(this.handle, 'close', callback);
  }
}

/** Joins or leaves a group, with a `struct ip_mreq` or a `struct ipv6_mreq`. */
function setMembership(
  socket: Socket,
  [optname4, optname6]: readonly [number, number],
  group: string,
  networkInterface: string | undefined,
): void {
  if (!group.includes(':')) {
    const parts = [group, networkInterface ?? '0.0.0.0'].map((text) => inet_pton(AF_INET, text));
    socket.setsockopt(IPPROTO_IP, optname4, Buffer.concat(parts));
    return;
  }
  const parts = [inet_pton(AF_INET6, withoutZone(group)), intBytes(interfaceIndex(socket, networkInterface ?? ''))];
  socket.setsockopt(IPPROTO_IPV6, optname6, Buffer.concat(parts));
}

function setMulticastInterface(socket: Socket, text: string): void {
  if (!text.includes(':')) {
    socket.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, inet_pton(AF_INET, text));
    return;
  }
  inet_pton(AF_INET6, withoutZone(text));
  socket.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, interfaceIndex(socket, text));
}

/** Returns the index of the interface in '::%vde0', the form of Node. 0 is any interface, and as in libuv an unknown one. */
function interfaceIndex(socket: Socket, text: string): number {
  let index = 0;
  const zone = zoneOf(text);
  if (zone !== '') attempt(() => (index = socket.stack.if_nametoindex(zone)));
  return index;
}
