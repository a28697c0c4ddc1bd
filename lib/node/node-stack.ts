import type { SocketMaker } from '../socket/owner.js';
import type { Socket } from '../socket/socket.js';
import type { StackDns } from './dns.js';
import type { OpenHandles } from './open-handles.js';

/** What Node's modules need of the stack that they work on. A Stack is one. */
export interface NodeStack {
  readonly dns: StackDns;
  /** The handles of Node's that have a socket of the stack. */
  readonly nodeHandles: OpenHandles;
  /** What makes its sockets, in the thread that has the stack. */
  readonly sockets?: SocketMaker;
  /** Whether Node's handles cannot have its sockets. */
  readonly isPumped?: boolean;
  /** Whether an AF_INET6 socket takes IPv4 connections too. */
  has_dualstack_ipv6?(): boolean;
  /**
   * A Socket of a stack whose sockets are not the kernel's.
   * @throws {IothError} as {@link checkUsable}; what the stack says
   */
  pumpedSocket?(family: number, type: number): Socket;
  /** @throws {IothError} EBADF once closed, ERR_STACK_DEAD with a dead daemon */
  checkUsable(): void;
  /**
   * A socket of the stack that close(2) closes: libioth does not count it.
   * @throws {IothError} as {@link checkUsable}; ENOTSUP where its sockets are not the kernel's; what the stack says
   */
  uncountedSocket(family: number, type: number): number;
}
