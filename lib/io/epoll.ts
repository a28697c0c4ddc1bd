import { EPOLL_CLOEXEC, EPOLL_CTL_DEL, errno, libc } from '../../ffi/libc.js';
import { type LoopWatcher, watchReadable } from './loop-watcher.js';

// struct epoll_event in words of 32 bits: uint32_t events; epoll_data_t data, of which the first word is used. It is
// packed on x86-64 alone.
export const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
export const DATA_WORD = process.arch === 'x64' ? 1 : 2;
const MAX_EVENTS = 256;

/** How long one turn of the loop looks for events at most: timers and others get their turn. */
const SERVE_BUDGET_MS = 1;

/** After so many second looks in a row that found nothing, only one turn in so many has one. */
const MAX_MISSED_LOOKS = 8;
const TURNS_PER_PROBE = 32;
const MIN_BUSY_SHARE = 1 / 8;
/** Two looks of a busy poll are further apart only where somebody else had the processor. */
export const PREEMPTED_MS = 0.1;
/** So many events after that are waited for asleep. */
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
 * One epoll(7) for all watches of a thread, itself watched by libuv: it costs one event of libuv's however many
 * descriptors are ready, and what becomes ready by what was done about them costs none.
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

  /** A number for {@link control}, under which `callback` gets its events. Not the descriptor's: that is used again. */
  register(callback: (events: number) => void): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    this.#callbacks.set(this.#lastId, callback);
    return this.#lastId;
  }

  unregister(id: number): void {
    this.#callbacks.delete(id);
  }

  /** epoll_ctl(2). Errors and hang-ups are always reported, until EPOLL_CTL_DEL. @throws {EpollError} */
  control(operation: number, fd: number, events: number, id: number): void {
    this.#event[0] = events;
    this.#event[DATA_WORD] = id;
    const failed = libc().epoll_ctl(this.#fd, operation, fd, this.#event) < 0;
    if (failed && operation !== EPOLL_CTL_DEL) throw new EpollError('epoll_ctl', errno());
  }

  /** Once nothing is watched any more. Returns false where it stays, for the life of its thread. */
  close(): boolean {
    if (!this.#watcher.end()) return false;
    this.#closed = true;
    libc().close(this.#fd);
    return true;
  }

  /** For callbacks: after this event the set is polled for `usecs` microseconds, before the loop sleeps. */
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
      // what was settled continues now; what it sends may be there for its receiver already
      await undefined;
      if (performance.now() >= end) {
        if (this.#busyUsecs > 0) setImmediate(() => void this.#serve());
        break;
      }
    }
    this.#isServing = false;
  }

  /** Whether the set is looked at again in this turn, after `count` events. */
  #looksAgain(count: number): boolean {
    if (this.#busyUsecs > 0) return this.#spinsFurther(count);
    // where peers are in other processes nothing is there so soon: then a second look is rarely worth its call
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
    // whoever spins where processors are few keeps its peer from answering
    if (sinceLook > PREEMPTED_MS) this.#contended = CONTENDED_EVENTS;
    if (this.#contended === 0 && now < this.#spinUntil) {
      libc().sched_yield();
      return true;
    }
    // what came too late several times is not waited for as long
    this.#busyShare = Math.max(MIN_BUSY_SHARE, this.#busyShare / 2);
    this.#busyUsecs = 0;
    return false;
  }

  /** Calls back for what is ready; returns how many events there were. */
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
