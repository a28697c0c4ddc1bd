import { constants } from 'node:os';
import { EXIT_SIGNAL } from './command.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The signals that end a command early. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #stop: () => void;
  #by: NodeJS.Signals | undefined;

  constructor() {
    const listener = (signal: NodeJS.Signals) => {
      // a second signal ends the process at once
      if (this.#by) process.exit(EXIT_SIGNAL + constants.signals[this.#by]);
      this.#interrupt(signal);
    };
    for (const signal of SIGNALS) process.on(signal, listener);
    this.#stop = () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code for the signal, 130 after Ctrl-C; undefined if there was none. */
  get exitCode(): number | undefined {
    return this.#by && EXIT_SIGNAL + constants.signals[this.#by];
  }

  /** Stops listening. */
  stop(): void {
    this.#stop();
  }

  #interrupt(signal: NodeJS.Signals): void {
    this.#by = signal;
    this.#controller.abort();
  }
}

/** Settles when the command is interrupted. */
export function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
