import { type Command, EXIT_OK, EXIT_USAGE } from './command.js';
import { COMMANDS, type CommandEntry } from './commands.js';
import { failureOf, report } from './failure.js';
import { Interruption } from './interruption.js';
import { packageVersion } from './package.js';
import { checkArgumentCount, helpText, parseCommandLine } from './parse.js';
import { noSuch } from './suggest.js';
import { print, printError, table } from './terminal.js';

const HELP = `Usage: ioth COMMAND [options] [arguments]

Commands:
${table(Object.entries(COMMANDS).map(([name, { summary }]) => ['', name, summary]))}

'ioth COMMAND --help' shows the options of a command.

CONFIG describes a stack, as for ioth_newstackc(3): 'stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.2/24'. If it begins
with a network, the stack is a vdestack: 'vde:///tmp/sw,eth,dhcp'. The name of a plugin is a stack without a network: 'kernel'.

Options:
  -h, --help     shows this text
  -V, --version  shows the version
`;

/**
 * Runs `ioth` with these arguments.
 * @returns the exit code: 0 for success, 1 for a failure, 2 for a wrong command line, 128 plus the number of a signal
 */
export async function dispatch(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    printError(HELP.trimEnd());
    return EXIT_USAGE;
  }
  if (first === '--version' || first === '-V') {
    print(packageVersion());
    return EXIT_OK;
  }
  const asksHelp = first === '--help' || first === '-h' || first === 'help';
  const name = asksHelp ? rest[0] : first;
  if (name === undefined) {
    print(HELP.trimEnd());
    return EXIT_OK;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) return unknownCommand(name);
  return runCommand(name, entry, asksHelp ? ['--help'] : rest);
}

function unknownCommand(name: string): number {
  const kind = name.startsWith('-') ? 'option' : 'command';
  report('ioth', noSuch(kind, name, Object.keys(COMMANDS)), "see 'ioth --help'");
  return EXIT_USAGE;
}

async function runCommand(name: string, entry: CommandEntry, argv: readonly string[]): Promise<number> {
  try {
    const { command } = await entry.load();
    const parsed = parseCommandLine(command, argv);
    if (parsed.options.help) {
      print(helpText(`ioth ${name}`, command).trimEnd());
      return EXIT_OK;
    }
    if (command.argumentCount) checkArgumentCount(parsed.args, ...command.argumentCount, command.usage);
    return await runInterruptible(command, parsed);
  } catch (error) {
    return reportFailure(name, error);
  }
}

async function runInterruptible(command: Command, parsed: ReturnType<typeof parseCommandLine>): Promise<number> {
  const interruption = new Interruption();
  const { signal, stop: leaveSignals } = interruption;
  try {
    const code = await command.run({ ...parsed, signal, leaveSignals });
    return interruption.exitCode ?? code ?? EXIT_OK;
  } catch (error) {
    // an error after the interruption is not a failure
    if (interruption.exitCode !== undefined) return interruption.exitCode;
    throw error;
  } finally {
    leaveSignals();
  }
}

function reportFailure(name: string, error: unknown): number {
  const { message, exitCode, isForDoctor } = failureOf(error);
  const advice = isForDoctor ? "run 'ioth doctor' to check this machine" : undefined;
  report(`ioth ${name}`, message, exitCode === EXIT_USAGE ? `see 'ioth ${name} --help'` : advice);
  return exitCode;
}
