import { libioth } from '../../ffi/ioth.js';
import { errno, F_DUPFD_CLOEXEC, libc } from '../../ffi/libc.js';
import { IothError, systemError } from '../core/errors.js';

/** The parts of a stack that {@link uncountedSocket} needs. */
export interface CountingStack {
  /** The process of the stack, which has a loopback interface of its own. */
  readonly daemonPid: number | undefined;
  readonly hasKernelSockets: boolean;
  msocket(family: number, type: number, proto: number): number;
  if_nametoindex(ifname: string): number;
  linksetupdown(ifindex: number, up: boolean): void;
}

const FIRST_FD = 3;
const loopbacks = new WeakSet<CountingStack>();

/**
 * Creates a socket that libioth does not count. libuv closes its file descriptors with close(2), which libioth would not notice.
 * So this returns a duplicate, and closes the original with libioth.
 */
export function uncountedSocket(stack: CountingStack, family: number, type: number): number {
  if (!stack.hasKernelSockets) {
    throw new IothError('ENOTSUP', { syscall: 'socket', hint: 'the sockets of this stack are not kernel sockets' });
  }
  bringUpLoopback(stack);
  const counted = stack.msocket(family, type, 0);
  try {
    return uncountedDuplicate(counted, 'socket');
  } finally {
    libioth().close(counted);
  }
}

/** Returns a duplicate of a file descriptor that close(2) closes. @throws {IothError} EMFILE */
export function uncountedDuplicate(fd: number, syscall: string): number {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
  if (copy < 0) throw systemError(errno(), syscall);
  return copy;
}

/** Sets `lo` up: a new vdestack has it down, and a program expects its own 127.0.0.1. */
export function bringUpLoopback(stack: CountingStack): void {
  if (loopbacks.has(stack)) return;
  loopbacks.add(stack);
  if (stack.daemonPid !== undefined) stack.linksetupdown(stack.if_nametoindex('lo'), true);
}
