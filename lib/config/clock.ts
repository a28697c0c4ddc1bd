/** Time, as the clients of the protocols see it: tests put their own in its place. */
export interface Clock {
  /** Seconds, from any moment on; never goes back. */
  now(): number;
  /** Calls `callback` once after `seconds` (Infinity: never), unless the function that it answers is called first. */
  after(seconds: number, callback: () => void): () => void;
}

/** setTimeout takes no more than 31 bits of milliseconds: 24.8 days. A lease may be longer. */
const LONGEST = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive. */
export const realClock: Clock = {
  now: () => performance.now() / 1000,
  after(seconds, callback) {
    if (seconds === Number.POSITIVE_INFINITY) return () => {};
    const end = performance.now() + seconds * 1000;
    let timer: NodeJS.Timeout;
    const wait = () => {
      const left = Math.max(0, end - performance.now());
      timer = left > LONGEST ? setTimeout(wait, LONGEST) : setTimeout(callback, left);
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** A pause that grows by doubling up to `longest`, each time up to a tenth shorter or longer (RFC 2131 4.1, RFC 8415 15). */
export class Backoff {
  #next: number;

  constructor(
    readonly first: number,
    readonly longest: number,
  ) {
    this.#next = first;
  }

  /** Seconds. */
  next(): number {
    const pause = this.#next * (0.9 + Math.random() * 0.2);
    this.#next = Math.min(this.#next * 2, this.longest);
    return pause;
  }
}
