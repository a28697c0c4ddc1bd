import { errno, libc } from '../../ffi/libc.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../constants/index.js';
import { systemError } from '../core/errors.js';

/** socketpair(2): two connected unix stream sockets, closed on exec. @throws {IothError} EMFILE */
export function socketPair(): [fd: number, other: number] {
  const pair = new Int32Array(2);
  if (libc().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)) < 0) {
    throw systemError(errno(), 'socketpair');
  }
  const [fd = -1, other = -1] = pair;
  return [fd, other];
}
