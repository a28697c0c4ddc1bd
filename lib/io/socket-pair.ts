import { errno, libc } from '../../ffi/libc.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../constants/socket.js';
import { systemError } from '../core/errors.js';

/** Calls socketpair(2): two connected sockets, close-on-exec. @throws {IothError} EMFILE, ENOTSUP (of the family) … */
export function socketPair(
  family: number = AF_UNIX,
  type: number = SOCK_STREAM,
  proto = 0,
): [fd: number, other: number] {
  const pair = new Int32Array(2);
  if (libc().socketpair(family, type | SOCK_CLOEXEC, proto, new Uint8Array(pair.buffer)) < 0) {
    throw systemError(errno(), 'socketpair');
  }
  const [fd = -1, other = -1] = pair;
  return [fd, other];
}
