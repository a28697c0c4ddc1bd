import type { Socket as NetSocket } from 'node:net';
import type { BlockingOwner } from '../io/blocking.js';

/** The native stack that a descriptor is on. */
export interface DescriptorOwner extends BlockingOwner {
  /** Those that are open on it. */
  readonly descriptors: { add(descriptor: object): unknown; delete(descriptor: object): unknown };
  /** Whether pending operations keep the process alive. */
  readonly referenced: boolean;
  /** Whether its sockets are sockets of the kernel, for which every system call of the kernel works. */
  readonly hasKernelSockets: boolean;
  /** What its shutdown(2) takes for SHUT_RD, if not 0: picoxnet passes picoTCP's numbers, 1 to 3. */
  readonly shutdownBase?: number;
  /** @throws {IothError} ERR_STACK_DEAD */
  checkAlive(syscall: string): void;
  /** ioth_msocket(3): a non-blocking descriptor, closed on exec. @throws {IothError} EMFILE … */
  msocket(family: number, type: number, proto: number): number;
}

/** A stack that makes sockets. */
export interface SocketMaker {
  msocket(family: number, type: number, proto: number): number;
  socket(family: number, type: number, proto?: number, fileno?: number): unknown;
}

/** The socket of a stream. */
export interface StreamedSocket {
  fileno(): number;
  close(): void;
  /** Whether what waits on it keeps the process alive. @internal */
  readonly isReferenced: boolean;
  /** Has `follower` called when it is closed or given up. @internal */
  follow(follower: (reason: Error) => void): void;
}

/** The stack of a socket, which makes addresses of names. */
export interface SocketOwner {
  /** The index of an interface, for the zone of an address. @throws {IothError} ENODEV */
  if_nametoindex(ifname: string): number;
  /** The address of a host in one family, by the stack's resolver. @internal */
  resolveHost(host: string, family: number, options?: { signal?: AbortSignal }): Promise<string>;
  /** The address that is known without asking a server ('localhost', the hosts file), or undefined. @internal */
  resolveLocally(host: string, family: number): string | undefined;
  /** A socket of Node's on a connection that is the kernel's. @throws {IothError} EMFILE @internal */
  netSocket?(socket: StreamedSocket): NetSocket;
}
