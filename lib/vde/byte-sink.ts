import { finished, type Writable } from 'node:stream';
import { onAbort } from '../core/abort.js';
import { IothError } from '../core/errors.js';

const CHUNK_SIZE = 64 * 1024;
/** The longest wait at the end for a target that accepts no data, in milliseconds. */
const STALL_MS = 5000;
const LOOK_INTERVAL_MS = 100;

/** A buffer of bytes for a stream or for memory, gathered in chunks. */
export class ByteSink {
  #chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE);
  #used = 0;
  readonly #kept: Buffer[] = [];
  readonly #target: Writable | undefined;
  #isFull = false;
  #end: Promise<void> | undefined;
  #hasStalled = false;
  #error: Error | undefined;

  constructor(target: Writable | undefined) {
    this.#target = target;
    // without a listener the error of a stream would end the process: flush and end report it
    target?.on('error', (error) => {
      this.#error ??= error;
    });
  }

  /** Returns room for `length` bytes, which the caller must fill at once. */
  reserve(length: number): { chunk: Buffer; at: number } {
    if (this.#used + length > this.#chunk.length) {
      this.#pass();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_SIZE, length));
    }
    const at = this.#used;
    this.#used += length;
    return { chunk: this.#chunk, at };
  }

  /** Passes on the bytes in the chunk. The rest of the chunk is used for later bytes. */
  #pass(): void {
    if (this.#used === 0) return;
    const bytes = this.#chunk.subarray(0, this.#used);
    this.#chunk = this.#chunk.subarray(this.#used);
    this.#used = 0;
    if (!this.#target) this.#kept.push(bytes);
    else if (!this.#error && !this.#target.destroyed && !this.#target.writableEnded) this.#write(this.#target, bytes);
  }

  #write(target: Writable, bytes: Buffer): void {
    try {
      this.#isFull = !target.write(bytes);
    } catch (error) {
      // such a stream never calls back, and would never finish
      this.#error ??= error as Error;
      target.destroy();
    }
  }

  /**
   * Passes on all bytes, and waits until the target accepts more.
   * @param stopping once it is aborted, a target that accepts no data is waited for {@link STALL_MS}
   */
  async flush(stopping?: AbortSignal): Promise<void> {
    const target = this.#target;
    if (target) this.#pass();
    if (target && this.#isFull && !this.#error && !target.destroyed) {
      await this.#settled(target, stopping, (settle) => {
        for (const event of ['drain', 'error', 'close']) target.on(event, settle);
        return () => {
          for (const event of ['drain', 'error', 'close']) target.off(event, settle);
        };
      });
      this.#isFull = false;
    }
    this.#throwFailure();
  }

  end(): Promise<void> {
    this.#end ??= this.#endTarget();
    return this.#end;
  }

  async #endTarget(): Promise<void> {
    this.#pass();
    const target = this.#target;
    if (target && !this.#error && !target.destroyed) {
      try {
        await this.#settled(target, AbortSignal.abort(), (settle) => {
          const stop = finished(target, { readable: false }, settle);
          target.end();
          return stop;
        });
      } catch (error) {
        this.#error ??= error as Error;
        target.destroy();
      }
    }
    this.#throwFailure();
  }

  /**
   * Waits until `listen` calls its argument.
   * @param listen returns a function that stops it
   * @throws {IothError} ETIMEDOUT
   */
  #settled(
    target: Writable,
    stopping: AbortSignal | undefined,
    listen: (settle: () => void) => () => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const undo: (() => void)[] = [];
      const finish = (error?: Error) => {
        for (const each of undo.splice(0)) each();
        if (error) reject(error);
        else resolve();
      };
      undo.push(listen(() => finish()));
      if (stopping) undo.push(onAbort(stopping, () => undo.push(this.#whenStalled(target, () => finish(stalled())))));
    });
  }

  /** Calls `then` when the target has accepted no data for {@link STALL_MS}. Returns a function that stops it. */
  #whenStalled(target: Writable, then: () => void): () => void {
    let [left, since] = [target.writableLength, performance.now()];
    const timer = setInterval(() => {
      const now = performance.now();
      if (target.writableLength < left) {
        since = now;
        this.#hasStalled = false;
      }
      left = target.writableLength;
      if (now - since < (this.#hasStalled ? 0 : STALL_MS)) return;
      this.#hasStalled = true;
      then();
    }, LOOK_INTERVAL_MS);
    return () => clearInterval(timer);
  }

  #throwFailure(): void {
    const target = this.#target;
    if (this.#error) throw this.#error;
    if (target?.destroyed && !target.writableFinished)
      throw new Error('the stream was destroyed before all data was written');
  }

  /** Returns the bytes in memory. */
  toBuffer(): Buffer {
    if (!this.#target) this.#pass();
    return Buffer.concat(this.#kept);
  }
}

function stalled(): IothError {
  return new IothError('ETIMEDOUT', { syscall: 'write', hint: `the target accepted no data for ${STALL_MS / 1000} s` });
}
