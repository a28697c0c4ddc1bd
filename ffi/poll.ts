import koffi from 'koffi';

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

let open = 0;

/** How many poll handles are open in this process: a figure for leak tests. */
export function openPollHandles(): number {
  return open;
}

/**
 * libuv's watch on one descriptor (uv_poll_t), for as long as the descriptor is open.
 *
 * Opening it sets O_NONBLOCK on the descriptor. Close it before the descriptor: the number is used again at once.
 *
 * It never keeps the process alive by itself. The callback runs in libuv's poll phase, outside any JavaScript frame: what it throws is lost, so it must not throw,
 * and the promises that it settles go on in the check phase of the same turn of the loop.
 */
export class PollHandle {
  readonly #onEvents: KoffiCallback;
  readonly #handle: KoffiPollHandle;
  #watched: number;

  /** @param callback gets a mask of READABLE and WRITABLE; a descriptor in error is both */
  constructor(fd: number, mask: number, callback: (mask: number) => void) {
    this.#onEvents = (status, events) => {
      // on POLLERR libuv stops the watch by itself
      if (status < 0) this.#watched = 0;
      callback(status < 0 ? BOTH : (events.readable ? READABLE : 0) | (events.writable ? WRITABLE : 0));
    };
    this.#watched = mask;
    this.#handle = (koffi.node.poll as unknown as KoffiPoll)(fd, eventsOf(mask), this.#onEvents);
    this.#handle.unref();
    open++;
  }

  /** What is watched now: a mask of READABLE and WRITABLE. */
  get watched(): number {
    return this.#watched;
  }

  /** Watches exactly `mask` from now on; 0 stops. Costs a system call or two when it changes something. */
  watch(mask: number): void {
    if (mask === this.#watched) return;
    this.#watched = mask;
    if (mask === 0) this.#handle.stop();
    else this.#handle.start(eventsOf(mask), this.#onEvents);
  }

  close(): void {
    this.#watched = 0;
    this.#handle.close();
    open--;
  }
}

function eventsOf(mask: number): { readable: boolean; writable: boolean } {
  return { readable: (mask & READABLE) !== 0, writable: (mask & WRITABLE) !== 0 };
}
