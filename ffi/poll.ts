import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, Epoll } from './epoll.js';

// koffi declares the callback as (events); it calls it with (status, events). This file alone knows.
type KoffiCallback = (status: number, events: { readable: boolean; writable: boolean }) => void;
interface KoffiPollHandle {
  start(events: { readable: boolean; writable: boolean }, callback: KoffiCallback): void;
  stop(): void;
  close(): void;
  unref(): void;
}
type KoffiPoll = (
  fd: number,
  events: { readable: boolean; writable: boolean },
  callback: KoffiCallback,
) => KoffiPollHandle;

export const READABLE = 1;
export const WRITABLE = 2;
const BOTH = READABLE | WRITABLE;
export type Direction = typeof READABLE | typeof WRITABLE;

const open = new Set<PollHandle>();

/** How many poll handles are open in this thread: a figure for leak tests. */
export function openPollHandles(): number {
  return open.size;
}

// While Node takes its environment down it runs the loop once more: an event that koffi delivers then, when no JavaScript
// can run, aborts the process.
process.once('exit', () => {
  for (const handle of open) handle.close();
});

/** A watch on one descriptor: libuv's, or an entry of a worker's epoll. */
interface Watch {
  start(mask: number): void;
  stop(): void;
  close(): void;
}

/**
 * The watch on one descriptor (uv_poll_t), for as long as the descriptor is open.
 *
 * Opening it sets O_NONBLOCK on the descriptor. Close it before the descriptor: the number is used again at once.
 *
 * It never keeps the process alive by itself. The callback runs in libuv's poll phase, outside any JavaScript frame: what
 * it throws is lost, so it must not throw, and the promises that it settles go on in the check phase of the same turn of
 * the loop.
 */
export class PollHandle {
  readonly #watch: Watch;
  #watched: number;

  /** @param callback gets a mask of READABLE and WRITABLE; a descriptor in error is both */
  constructor(fd: number, mask: number, callback: (mask: number) => void) {
    this.#watched = mask;
    const onReady = (ready: number, isError: boolean) => {
      // on POLLERR libuv stops the watch by itself
      if (isError) this.#watched = 0;
      callback(isError ? BOTH : ready);
    };
    const epoll = isMainThread ? undefined : epollOfThisThread();
    this.#watch = epoll ? new EpollWatch(epoll, fd, mask, onReady) : new LibuvWatch(fd, mask, onReady);
    open.add(this);
  }

  /** What is watched now: a mask of READABLE and WRITABLE. */
  get watched(): number {
    return this.#watched;
  }

  /** Watches exactly `mask` from now on; 0 stops. Costs a system call or two when it changes something. */
  watch(mask: number): void {
    if (mask === this.#watched || !open.has(this)) return;
    this.#watched = mask;
    if (mask === 0) this.#watch.stop();
    else this.#watch.start(mask);
  }

  /** Ends the watch for good. Closing twice is fine. */
  close(): void {
    if (!open.delete(this)) return;
    this.#watched = 0;
    this.#watch.close();
  }
}

type OnReady = (mask: number, isError: boolean) => void;

class LibuvWatch implements Watch {
  readonly #handle: KoffiPollHandle;
  readonly #onEvents: KoffiCallback;

  constructor(fd: number, mask: number, onReady: OnReady) {
    this.#onEvents = (status, events) =>
      onReady((events.readable ? READABLE : 0) | (events.writable ? WRITABLE : 0), status < 0);
    this.#handle = (koffi.node.poll as unknown as KoffiPoll)(fd, eventsOf(mask), this.#onEvents);
    this.#handle.unref();
  }

  start(mask: number): void {
    this.#handle.start(eventsOf(mask), this.#onEvents);
  }

  stop(): void {
    this.#handle.stop();
  }

  close(): void {
    this.#handle.close();
  }
}

function eventsOf(mask: number): { readable: boolean; writable: boolean } {
  return { readable: (mask & READABLE) !== 0, writable: (mask & WRITABLE) !== 0 };
}

class EpollWatch implements Watch {
  #mask: number;

  constructor(
    readonly epoll: Epoll,
    readonly fd: number,
    mask: number,
    onReady: OnReady,
  ) {
    this.#mask = mask;
    epoll.add(fd, epollEventsOf(mask), (events) => {
      if (events & EPOLLERR) this.stop();
      const ready = (events & EPOLLIN ? READABLE : 0) | (events & EPOLLOUT ? WRITABLE : 0);
      onReady(events & EPOLLHUP ? ready | this.#mask : ready, (events & EPOLLERR) !== 0);
    });
  }

  start(mask: number): void {
    if (this.#mask === 0) this.epoll.resume(this.fd, epollEventsOf(mask));
    else this.epoll.change(this.fd, epollEventsOf(mask));
    this.#mask = mask;
  }

  stop(): void {
    if (this.#mask !== 0) this.epoll.pause(this.fd);
    this.#mask = 0;
  }

  close(): void {
    this.stop();
    this.epoll.forget(this.fd);
  }
}

function epollEventsOf(mask: number): number {
  return (mask & READABLE ? EPOLLIN : 0) | (mask & WRITABLE ? EPOLLOUT : 0);
}

let threadsEpoll: Epoll | undefined;
let hasNoEpoll = false;

function epollOfThisThread(): Epoll | undefined {
  if (hasNoEpoll) return undefined;
  try {
    threadsEpoll ??= new Epoll();
  } catch {
    // libuv's watch does it too, but for worker.terminate()
    hasNoEpoll = true;
  }
  return threadsEpoll;
}
