import { EPOLL_CLOEXEC, EPOLL_CTL_DEL, errno, libc } from '../../ffi/libc.js';
import { type LoopWatcher, watchReadable } from './loop-watcher.js';

// struct epoll_event in words of 32 bits: uint32_t events; epoll_data_t data, of which only the first word is used. The
// struct is packed on x86-64 only.
export const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
export const DATA_WORD = process.arch === 'x64' ? 1 : 2;
const MAX_EVENTS = 256;

/** The longest time that one turn of the event loop polls, so that timers and other work run. */
const SERVE_BUDGET_MS = 1;

/** After this many second polls in a row without an event, only one turn in TURNS_PER_PROBE polls a second time. */
const MAX_MISSED_LOOKS = 8;
const TURNS_PER_PROBE = 32;
const MIN_BUSY_SHARE = 1 / 8;
/** The longest time between two polls of a busy poll, in milliseconds. A longer gap means that another process had the CPU. */
export const PREEMPTED_MS = 0.1;
/** The number of events after such a gap that are waited for without busy polling. */
const CONTENDED_EVENTS = 64;

/** A failed call of epoll(7): EMFILE, ENOMEM, ENOSPC (fs.epoll.max_user_watches). */
export class EpollError extends Error {
  constructor(
    readonly syscall: string,
    readonly errno: number,
  ) {
    super(`${syscall}: errno ${errno}`);
  }
}

/**
 * One epoll(7) for all watches of a thread, which libuv watches in turn. All ready descriptors together cost one event of
 * libuv. Descriptors that become ready because of the callbacks cost none.
 */
export class Epoll {
  readonly #fd: number;
  readonly #watcher: LoopWatcher;
  readonly #callbacks = new Map<number, (events: number) => void>();
  readonly #event = new Uint32Array(EVENT_WORDS);
  readonly #events = new Uint32Array(MAX_EVENTS * EVENT_WORDS);
  #lastId = 0;
  #isServing = false;
  #turns = 0;
  #missedLooks = 0;
  #busyUsecs = 0;
  #busyShare = 1;
  #spinUntil = 0;
  #lastLook = 0;
  #contended = 0;
  #closed = false;

  /** @throws {EpollError} */
  constructor() {
    this.#fd = libc().epoll_create1(EPOLL_CLOEXEC);
    if (this.#fd < 0) throw new EpollError('epoll_create1', errno());
    this.#watcher = watchReadable(this.#fd, () => void this.#serve());
  }

  /** Returns an id for {@link control}, whose events `callback` gets. It is not the descriptor's number, which is reused. */
  register(callback: (events: number) => void): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    this.#callbacks.set(this.#lastId, callback);
    return this.#lastId;
  }

  unregister(id: number): void {
    this.#callbacks.delete(id);
  }

  /** Calls epoll_ctl(2). Errors and hang-ups are always reported, until EPOLL_CTL_DEL. @throws {EpollError} */
  control(operation: number, fd: number, events: number, id: number): void {
    this.#event[0] = events;
    this.#event[DATA_WORD] = id;
    const failed = libc().epoll_ctl(this.#fd, operation, fd, this.#event) < 0;
    if (failed && operation !== EPOLL_CTL_DEL) throw new EpollError('epoll_ctl', errno());
  }

  /** Closes the set. Call it when nothing is watched. Returns false if the set stays open until its thread ends. */
  close(): boolean {
    if (!this.#watcher.end()) return false;
    this.#closed = true;
    libc().close(this.#fd);
    return true;
  }

  /** Busy polls for `usecs` microseconds after this event, before the loop sleeps. For callbacks. */
  busyPoll(usecs: number): void {
    this.#busyUsecs = Math.max(this.#busyUsecs, usecs);
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    const end = performance.now() + SERVE_BUDGET_MS;
    this.#turns++;
    for (let look = 0; ; look++) {
      const count = this.#dispatch();
      if (this.#closed) break;
      if (look === 1 && this.#busyUsecs === 0) this.#missedLooks = count > 0 ? 0 : this.#missedLooks + 1;
      if (!this.#looksAgain(count)) break;
      // settled promises continue now; what they send may already be there for its receiver
      await undefined;
      if (performance.now() >= end) {
        if (this.#busyUsecs > 0) setImmediate(() => void this.#serve());
        break;
      }
    }
    this.#isServing = false;
  }

  /** Returns whether to poll again in this turn, after `count` events. */
  #looksAgain(count: number): boolean {
    if (this.#busyUsecs > 0) return this.#spinsFurther(count);
    // peers in other processes do not answer that soon: then a second poll is rarely worth its system call
    const isWorthIt =
      this.#missedLooks < MAX_MISSED_LOOKS || this.#turns % TURNS_PER_PROBE === 0 || count === MAX_EVENTS;
    return count > 0 && isWorthIt;
  }

  #spinsFurther(count: number): boolean {
    const now = performance.now();
    const sinceLook = now - this.#lastLook;
    this.#lastLook = now;
    if (count > 0) {
      if (this.#contended > 0) this.#contended--;
      this.#busyShare = Math.min(1, this.#busyShare * 2);
      this.#spinUntil = now + (this.#busyUsecs / 1000) * this.#busyShare;
      return true;
    }
    // with few CPUs, busy polling keeps the peer from answering
    if (sinceLook > PREEMPTED_MS) this.#contended = CONTENDED_EVENTS;
    if (this.#contended === 0 && now < this.#spinUntil) {
      libc().sched_yield();
      return true;
    }
    // back off when events rarely arrive in time
    this.#busyShare = Math.max(MIN_BUSY_SHARE, this.#busyShare / 2);
    this.#busyUsecs = 0;
    return false;
  }

  /** Calls the callbacks of all ready descriptors; returns the number of events. */
  #dispatch(): number {
    if (this.#closed) return 0;
    const events = this.#events;
    const count = libc().epoll_wait(this.#fd, events, MAX_EVENTS, 0);
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      this.#callbacks.get(events[at + DATA_WORD]!)?.(events[at]!);
    }
    return count;
  }
}
