import type { Socket as NetSocket } from 'node:net';
import type { BlockingOwner } from '../io/interruptible-wait.js';

/** Native stack that a descriptor is on. NativeStack implements it. */
export interface DescriptorOwner extends BlockingOwner {
  /** The descriptors that are open on it. */
  readonly descriptors: { add(descriptor: object): unknown; delete(descriptor: object): unknown };
  /** True if pending operations keep the process alive. */
  readonly referenced: boolean;
  /** True if its sockets are kernel sockets, so that every system call works on them. */
  readonly hasKernelSockets: boolean;
  /** The value that its shutdown(2) takes for SHUT_RD, default 0: picoxnet passes on picoTCP's numbers, 1 to 3. */
  readonly shutdownBase?: number;
  /** @throws {IothError} ERR_STACK_DEAD */
  checkAlive(syscall: string): void;
  /** Makes a non-blocking, close-on-exec descriptor: ioth_msocket(3). @throws {IothError} EMFILE … */
  msocket(family: number, type: number, proto: number): number;
}

/** The socket of a stream. */
export interface StreamedSocket {
  fileno(): number;
  close(): void;
  /** True if its pending operations keep the process alive. @internal */
  readonly isReferenced: boolean;
  /** Calls `follower` when the socket is closed or detached. @internal */
  follow(follower: (reason: Error) => void): void;
}

/** Stack of a socket: makes sockets, and resolves names to addresses. Stack implements it. */
export interface SocketOwner {
  /** Makes a non-blocking, close-on-exec descriptor: ioth_msocket(3). @internal */
  msocket(family: number, type: number, proto: number): number;
  socket(family: number, type: number, proto?: number, fileno?: number): unknown;
  /** Returns the index of an interface, for the zone of an address. @throws {IothError} ENODEV */
  if_nametoindex(ifname: string): number;
  /** Resolves a host in one family with the stack's resolver. @internal */
  resolveHost(host: string, family: number, options?: { signal?: AbortSignal }): Promise<string>;
  /** Returns the address if it is known without a server ('localhost', the hosts file), else undefined. @internal */
  resolveLocally(host: string, family: number): string | undefined;
  /** Creates a net.Socket on a kernel connection. @throws {IothError} EMFILE @internal */
  netSocket?(socket: StreamedSocket): NetSocket;
}
