const MIN_PAUSE_MS = 1;

/** The pauses between tries that find nothing: each is twice as long as the one before. */
export class GrowingPause {
  #next = MIN_PAUSE_MS;

  /** @param longest in milliseconds */
  constructor(readonly longest = 100) {}

  /** How long to pause now, in milliseconds. */
  take(): number {
    const pause = this.#next;
    this.#next = Math.min(pause * 2, this.longest);
    return pause;
  }
}
