import koffi from 'koffi';

interface Events {
  readable: boolean;
  writable: boolean;
}

/** A watch of libuv (uv_poll_t) on a descriptor. */
export interface KoffiPollHandle {
  /** Ends the watch. Call it before the descriptor is closed. */
  close(): void;
  ref(): void;
  unref(): void;
}

// koffi declares the callback as (events), but calls it with (status, events)
type KoffiPoll = (fd: number, events: Events, callback: (status: number, events: Events) => void) => KoffiPollHandle;

/**
 * Calls `onReadable` from libuv's loop while the descriptor is readable or in error. Sets O_NONBLOCK on the descriptor.
 *
 * koffi's poll is undocumented and may change. It is used only here, and koffi is pinned to its minor version.
 */
export function pollReadable(fd: number, onReadable: (status: number) => void): KoffiPollHandle {
  return (koffi.node.poll as unknown as KoffiPoll)(fd, { readable: true, writable: false }, onReadable);
}
