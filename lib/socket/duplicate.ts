import { libioth } from '../../ffi/ioth.js';
import { errno, libc } from '../../ffi/libc.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM } from '../constants/index.js';
import { systemError } from '../core/errors.js';
import type { SocketMaker } from './owner.js';

/** dup(2) of a socket, as a descriptor that libioth counts. Only where sockets are the kernel's. */
export function duplicate(owner: Pick<SocketMaker, 'msocket'>, fd: number, type: number): number {
  // libioth knows only the descriptors that it made: a new one of its own becomes the duplicate
  const copy = owner.msocket(AF_INET, type === SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM, 0);
  if (libc().dup3(fd, copy, SOCK_CLOEXEC) >= 0) return copy;
  const error = systemError(errno(), 'dup');
  libioth().close(copy);
  throw error;
}
