import { setTimeout as delay } from 'node:timers/promises';

/** A call of C that did not return after so long never will. */
const NATIVE_CALL_LIMIT_MS = 30_000;

/** The calls of C that work on a stack by themselves, on threads of their own. */
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

  /** When none runs any more: what they work with would be freed. */
  async ended(): Promise<void> {
    if (!this.areRunning) return;
    const last = new Promise<void>((done) => {
      this.#onEnd = done;
    });
    await Promise.race([last, delay(NATIVE_CALL_LIMIT_MS, undefined, { ref: false })]);
  }
}
