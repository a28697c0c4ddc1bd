import type { StackDns } from './dns.js';
import type { OpenHandles } from './open-handles.js';

/** What Node's modules need of the stack that they work on. A Stack is one. */
export interface NodeStack {
  readonly closed: boolean;
  readonly hasKernelSockets: boolean;
  readonly dns: StackDns;
  /** The handles of Node's that have a socket of the stack. */
  readonly nodeHandles: OpenHandles;
  /** Whether a daemon, with a loopback interface of its own, is behind it. */
  readonly daemonPid: number | undefined;
  /** ioth_msocket(3): a non-blocking descriptor that libioth counts. */
  msocket(family: number, type: number, proto: number): number;
  if_nametoindex(ifname: string): number;
  linksetupdown(ifindex: number, up: boolean): void;
  /** @throws {IothError} EBADF once closed, ERR_STACK_DEAD with a dead daemon */
  pointer(syscall: string): bigint;
}
