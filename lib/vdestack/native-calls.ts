import { setTimeout as delay } from 'node:timers/promises';

/** A call of C that takes longer than this never returns. */
const NATIVE_CALL_LIMIT_MS = 30_000;

/** The calls of C that use a stack directly, on threads of their own. */
export class NativeCalls {
  #running = 0;
  #onEnd: (() => void) | undefined;

  get areRunning(): boolean {
    return this.#running > 0;
  }

  begin(): void {
    this.#running++;
  }

  end(): void {
    if (--this.#running === 0) this.#onEnd?.();
  }

  /** Waits until no call runs: the stack's memory must not be freed before. */
  async ended(): Promise<void> {
    if (!this.areRunning) return;
    const last = new Promise<void>((done) => {
      this.#onEnd = done;
    });
    await Promise.race([last, delay(NATIVE_CALL_LIMIT_MS, undefined, { ref: false })]);
  }
}
