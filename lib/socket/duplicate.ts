import { libioth } from '../../ffi/ioth.js';
import { errno, libc } from '../../ffi/libc.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM } from '../constants/socket.js';
import { systemError } from '../core/errors.js';
import type { SocketOwner } from './owner.js';

/** Duplicates a socket like dup(2), as a descriptor that libioth counts. Works only for kernel sockets. */
export function duplicate(owner: Pick<SocketOwner, 'msocket'>, fd: number, type: number): number {
  // libioth knows only descriptors that it made: let it make a socket, then dup3 over that number
  const copy = owner.msocket(AF_INET, type === SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM, 0);
  if (libc().dup3(fd, copy, SOCK_CLOEXEC) >= 0) return copy;
  const error = systemError(errno(), 'dup');
  libioth().close(copy);
  throw error;
}
