import { onAbort } from '../core/abort.js';
import { exitCodeOf } from './command.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The signals that end a command early. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal = this.#controller.signal;
  /** The exit code for the signal, 130 after Ctrl-C; undefined if there was none. */
  exitCode: number | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  readonly #listener = (signal: NodeJS.Signals): void => {
    // a second signal ends the process at once
    if (this.exitCode !== undefined) process.exit(this.exitCode);
    this.exitCode = exitCodeOf(signal);
    this.#controller.abort();
  };

  /** Stops listening. */
  readonly stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  };
}

/** Settles when the command is interrupted. */
export function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => void onAbort(signal, done));
}
