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
      // whoever does not want to wait for the end
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

  /** 130 after Ctrl-C; undefined where nothing came. */
  get exitCode(): number | undefined {
    return this.#by && EXIT_SIGNAL + constants.signals[this.#by];
  }

  /** Listens no more. */
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
