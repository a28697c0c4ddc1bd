import { libioth } from '../../ffi/ioth.js';
import { F_SETFD, F_SETFL, FD_CLOEXEC } from '../../ffi/libc.js';
import { SOCK_NONBLOCK } from '../constants/index.js';

/** What SOCK_NONBLOCK | SOCK_CLOEXEC do, where a socket came without. The stack itself must hear it. */
export function makeNonBlocking(fd: number): void {
  const c = libioth();
  // of the flags that F_SETFL sets, a new descriptor has none
  c.fcntl(fd, F_SETFL, SOCK_NONBLOCK);
  c.fcntl(fd, F_SETFD, FD_CLOEXEC);
}
