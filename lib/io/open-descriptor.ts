import { readlinkSync } from 'node:fs';
import { libioth } from '../../ffi/ioth.js';
import { CLOSE_RANGE_CLOEXEC, errno, F_DUPFD_CLOEXEC, F_SETFD, F_SETFL, FD_CLOEXEC, libc } from '../../ffi/libc.js';
import { SOCK_NONBLOCK } from '../constants/socket.js';
import { type IothErrorDetails, systemError } from '../core/errors.js';
import { UINT_MAX } from '../core/validate.js';

const AFTER_STANDARD_STREAMS = 3;

/** Makes a socket non-blocking and close-on-exec, if it was not opened with SOCK_NONBLOCK | SOCK_CLOEXEC. */
export function makeNonBlocking(fd: number): void {
  // by libioth, since the stack must know of it; a new descriptor has no other flags that F_SETFL would clear
  libioth().fcntl(fd, F_SETFL, SOCK_NONBLOCK);
  libioth().fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/** Makes every descriptor from `first` on close-on-exec, as Node does with its own. */
export function closeOnExec(first: number = AFTER_STANDARD_STREAMS): void {
  libc().close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

/**
 * Returns a close-on-exec duplicate of a descriptor. libioth does not count it: close(2) closes it.
 * @throws {IothError} EMFILE; EBADF
 */
export function duplicateOf(fd: number, syscall: string, details?: IothErrorDetails): number {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, AFTER_STANDARD_STREAMS);
  if (copy < 0) throw systemError(errno(), syscall, details);
  return copy;
}

/**
 * Returns the name that proc(5) has for what an open descriptor refers to, as 'pipe:[4711]', and its kind: 'socket', 'pipe',
 * 'eventpoll' …, or the name if it has no kind.
 * @throws {Error} ENOENT if it is not open
 */
export function fileOf(fd: number): { name: string; kind: string } {
  const name = readlinkSync(`/proc/self/fd/${fd}`);
  return { name, kind: /^(?:anon_inode:\[(\w+)\]|(\w+):\[\d+\])$/.exec(name)?.slice(1).find(Boolean) ?? name };
}

/** Returns the lowest free descriptor numbers: `count`, or as many as there are. */
export function freeDescriptors(count: number): number[] {
  const found: number[] = [];
  for (let fd = 0; found.length < count; found.push(fd)) {
    fd = libc().dup(2);
    if (fd < 0) break;
  }
  closeAll(found);
  return found;
}

function closeAll(fds: readonly number[]): void {
  const [first = 0] = fds;
  // they are mostly consecutive, and then one call closes them all; if another thread closed some, they are not
  const isRow = fds.length > 0 && fds.every((fd, i) => fd === first + i);
  if (isRow) libc().close_range(first, first + fds.length - 1, 0);
  else for (const fd of fds) libc().close(fd);
}
