import { EPOLL_CLOEXEC, EPOLL_CTL_DEL, errno, libc, scratch } from '../../ffi/libc.js';
import { systemError } from '../core/errors.js';

// struct epoll_event in words of 32 bits: uint32_t events; epoll_data_t data, of which only the first word is used. The
// struct is packed on x86-64 only.
export const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
export const DATA_WORD = process.arch === 'x64' ? 1 : 2;

const event = scratch(Uint32Array, EVENT_WORDS);

/** An epoll(7) set, and the callbacks of its watches. */
export class EventSet {
  protected readonly epfd: number;
  /** The callbacks by the id of the watch. */
  protected readonly callbacks = new Map<number, (events: number) => void>();
  /** The number of events of the wait whose callbacks run now. */
  protected taken = 0;
  readonly #events: Uint32Array;

  /**
   * @param maxEvents the most events that one wait takes
   * @throws {IothError} EMFILE, ENOMEM
   */
  constructor(protected readonly maxEvents: number) {
    this.#events = new Uint32Array(maxEvents * EVENT_WORDS);
    this.epfd = libc().epoll_create1(EPOLL_CLOEXEC);
    if (this.epfd < 0) throw systemError(errno(), 'epoll_create1');
  }

  /**
   * Calls epoll_ctl(2). Errors and hang-ups are always reported, until EPOLL_CTL_DEL.
   * @throws {IothError} ENOMEM, ENOSPC (fs.epoll.max_user_watches)
   */
  control(operation: number, fd: number, events: number, id: number): void {
    event[0] = events;
    event[DATA_WORD] = id;
    const failed = libc().epoll_ctl(this.epfd, operation, fd, event) < 0;
    if (failed && operation !== EPOLL_CTL_DEL) throw systemError(errno(), 'epoll_ctl');
  }

  /** Waits, and calls the callbacks of all ready descriptors. @param timeout in milliseconds @returns the number of events */
  wait(timeout: number): number {
    const events = this.#events;
    const count = libc().epoll_wait(this.epfd, events, this.maxEvents, timeout);
    this.taken = count;
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      // an earlier callback of this round may have ended the watch
      this.callbacks.get(events[at + DATA_WORD]!)?.(events[at]!);
    }
    return count;
  }
}
