import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
} from '../../ffi/libc.js';
import { Epoll } from './epoll.js';
import { watchDirectly } from './loop-watcher.js';

export const READABLE = 1;
export const WRITABLE = 2;
const BOTH = READABLE | WRITABLE;
export type Direction = typeof READABLE | typeof WRITABLE;

/** After this many events in a row that came alone, a descriptor gets a watch of libuv's own. */
const LONE_EVENTS = 16;

/** The set of this thread, while anything is watched. */
let epoll: Epoll | undefined;
let open = 0;
let isCloseDue = false;

/** Opens the event set of this thread, if it can, and keeps it open until the returned function is called. */
export function holdEventSet(): () => void {
  try {
    epoll ??= new Epoll();
  } catch {
    // the first poll handle reports it
    return () => {};
  }
  open++;
  return releaseEventSet;
}

function releaseEventSet(): void {
  open--;
  closeIdleEventSet();
}

/** Closes the set of this thread if nothing is watched. */
export function closeIdleEventSet(): void {
  if (open === 0 && epoll?.close()) epoll = undefined;
}

/** Does so after the next poll of the loop, which it does not hasten. */
function closeIdleEventSetSoon(): void {
  if (open > 0 || isCloseDue) return;
  isCloseDue = true;
  setImmediate(() => {
    isCloseDue = false;
    closeIdleEventSet();
  }).unref();
}

/** Returns the number of open poll handles in this thread, for leak tests. */
export function openPollHandles(): number {
  return open;
}

/**
 * The watch on one descriptor, for as long as the descriptor is open. Close it before the descriptor, whose number is reused
 * at once.
 *
 * It never keeps the process alive by itself. The callback runs in libuv's poll phase, or in a microtask after it, and must
 * not throw. Promises that it settles continue in the same turn of the loop.
 */
export class PollHandle {
  readonly #epoll: Epoll;
  readonly #id: number;
  readonly #fd: number;
  readonly #callback: (mask: number) => void;
  #watched = 0;
  #isEdge = false;
  #closed = false;
  #loneEvents = 0;
  #endDirect: (() => void) | undefined;

  /**
   * @param callback gets a mask of READABLE and WRITABLE, with both for a descriptor in error
   * @throws {IothError} EMFILE, ENOMEM, ENOSPC
   */
  constructor(fd: number, mask: number, callback: (mask: number) => void) {
    epoll ??= new Epoll();
    this.#epoll = epoll;
    this.#fd = fd;
    this.#callback = callback;
    this.#id = epoll.register((events) => {
      // an error that is not read would be reported for ever
      if (events & EPOLLERR && !this.#isEdge) this.watch(0);
      const ready = (events & EPOLLIN ? READABLE : 0) | (events & EPOLLOUT ? WRITABLE : 0);
      callback(events & EPOLLERR ? BOTH : events & EPOLLHUP ? ready | this.#watched : ready);
      this.#loneEvents = this.#epoll.isLone ? this.#loneEvents + 1 : 0;
      if (this.#loneEvents >= LONE_EVENTS) this.#watchDirectly();
    });
    open++;
    try {
      this.watch(mask);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The directions that are watched now: a mask of READABLE and WRITABLE. */
  get watched(): number {
    return this.#watched;
  }

  /** True if it reports changes only: see {@link watch}. */
  get isEdge(): boolean {
    return this.#isEdge;
  }

  /**
   * Watches exactly `mask` from now on; 0 stops. A change costs a system call, and reports directions that are ready already at
   * least once.
   * @param isEdge true sets EPOLLET: reports a direction when it becomes ready, not as long as it is; false by default
   * @throws {IothError}
   */
  watch(mask: number, isEdge = false): void {
    if (this.#closed || (mask === this.#watched && (isEdge === this.#isEdge || mask === 0))) return;
    this.#leaveDirect();
    if (mask === 0 && this.#watched === 0) return;
    const operation = mask === 0 ? EPOLL_CTL_DEL : this.#watched === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const events = (mask & READABLE ? EPOLLIN : 0) | (mask & WRITABLE ? EPOLLOUT : 0) | (isEdge ? EPOLLET : 0);
    this.#epoll.control(operation, this.#fd, events >>> 0, this.#id);
    this.#watched = mask;
    this.#isEdge = isEdge && mask !== 0;
  }

  /** Lets libuv watch the descriptor itself, until the watch changes: this saves the poll of the set inside libuv's. */
  #watchDirectly(): void {
    this.#loneEvents = 0;
    if (this.#closed || this.#watched !== READABLE || this.#isEdge) return;
    this.#endDirect = watchDirectly(this.#fd, (status) => {
      if (status !== 0) this.#leaveDirect();
      this.#callback(status === 0 ? READABLE : BOTH);
    });
    if (this.#endDirect) this.#epoll.control(EPOLL_CTL_DEL, this.#fd, 0, this.#id);
  }

  /** Ends what {@link #watchDirectly} began: nothing is watched then. */
  #leaveDirect(): void {
    if (!this.#endDirect) return;
    this.#endDirect();
    this.#endDirect = undefined;
    this.#watched = 0;
  }

  /** Busy polls for `usecs` microseconds before the loop of this thread sleeps. For the callback. */
  busyPoll(usecs: number): void {
    // the set does it
    if (this.#endDirect) {
      this.watch(0);
      this.watch(READABLE);
    }
    this.#epoll.busyPoll(usecs);
  }

  /** Ends the watch. Closing twice is fine. */
  close(): void {
    this.#end();
    closeIdleEventSet();
  }

  /**
   * Ends the watch, and leaves the set open until the loop has polled once more. A program that makes one connection after the
   * other opens the next one by then, and making a set for each costs ten system calls.
   */
  closeBeforeNext(): void {
    this.#end();
    closeIdleEventSetSoon();
  }

  #end(): void {
    if (this.#closed) return;
    this.watch(0);
    this.#closed = true;
    this.#epoll.unregister(this.#id);
    open--;
  }
}
