/** What a subcommand of `ioth` is, for the frame that runs it. */

/** An option, as node:util's parseArgs takes it, and its line of `--help`. */
export interface OptionSpec {
  type: 'boolean' | 'string';
  short?: string;
  /** What stands for its value in the help: 'SECONDS'. */
  value?: string;
  help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** How a subcommand was called. */
export interface Invocation {
  /** The options by their long names. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly args: readonly string[];
  /** Aborted by the first signal that ends a program; the command ends what it has open then. */
  readonly signal: AbortSignal;
}

export interface Command {
  /** Its arguments: 'CONFIG HOST PORT'. */
  readonly usage: string;
  /** The text of its help, below the usage. */
  readonly help: string;
  readonly options: OptionSpecs;
  /** After so many arguments all that follows is another program's, options too. */
  readonly ownArguments?: number;
  /** It takes care of signals by itself: `signal` never aborts. */
  readonly handlesSignals?: boolean;
  /** @returns the exit code; 0 where it is missing */
  run(invocation: Invocation): Promise<number | undefined>;
}

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** What a shell adds to the number of a signal that ended a program. */
export const EXIT_SIGNAL = 128;

/** A command line that makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something that did not work out, in words that need nothing added: exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
