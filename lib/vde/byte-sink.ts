import { finished, type Writable } from 'node:stream';

const CHUNK_SIZE = 64 * 1024;

/** Bytes for a stream, or for memory, gathered in chunks. */
export class ByteSink {
  #chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE);
  #used = 0;
  readonly #kept: Buffer[] = [];
  readonly #target: Writable | undefined;
  #isFull = false;
  #isEnded = false;
  #error: Error | undefined;

  constructor(target: Writable | undefined) {
    this.#target = target;
    // the error of a stream that nobody listens to would end the process: flush and end report it
    target?.on('error', (error) => {
      this.#error ??= error;
    });
  }

  /** Room for `length` bytes, which the caller fills at once. */
  reserve(length: number): { chunk: Buffer; at: number } {
    if (this.#used + length > this.#chunk.length) {
      this.#pass();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_SIZE, length));
    }
    const at = this.#used;
    this.#used += length;
    return { chunk: this.#chunk, at };
  }

  /** Passes on what the chunk holds; the rest of it is for what follows. */
  #pass(): void {
    if (this.#used === 0) return;
    const bytes = this.#chunk.subarray(0, this.#used);
    this.#chunk = this.#chunk.subarray(this.#used);
    this.#used = 0;
    if (!this.#target) this.#kept.push(bytes);
    else if (!this.#error && !this.#target.destroyed && !this.#target.writableEnded)
      this.#isFull = !this.#target.write(bytes);
  }

  async flush(): Promise<void> {
    const target = this.#target;
    if (target) this.#pass();
    if (target && this.#isFull && !this.#error && !target.destroyed) {
      await new Promise<void>((resolve) => {
        const settle = () => {
          for (const event of ['drain', 'error', 'close']) target.off(event, settle);
          resolve();
        };
        for (const event of ['drain', 'error', 'close']) target.on(event, settle);
      });
      this.#isFull = false;
    }
    this.#throwFailure();
  }

  async end(): Promise<void> {
    this.#pass();
    const target = this.#target;
    if (target && !this.#isEnded && !this.#error && !target.destroyed) {
      this.#isEnded = true;
      await new Promise<void>((resolve) => {
        finished(target, { readable: false }, () => resolve());
        target.end();
      });
    }
    this.#isEnded = true;
    this.#throwFailure();
  }

  #throwFailure(): void {
    const target = this.#target;
    if (this.#error) throw this.#error;
    if (target?.destroyed && !target.writableFinished)
      throw new Error('the stream was destroyed before all was written');
  }

  /** What memory holds. */
  toBuffer(): Buffer {
    if (!this.#target) this.#pass();
    return Buffer.concat(this.#kept);
  }
}
