import type { Clock } from '../../lib/config/clock.js';

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #now = 1000;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(seconds: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, seconds), callback };
    if (Number.isFinite(timer.at)) this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves on, calling what comes due on the way at its own time. */
  advance(seconds: number): void {
    const end = this.#now + seconds;
    for (let calls = 0; calls < 100_000; calls++) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      const next = due[0];
      if (!next) {
        this.#now = end;
        return;
      }
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    throw new Error('timers without end');
  }
}
