import {
  CLOCK_MONOTONIC,
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
import { EventSet } from '../io/event-set.js';

const MAX_EVENTS = 64;
const NANOSECONDS_PER_MS = 1e6;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const EXPIRATIONS_SIZE = 8;
/** For a later time the timer fires too early: a BigInt takes no infinite number. */
const MAX_TIMER_MS = 3_600_000;

/** An epoll(7) set for one thread, with a timer in nanoseconds: the timeout of epoll_wait(2) is in milliseconds. */
export class TimedEventSet extends EventSet {
  readonly #timerfd: number;
  readonly #time = new BigInt64Array(4);
  readonly #expirations = new Uint8Array(EXPIRATIONS_SIZE);
  #armedFor = Number.POSITIVE_INFINITY;

  /** @throws {IothError} EMFILE */
  constructor() {
    super(MAX_EVENTS);
    this.#timerfd = libc().timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (this.#timerfd < 0) {
      const error = systemError(errno(), 'timerfd_create');
      libc().close(this.epfd);
      throw error;
    }
    this.add(this.#timerfd, EPOLLIN, () => {
      libc().read(this.#timerfd, this.#expirations, EXPIRATIONS_SIZE);
      this.#armedFor = Number.POSITIVE_INFINITY;
    });
  }

  /** Watches a file descriptor. @param handler gets the events @throws {IothError} */
  add(fd: number, events: number, handler: (events: number) => void): void {
    this.control(EPOLL_CTL_ADD, fd, events, fd);
    this.callbacks.set(fd, handler);
  }

  /** Changes the events of a file descriptor. @throws {IothError} */
  modify(fd: number, events: number): void {
    this.control(EPOLL_CTL_MOD, fd, events, fd);
  }

  remove(fd: number): void {
    if (this.callbacks.delete(fd)) this.control(EPOLL_CTL_DEL, fd, 0, fd);
  }

  /** Makes {@link wait} return at a time, in milliseconds of performance.now(); Infinity for no such time. */
  wakeAt(time: number, now: number): void {
    // a timer that fires too early does no harm
    if (time >= this.#armedFor) return;
    this.#armedFor = time;
    const wait = Math.min(time - now, MAX_TIMER_MS);
    const nanoseconds = BigInt(Math.max(1, Math.round(wait * NANOSECONDS_PER_MS)));
    this.#time[2] = nanoseconds / NANOSECONDS_PER_SECOND;
    this.#time[3] = nanoseconds % NANOSECONDS_PER_SECOND;
    libc().timerfd_settime(this.#timerfd, 0, this.#time, null);
  }

  close(): void {
    libc().close(this.#timerfd);
    libc().close(this.epfd);
  }
}
