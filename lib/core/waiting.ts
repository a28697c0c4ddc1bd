const MIN_PAUSE_MS = 1;

/** The pauses between retries. Each is twice as long as the one before. */
export class GrowingPause {
  #next = MIN_PAUSE_MS;

  /** @param longest the longest pause in milliseconds, 100 by default */
  constructor(readonly longest = 100) {}

  /** Returns the next pause, in milliseconds. */
  take(): number {
    const pause = this.#next;
    this.#next = Math.min(pause * 2, this.longest);
    return pause;
  }
}

/** Blocks this thread. */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Waits for `promise`, at most `milliseconds`. Returns whether it settled in time. The wait keeps the process alive. */
export function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    promise.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}
