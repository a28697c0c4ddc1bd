/** Lets so many run at once; the others wait in line. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(readonly most: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // the place passes on to the next in line, or is free
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
