/** Time, as the clients of the protocols see it: tests put their own in its place. */
export interface Clock {
  /** Seconds, from any moment on; never goes back. */
  now(): number;
  /** Calls `callback` once after `seconds` (Infinity: never), unless the returned function is called first. */
  after(seconds: number, callback: () => void): () => void;
}

/** setTimeout takes no more than 31 bits of milliseconds: 24.8 days. A lease may be longer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive. */
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

/** Pauses between retransmissions, in seconds: the first one, doubled each time up to the longest. */
export interface RetryPauses {
  first: number;
  longest: number;
}

/** One timer that is set anew for each thing that is waited for. */
export class Timer {
  #cancel = () => {};

  constructor(readonly clock: Clock) {}

  /** Takes the place of what it was set to before. */
  set(seconds: number, callback: () => void): void {
    this.#cancel();
    this.#cancel = this.clock.after(seconds, callback);
  }

  clear(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  /**
   * Sends now and again until it is set anew or cleared. Each pause is up to a tenth shorter or longer, so that clients
   * which began together do not go on together (RFC 2131 4.1, RFC 8415 15).
   */
  retransmit({ first, longest }: RetryPauses, send: () => void): void {
    let pause = first;
    const again = () => {
      // before sending: the reply to it may come at once
      this.set(pause * (0.9 + Math.random() * 0.2), again);
      pause = Math.min(pause * 2, longest);
      send();
    };
    again();
  }
}
