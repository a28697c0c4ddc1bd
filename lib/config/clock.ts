/** Clock of the protocol clients; tests replace it. */
export interface Clock {
  /** Returns a monotonic time in seconds, from an arbitrary start. */
  now(): number;
  /** Calls `callback` once after `seconds` (Infinity: never). The returned function cancels it. */
  after(seconds: number, callback: () => void): () => void;
}

/** setTimeout takes at most 31 bits of milliseconds, 24.8 days. A lease may be longer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Clock of the machine. Its timers do not keep the process alive. */
export const realClock: Clock = {
  now: () => performance.now() / 1000,
  after(seconds, callback) {
    if (seconds === Number.POSITIVE_INFINITY) return () => {};
    const end = performance.now() + seconds * 1000;
    let timer: NodeJS.Timeout;
    const wait = () => {
      const left = Math.max(0, end - performance.now());
      timer = left > MAX_TIMEOUT_MS ? setTimeout(wait, MAX_TIMEOUT_MS) : setTimeout(callback, left);
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** Pauses between retransmissions, in seconds: the first pause, doubled each time up to the longest. */
export interface RetryPauses {
  first: number;
  longest: number;
}

/** Timer with at most one pending callback. */
export class Timer {
  #cancel = () => {};

  constructor(readonly clock: Clock) {}

  /** Sets the timer; cancels the earlier callback. */
  set(seconds: number, callback: () => void): void {
    this.#cancel();
    this.#cancel = this.clock.after(seconds, callback);
  }

  clear(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  /**
   * Sends now, then repeatedly until the timer is set again or cleared. Each pause is randomly up to a tenth shorter or
   * longer, so that clients that start together do not stay in step (RFC 2131 4.1, RFC 8415 15).
   */
  retransmit({ first, longest }: RetryPauses, send: () => void): void {
    let pause = first;
    const again = () => {
      // set the timer before sending: the reply may arrive at once
      this.set(pause * (0.9 + Math.random() * 0.2), again);
      pause = Math.min(pause * 2, longest);
      send();
    };
    again();
  }
}
