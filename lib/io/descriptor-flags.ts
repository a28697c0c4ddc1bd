import { libioth } from '../../ffi/ioth.js';
import { CLOSE_RANGE_CLOEXEC, F_SETFD, F_SETFL, FD_CLOEXEC, libc } from '../../ffi/libc.js';
import { SOCK_NONBLOCK } from '../constants/index.js';
import { UINT_MAX } from '../core/validate.js';

const AFTER_STANDARD_STREAMS = 3;

/** What SOCK_NONBLOCK | SOCK_CLOEXEC do, where a socket came without. */
export function makeNonBlocking(fd: number): void {
  // the stack itself must hear it; of the flags that F_SETFL sets, a new descriptor has none
  libioth().fcntl(fd, F_SETFL, SOCK_NONBLOCK);
  libioth().fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/** Keeps every descriptor from `first` on from children, as Node does with its own. */
export function closeOnExec(first: number = AFTER_STANDARD_STREAMS): void {
  libc().close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}
