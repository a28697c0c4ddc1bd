import { fstatSync } from 'node:fs';
import { libioth } from '../../ffi/ioth.js';
import { CLONE_VFORK, CLONE_VM, EPOLL_CLOEXEC, F_DUPFD_CLOEXEC, libc, WALL } from '../../ffi/libc.js';
import { withSignalsBlocked } from '../io/signal-mask.js';

/*
 * A descriptor that a Socket gave up is still counted by libioth, under its number, until ioth_close(3) of that number.
 * Whoever has it may close it with close(2) instead, as `new net.Socket({ fd })` does: the number is free then, or another
 * file's, and the count stays. Here such numbers are found and taken off the count.
 */

/** Of the memory that {@link closeElsewhere} runs on. */
const CLONE_STACK_SIZE = 64 * 1024;
const STACK_ALIGNMENT = 64;

interface DetachedDescriptor {
  /** The stack that libioth counts it for. */
  readonly owner: object;
  /** Of the open file; undefined where it could not be read. */
  readonly identity: string | undefined;
}

/** Numbers that Sockets own. */
const owned = new Set<number>();

const detached = new Map<number, DetachedDescriptor>();

/** A Socket of `owner` gave the open descriptor `fd` up. */
export function registerDetached(fd: number, owner: object): void {
  detached.set(fd, { owner, identity: identityOf(fd) });
}

/** It was closed, or a Socket has it again. */
export function unregisterDetached(fd: number): void {
  detached.delete(fd);
}

/** The stack was deleted: what is left of it here was closed through libioth by others. */
export function unregisterDetachedOf(owner: object): void {
  for (const [fd, { owner: its }] of detached) if (its === owner) detached.delete(fd);
}

/** Whether `fd` was detached and is no longer the socket that it was. */
export function wasClosedElsewhere(fd: number): boolean {
  const known = detached.get(fd);
  return known !== undefined && !isStillOpen(fd, known);
}

/** A Socket has the descriptor `fd` from now on. */
export function registerOwned(fd: number): void {
  owned.add(fd);
}

/** It closes it, or gives it up. */
export function unregisterOwned(fd: number): void {
  owned.delete(fd);
}

/** Whether a Socket has the descriptor `fd`. */
export function isOwned(fd: number): boolean {
  return owned.has(fd);
}

/**
 * The number of a new socket of libioth, unless it is a detached one's which was closed elsewhere. Then `remake` makes the
 * socket again under a number of its own and the old one is taken off the count: two counts on one number cannot be told
 * apart.
 */
export function withOwnNumber(fd: number, remake: (fd: number) => number): number {
  if (detached.size === 0 || !detached.has(fd)) return fd;
  let other: number;
  try {
    other = remake(fd);
  } catch {
    // out of descriptors: then this one must do
    return fd;
  }
  libioth().close(fd);
  uncount(fd);
  return other;
}

/**
 * ioth_close(3) of a descriptor that was detached. Where it was closed elsewhere, it is only taken off the count, and a file
 * that has its number stays open.
 * @returns whether it was closed or uncounted
 */
export function closeDetached(fd: number): boolean {
  if (wasClosedElsewhere(fd)) return uncount(fd);
  const isClosed = libioth().close(fd) === 0;
  if (isClosed) unregisterDetached(fd);
  return isClosed;
}

/** Takes the detached descriptors of `owner` that were closed elsewhere off the count. */
export function uncountClosed(owner: object): void {
  const closed = [...detached].filter(([fd, known]) => known.owner === owner && !isStillOpen(fd, known));
  for (const [fd] of closed) uncount(fd);
}

/** Which descriptor keeps `owner` from being deleted, and what to do. */
export function busyHint(owner: object): string {
  const own = [...detached].filter(([, known]) => known.owner === owner);
  const open = own.filter(([fd, known]) => isStillOpen(fd, known)).map(([fd]) => fd);
  if (open.length > 0) {
    return `descriptor ${open.join(', ')}, which was detached, is still open on it: close(${open[0]}) it first`;
  }
  const [covered] = own.find(([fd]) => owned.has(fd)) ?? [];
  if (covered === undefined) return 'a socket that was detached is still open on it: close(fd) it first';
  return `descriptor ${covered} was detached and closed by other means, and a socket has its number now: close that first`;
}

function uncount(fd: number): boolean {
  // libioth's entry of that socket lies above the one that is meant
  if (owned.has(fd)) return false;
  const isDone = occupy(fd) ? closeOccupied(fd) : closeElsewhere(fd);
  if (isDone) unregisterDetached(fd);
  return isDone;
}

/** Opens an unused file under a number; returns false where the number is taken. */
function occupy(fd: number): boolean {
  // not by node:fs: a worker thread closes at its end what it opened so and, as far as Node knows, did not close
  const file = libc().epoll_create1(EPOLL_CLOEXEC);
  if (file === fd) return true;
  if (file < 0) return false;
  // never dup2: another thread may have opened something under this number meanwhile
  const copy = libc().fcntl(file, F_DUPFD_CLOEXEC, fd);
  libc().close(file);
  if (copy >= 0 && copy !== fd) libc().close(copy);
  return copy === fd;
}

function closeOccupied(fd: number): boolean {
  // libioth may not know the number: another thread closed it, and well
  if (libioth().close(fd) < 0) libc().close(fd);
  return true;
}

/**
 * ioth_close(3) in a process that has our memory and a descriptor table of its own: the count goes down, and the file that
 * has this number in our table stays open, with its locks (fcntl(2) gives up those of a process at any close of a file).
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

/** What tells an open file from others; undefined for a number that is free. */
function identityOf(fd: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
