import { EPOLLIN, libc } from '../../ffi/libc.js';
import { MSG_DONTWAIT } from '../constants/socket.js';
import { socketPair } from '../io/socket-pair.js';
import type { TimedEventSet } from './timed-event-set.js';

const ONE_BYTE = Buffer.of(1);
const READ_SIZE = 64;

/** Wakes a thread that waits in its own event set for messages of this one. */
export class WakeSocket {
  readonly #fds = socketPair();
  #isOpen = true;

  /** The descriptor that becomes readable in the other thread. */
  get wakefd(): number {
    return this.#fds[1];
  }

  /** Does nothing after {@link close}. */
  wake(): void {
    if (!this.#isOpen) return;
    // if its buffer is full the thread is awake
    libc().send(this.#fds[0], ONE_BYTE, 1, MSG_DONTWAIT);
  }

  /** Closes both ends, when the other thread has ended. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const fd of this.#fds) libc().close(fd);
  }
}

/** Calls a function whenever this thread is woken. @throws {IothError} */
export function onWake(events: TimedEventSet, wakefd: number, fn: () => void): void {
  const news = new Uint8Array(READ_SIZE);
  events.add(wakefd, EPOLLIN, () => {
    libc().recv(wakefd, news, READ_SIZE, MSG_DONTWAIT);
    fn();
  });
}
