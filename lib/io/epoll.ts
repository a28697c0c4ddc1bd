import { libc } from '../../ffi/libc.js';
import { EventSet } from './event-set.js';
import { type EndWatch, watchReadable } from './loop-watcher.js';

const MAX_EVENTS = 256;

/** The longest time that one turn of the event loop polls, so that timers and other work run. */
const SERVE_BUDGET_MS = 1;
/** How many events are served between two looks at the clock, which take as long as a short callback. */
const EVENTS_PER_CHECK = 4;

/** After this many second polls in a row without an event, only one turn in TURNS_PER_PROBE polls a second time. */
const MAX_MISSED_LOOKS = 8;
const TURNS_PER_PROBE = 32;
const MIN_BUSY_SHARE = 1 / 8;
/** The longest time between two polls of a busy poll, in milliseconds. A longer gap means that another process had the CPU. */
export const PREEMPTED_MS = 0.1;
/** The number of events after such a gap that are waited for without busy polling. */
const CONTENDED_EVENTS = 64;

/**
 * One epoll(7) for all watches of a thread, which libuv watches in turn. All ready descriptors together cost one event of
 * libuv. Descriptors that become ready because of the callbacks cost none.
 */
export class Epoll extends EventSet {
  readonly #endWatch: EndWatch;
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

  /** @throws {IothError} EMFILE, ENOMEM */
  constructor() {
    super(MAX_EVENTS);
    this.#endWatch = watchReadable(this.epfd, () => void this.#serve());
  }

  /** Returns an id for {@link control}, whose events `callback` gets. It is not the descriptor's number, which is reused. */
  register(callback: (events: number) => void): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    this.callbacks.set(this.#lastId, callback);
    return this.#lastId;
  }

  unregister(id: number): void {
    this.callbacks.delete(id);
  }

  /** Closes the set. Call it when nothing is watched. Returns false if the set stays open until its thread ends. */
  close(): boolean {
    if (!this.#endWatch()) return false;
    this.#closed = true;
    libc().close(this.epfd);
    return true;
  }

  /** Busy polls for `usecs` microseconds after this event, before the loop sleeps. For callbacks. */
  busyPoll(usecs: number): void {
    this.#busyUsecs = Math.max(this.#busyUsecs, usecs);
  }

  /** True if the event of the callback that runs now came alone, and others rarely follow it: the set gains nothing then. */
  get isLone(): boolean {
    return this.taken === 1 && this.#missedLooks >= MAX_MISSED_LOOKS && this.#busyUsecs === 0;
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    let unchecked = 0;
    let end: number | undefined;
    this.#turns++;
    for (let look = 0; !this.#closed; look++) {
      const count = this.wait(0);
      if (this.#closed) break;
      if (look === 1 && this.#busyUsecs === 0) this.#missedLooks = count > 0 ? 0 : this.#missedLooks + 1;
      if (!this.#looksAgain(count)) break;
      // settled promises continue now; what they send may already be there for its receiver
      await undefined;
      unchecked += count;
      if (count > 0 && unchecked < EVENTS_PER_CHECK) continue;
      unchecked = 0;
      const now = performance.now();
      end ??= now + SERVE_BUDGET_MS;
      if (now >= end) {
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
}
