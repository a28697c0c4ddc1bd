import { libioth } from '../../ffi/ioth.js';
import { IothError } from '../core/errors.js';
import type { StackInterface } from '../dns/stack-interface.js';
import { duplicateOf } from '../io/open-descriptor.js';
import type { Socket } from '../socket/socket.js';
import type { NodeStack } from './node-stack.js';
import { isBeyondErrno } from './pump/pump.js';

/** The environment variable that makes Node's modules pump data on stacks with sockets of the kernel too, for tests. */
const PUMP_VARIABLE = 'IOTH_PUMP';
const loopbacks = new WeakSet<StackInterface>();

/**
 * Creates a socket that libioth does not count. libuv closes its file descriptors with close(2), which libioth would not notice.
 * So this returns a duplicate, and closes the original with libioth.
 */
export function uncountedSocket(stack: StackInterface, family: number, type: number): number {
  if (!stack.hasKernelSockets) {
    throw new IothError('ENOTSUP', { syscall: 'socket', hint: 'the sockets of this stack are not kernel sockets' });
  }
  bringUpLoopback(stack);
  const counted = stack.msocket(family, type, 0);
  try {
    return duplicateOf(counted, 'socket');
  } finally {
    libioth().close(counted);
  }
}

/** Returns whether Node's handles cannot hold sockets of the stack, so that data is pumped between them and its Sockets. */
export function isPumped({ local }: NodeStack): boolean {
  return local !== undefined && (!local.hasKernelSockets || process.env[PUMP_VARIABLE] === '1');
}

/**
 * Creates the Socket of a pumped handle.
 * @param report called with an error that libuv has no number for
 * @throws {IothError} EBADF, ERR_STACK_DEAD; ENOTSUP in a worker thread; errors of the stack
 */
export function pumpedSocket(stack: NodeStack, family: number, type: number, report?: (error: Error) => void): Socket {
  try {
    stack.checkUsable();
    if (!stack.local) throw new IothError('ENOTSUP', { syscall: 'socket' });
    bringUpLoopback(stack.local);
    const socket = stack.local.socket(family, type);
    socket.settimeout(null);
    return socket;
  } catch (error) {
    if (isBeyondErrno(error)) report?.(error as Error);
    throw error;
  }
}

/** Sets `lo` up: a new vdestack has it down, and a program expects its own 127.0.0.1. */
export function bringUpLoopback(stack: StackInterface): void {
  if (loopbacks.has(stack)) return;
  if (stack.daemonPid !== undefined) stack.linksetupdown(stack.if_nametoindex('lo'), true);
  loopbacks.add(stack);
}
