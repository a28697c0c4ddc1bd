import { type ParseArgsConfig, parseArgs, types } from 'node:util';
import { type Command, type Invocation, type OptionSpec, UsageError } from './command.js';
import { table } from './terminal.js';

const HELP: OptionSpec = { short: 'h', help: 'shows this text' };

export type ParsedArguments = Pick<Invocation, 'options' | 'args'>;

/**
 * Parses the options and arguments of a subcommand; each has the option `--help`.
 * @throws {UsageError} for an unknown option, a missing value, or a value that the option does not take
 */
export function parseCommandLine(
  command: Pick<Command, 'options' | 'runsProgram'>,
  argv: readonly string[],
): ParsedArguments {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, help: HELP }).map(([name, { short, value }]) => [
      name,
      { type: value ? 'string' : 'boolean', ...(short && { short }) } as const,
    ]),
  );
  try {
    const args = command.runsProgram ? endOptions(argv, options) : argv;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { options: values as ParsedArguments['options'], args: positionals };
  } catch (error) {
    if (!types.isNativeError(error) || !String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) {
      throw error;
    }
    throw new UsageError(error.message);
  }
}

/** Ends the command's own options after its first argument: `ioth run CONFIG app.js --port 80`. */
function endOptions(argv: readonly string[], options: ParseArgsConfig['options']): readonly string[] {
  const { tokens } = parseArgs({ args: argv, options, strict: false, tokens: true });
  const first = tokens.find(({ kind }) => kind !== 'option');
  const isEnded = !first || first.kind === 'option-terminator' || argv[first.index + 1] === '--';
  return isEnded ? argv : argv.toSpliced(first.index + 1, 0, '--');
}

/** Returns the help of a subcommand: 'ioth ping'. */
export function helpText(name: string, command: Pick<Command, 'usage' | 'help' | 'options'>): string {
  const specs = Object.entries({ ...command.options, help: HELP });
  const lines = specs.map(([long, { short, value, help }]) => [
    '',
    `${short ? `-${short}, ` : '    '}--${long}${value ? ` ${value}` : ''}`,
    help,
  ]);
  const arguments_ = [name, Object.keys(command.options).length > 0 ? '[options]' : '', command.usage];
  return `Usage: ${arguments_.filter(Boolean).join(' ')}\n\n${command.help.trim()}\n\nOptions:\n${table(lines)}\n`;
}

interface NumberRange {
  min: number;
  max?: number;
  /** Whether fractions are refused. Default false. */
  isWhole?: boolean;
}

/**
 * Returns the value of an option that is a number; undefined if it was not given.
 * @throws {UsageError} if it is not a number, or is out of range
 */
export function numberOption(
  { options }: ParsedArguments,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER, isWhole = false }: NumberRange,
): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max) || (isWhole && !Number.isInteger(value))) {
    const kind = isWhole ? 'a whole number' : 'a number';
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
    throw new UsageError(`--${name} must be ${kind}, ${range}, not '${text}'`);
  }
  return value;
}

/** Returns the value of an option in seconds, as milliseconds, rounded up; undefined if it was not given. @throws {UsageError} */
export function secondsOption(parsed: ParsedArguments, name: string): number | undefined {
  const seconds = numberOption(parsed, name, { min: 0.001, max: 1_000_000 });
  return seconds === undefined ? undefined : Math.ceil(seconds * 1000);
}

/** @throws {UsageError} if `text` is not a port */
export function portArgument(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new UsageError(`the port must be a number from 0 to 65535, not '${text}'`);
  return port;
}

/** @throws {UsageError} if there are fewer or more arguments than allowed */
export function checkArgumentCount(args: readonly string[], min: number, max: number, usage: string): void {
  if (args.length < min) throw new UsageError(`too few arguments: ${usage}`);
  if (args.length > max) throw new UsageError(`too many arguments, from '${args[max]}' on: ${usage}`);
}
