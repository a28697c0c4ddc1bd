import type { SocketMaker } from '../socket/owner.js';
import type { Socket } from '../socket/socket.js';
import type { StackDns } from './dns.js';
import type { OpenHandles } from './open-handles.js';

/** The parts of a stack that Node's modules need. Stack implements it. */
export interface NodeStack {
  readonly dns: StackDns;
  /** Node's handles that have a socket of the stack. */
  readonly nodeHandles: OpenHandles;
  /** Makes its sockets; only in the thread that owns the stack. */
  readonly sockets?: SocketMaker;
  /** True if Node's handles cannot have its sockets, since they are not the kernel's. */
  readonly isPumped?: boolean;
  /** Returns whether an AF_INET6 socket accepts IPv4 connections too. */
  has_dualstack_ipv6?(): boolean;
  /**
   * Creates a Socket of a stack whose sockets are not the kernel's.
   * @throws {IothError} as {@link checkUsable}; errors of the stack
   */
  pumpedSocket?(family: number, type: number): Socket;
  /** Checks that the stack can be used. @throws {IothError} EBADF once closed, ERR_STACK_DEAD with a dead daemon */
  checkUsable(): void;
  /**
   * Creates a socket of the stack that close(2) closes: libioth does not count it.
   * @returns the file descriptor
   * @throws {IothError} as {@link checkUsable}; ENOTSUP if its sockets are not the kernel's; errors of the stack
   */
  uncountedSocket(family: number, type: number): number;
}
