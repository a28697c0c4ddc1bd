/** The parts of a subcommand of `ioth`. */

import { constants } from 'node:os';

/** An option, with its line of `--help`. */
export interface OptionSpec {
  short?: string;
  /** The name of its value in the help: 'SECONDS'. An option without one takes no value. */
  value?: string;
  help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The arguments of one call of a subcommand. */
export interface Invocation {
  /** The options by their long names. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly args: readonly string[];
  /** Aborted by the first signal that ends a program. Then the command closes everything it has open. */
  readonly signal: AbortSignal;
  /** Call it when something else handles signals from here on: then `signal` does not abort. */
  readonly leaveSignals: () => void;
}

export interface Command {
  /** Its arguments: 'CONFIG HOST PORT'. */
  readonly usage: string;
  /** The least and the most arguments; undefined if the command counts them itself. */
  readonly argumentCount?: readonly [min: number, max: number];
  /** The text of its help, below the usage. */
  readonly help: string;
  readonly options: OptionSpecs;
  /** True if all arguments and options after its first argument belong to another program. Default false. */
  readonly runsProgram?: boolean;
  /** @returns the exit code, or nothing for 0 */
  run(invocation: Invocation): Promise<number> | Promise<void>;
}

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** The number that a shell adds to the signal that ended a program. */
const EXIT_SIGNAL = 128;

/** Returns the exit code that a shell gives a program that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return EXIT_SIGNAL + constants.signals[signal];
}

/** A wrong command line: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A failure whose message is complete. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly exitCode: number = EXIT_FAILED,
  ) {
    super(message);
  }
}
