import type { NetworkInterfaceInfo } from 'node:os';
import type { StackInterface } from '../dns/stack-interface.js';
import type { StackDns } from './dns.js';
import type { OpenHandles } from './open-handles.js';

/** The result of os.networkInterfaces(). */
export type NetworkInterfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** The parts of a stack that Node's modules need, in any thread. Stack implements it; so does the stack of a worker thread (threads.ts). */
export interface NodeStack {
  readonly dns: StackDns;
  /** Node's handles that have a socket of the stack. */
  readonly nodeHandles: OpenHandles;
  /** The stack itself, in the thread that made it. */
  readonly local?: StackInterface;
  /** Checks that the stack can be used. @throws {IothError} EBADF once closed, ERR_STACK_DEAD with a dead daemon */
  checkUsable(): void;
  /**
   * Creates a socket of the stack that close(2) closes: libioth does not count it.
   * @returns the file descriptor
   * @throws {IothError} as {@link checkUsable}; ENOTSUP if its sockets are not the kernel's; errors of the stack
   */
  uncountedSocket(family: number, type: number): number;
  /** @throws {IothError} ENODEV */
  if_nametoindex(ifname: string): number;
  if_indextoname(ifindex: number): string;
  /** Asks the thread that made it for its interfaces, in another thread. */
  networkInterfaces?(): NetworkInterfaces;
}
