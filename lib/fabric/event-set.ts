import {
  CLOCK_MONOTONIC,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  errno,
  libc,
  TFD_CLOEXEC,
  TFD_NONBLOCK,
} from '../../ffi/libc.js';
import { systemError } from '../core/errors.js';
import { DATA_WORD, EVENT_WORDS } from '../io/epoll.js';

const MAX_EVENTS = 64;
const NANOSECONDS_PER_MS = 1e6;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const EXPIRATIONS_SIZE = 8;

/** An epoll(7) set for one thread, with a timer in nanoseconds: the timeout of epoll_wait(2) is in milliseconds. */
export class EventSet {
  readonly #epfd: number;
  readonly #timerfd: number;
  readonly #handlers = new Map<number, (events: number) => void>();
  readonly #event = new Uint32Array(EVENT_WORDS);
  readonly #events = new Uint32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #time = new BigInt64Array(4);
  readonly #expirations = new Uint8Array(EXPIRATIONS_SIZE);
  #armedFor = Number.POSITIVE_INFINITY;

  /** @throws {IothError} EMFILE */
  constructor() {
    this.#epfd = libc().epoll_create1(EPOLL_CLOEXEC);
    if (this.#epfd < 0) throw systemError(errno(), 'epoll_create1');
    this.#timerfd = libc().timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (this.#timerfd < 0) {
      const error = systemError(errno(), 'timerfd_create');
      libc().close(this.#epfd);
      throw error;
    }
    this.add(this.#timerfd, EPOLLIN, () => {
      libc().read(this.#timerfd, this.#expirations, EXPIRATIONS_SIZE);
      this.#armedFor = Number.POSITIVE_INFINITY;
    });
  }

  /** Watches a file descriptor. @param handler gets the events @throws {IothError} */
  add(fd: number, events: number, handler: (events: number) => void): void {
    this.#control(EPOLL_CTL_ADD, fd, events);
    this.#handlers.set(fd, handler);
  }

  /** Changes the events of a file descriptor. @throws {IothError} */
  modify(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  remove(fd: number): void {
    if (!this.#handlers.delete(fd)) return;
    libc().epoll_ctl(this.#epfd, EPOLL_CTL_DEL, fd, this.#event);
  }

  #control(operation: number, fd: number, events: number): void {
    this.#event[0] = events;
    this.#event[DATA_WORD] = fd;
    if (libc().epoll_ctl(this.#epfd, operation, fd, this.#event) < 0) throw systemError(errno(), 'epoll_ctl');
  }

  /** Makes {@link wait} return at a time, in milliseconds of performance.now(); Infinity for no such time. */
  wakeAt(time: number, now: number): void {
    // a timer that fires too early does no harm
    if (time >= this.#armedFor) return;
    this.#armedFor = time;
    const nanoseconds = BigInt(Math.max(1, Math.round((time - now) * NANOSECONDS_PER_MS)));
    this.#time[2] = nanoseconds / NANOSECONDS_PER_SECOND;
    this.#time[3] = nanoseconds % NANOSECONDS_PER_SECOND;
    libc().timerfd_settime(this.#timerfd, 0, this.#time, null);
  }

  /** Waits, and calls the handlers of the file descriptors that are ready. @param timeout in milliseconds */
  wait(timeout: number): void {
    const count = libc().epoll_wait(this.#epfd, this.#events, MAX_EVENTS, timeout);
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      // an earlier handler of this round may have removed it
      this.#handlers.get(this.#events[at + DATA_WORD]!)?.(this.#events[at]!);
    }
  }

  close(): void {
    libc().close(this.#timerfd);
    libc().close(this.#epfd);
  }
}
