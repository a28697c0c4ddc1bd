import { fstatSync } from 'node:fs';
import { libioth } from '../../ffi/ioth.js';
import { CLONE_VFORK, CLONE_VM, EPOLL_CLOEXEC, F_DUPFD_CLOEXEC, libc, WALL } from '../../ffi/libc.js';
import { withSignalsBlocked } from '../io/signal-mask.js';

/*
 * After Socket.detach(), libioth still counts the descriptor, by its number, until ioth_close(3) of that number. Its new
 * owner may call close(2) instead, as `new net.Socket({ fd })` does. Then the number is free, or belongs to another file,
 * but libioth still counts it. This file finds such numbers and removes them from the count.
 */

/** Bytes of stack for the process that {@link closeElsewhere} clones. */
const CLONE_STACK_SIZE = 64 * 1024;
const STACK_ALIGNMENT = 64;

interface DetachedDescriptor {
  /** The stack that libioth counts it for. */
  readonly owner: object;
  /** The identity of the open file; undefined if it could not be read. */
  readonly identity: string | undefined;
}

/** Descriptors that Sockets own: from their first moment until they are closed or detached. */
export const owned = new Set<number>();

const detached = new Map<number, DetachedDescriptor>();

/** Records that a Socket of `owner` detached the open descriptor `fd`. */
export function registerDetached(fd: number, owner: object): void {
  detached.set(fd, { owner, identity: identityOf(fd) });
}

/** Forgets a detached descriptor: it was closed, or a Socket owns it again. */
export function unregisterDetached(fd: number): void {
  detached.delete(fd);
}

/** Forgets all detached descriptors of a deleted stack: other code closed them through libioth. */
export function unregisterDetachedOf(owner: object): void {
  for (const [fd, { owner: its }] of detached) if (its === owner) detached.delete(fd);
}

/** Returns whether a Socket of another stack than `owner` detached `fd`. */
export function isOfOtherStack(fd: number, owner: object): boolean {
  const known = detached.get(fd);
  return known !== undefined && known.owner !== owner;
}

/** Returns whether `fd` was detached and no longer is that socket. */
export function wasClosedElsewhere(fd: number): boolean {
  const known = detached.get(fd);
  return known !== undefined && !isStillOpen(fd, known);
}

/**
 * Returns the number of a new libioth socket, unless libioth still counts a detached socket under it that was closed by
 * other means. Then `remake` makes the socket again under another number, and the old one is removed from the count: two
 * counts on one number cannot be told apart.
 */
export function withOwnNumber(fd: number, remake: (fd: number) => number): number {
  if (detached.size === 0 || !detached.has(fd)) return fd;
  let other: number;
  try {
    other = remake(fd);
  } catch {
    // out of descriptors: keep this number
    return fd;
  }
  libioth().close(fd);
  uncount(fd);
  return other;
}

/**
 * Closes a detached descriptor with ioth_close(3). If it was closed by other means, only removes it from the count: a file
 * that has its number now stays open.
 * @returns whether it was closed or removed from the count
 */
export function closeDetached(fd: number): boolean {
  if (wasClosedElsewhere(fd)) return uncount(fd);
  const isClosed = libioth().close(fd) === 0;
  if (isClosed) unregisterDetached(fd);
  return isClosed;
}

/** Removes the detached descriptors of `owner` that were closed by other means from the count. */
export function uncountClosed(owner: object): void {
  const closed = [...detached].filter(([fd, known]) => known.owner === owner && !isStillOpen(fd, known));
  for (const [fd] of closed) uncount(fd);
}

/** Returns the hint for EBUSY: which descriptor keeps `owner` from being deleted, and what to do. */
export function busyHint(owner: object): string {
  const own = [...detached].filter(([, known]) => known.owner === owner);
  const open = own.filter(([fd, known]) => isStillOpen(fd, known)).map(([fd]) => fd);
  if (open.length > 0) {
    return `detached descriptor ${open.join(', ')} is still open on it: call close(${open[0]}) first`;
  }
  const [covered] = own.find(([fd]) => owned.has(fd)) ?? [];
  if (covered === undefined) return 'a detached socket is still open on it: call close(fd) first';
  return `descriptor ${covered} was detached and closed by other means; a new socket has its number: close that socket first`;
}

function uncount(fd: number): boolean {
  // a Socket has the number again: its entry in libioth hides the old one
  if (owned.has(fd)) return false;
  const isDone = occupy(fd) ? closeOccupied(fd) : closeElsewhere(fd);
  if (isDone) unregisterDetached(fd);
  return isDone;
}

/** Opens an unused file under the number `fd`; returns false if the number is taken. */
function occupy(fd: number): boolean {
  // not node:fs: at its end a worker thread closes every descriptor that it opened there and, to Node, did not close
  const file = libc().epoll_create1(EPOLL_CLOEXEC);
  if (file === fd) return true;
  if (file < 0) return false;
  // never dup2: another thread may just have opened a file under this number
  const copy = libc().fcntl(file, F_DUPFD_CLOEXEC, fd);
  libc().close(file);
  if (copy >= 0 && copy !== fd) libc().close(copy);
  return copy === fd;
}

function closeOccupied(fd: number): boolean {
  // libioth may not know the number: another thread closed it properly
  if (libioth().close(fd) < 0) libc().close(fd);
  return true;
}

/**
 * Calls ioth_close(3) in a cloned process that shares our memory but has its own descriptor table. The count goes down, and
 * the file that has this number in our table stays open and keeps its locks (fcntl(2): a process loses its locks on a file
 * when it closes any descriptor of that file).
 */
function closeElsewhere(fd: number): boolean {
  const memory = new Uint8Array(CLONE_STACK_SIZE);
  // stacks grow downwards
  const top = memory.subarray(CLONE_STACK_SIZE - STACK_ALIGNMENT);
  const status = new Int32Array(1);
  const flags = CLONE_VM | CLONE_VFORK;
  const pid = withSignalsBlocked(() => libc().clone(libioth().addressOfClose, top, flags, BigInt(fd)));
  if (pid > 0) libc().waitpid(pid, new Uint8Array(status.buffer), WALL);
  return pid > 0 && status[0] === 0;
}

function isStillOpen(fd: number, { identity }: DetachedDescriptor): boolean {
  return identity !== undefined && identityOf(fd) === identity;
}

/** Returns the device and inode of an open file; undefined if the number is free. */
function identityOf(fd: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
