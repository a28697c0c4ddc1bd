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
