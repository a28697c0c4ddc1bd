/** Limits concurrency: runs `max` tasks at once; the others wait in order. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(readonly max: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // pass the slot to the next waiting task, or free it
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
