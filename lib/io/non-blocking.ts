import { libioth } from '../../ffi/ioth.js';
import { SOCK_NONBLOCK } from '../constants/index.js';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_SETFL = 4;

/** What SOCK_NONBLOCK | SOCK_CLOEXEC do, where a socket came without. The stack itself must hear it. */
export function makeNonBlocking(fd: number): void {
  const c = libioth();
  // of the flags that F_SETFL sets, a new descriptor has none
  c.fcntl(fd, F_SETFL, SOCK_NONBLOCK);
  c.fcntl(fd, F_SETFD, FD_CLOEXEC);
}
