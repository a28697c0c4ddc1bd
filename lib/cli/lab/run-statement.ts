import { UsageError } from '../command.js';
import { checkArgumentCount, helpText, parseCommandLine } from '../parse.js';
import { noSuch } from '../suggest.js';
import { print, table } from '../terminal.js';
import { hostNames, type LabCommand, type Session } from './command.js';
import { cut, down, heal, move, partition, reset, restart, set, up } from './commands/faults.js';
import { capture, dump } from './commands/frames.js';
import { intercept } from './commands/intercept.js';
import { afterWords, exec, runProgram } from './commands/program.js';
import { links, nat, stats } from './commands/state.js';
import { iperf, pingall } from './commands/traffic.js';
import type { Statement } from './statements.js';

/** The commands at the prompt, in the order of `.help`. */
export const LAB_COMMANDS: Readonly<Record<string, LabCommand>> = {
  exec,
  pingall,
  iperf,
  links,
  stats,
  nat,
  set,
  reset,
  cut,
  partition,
  heal,
  intercept,
  down,
  up,
  restart,
  move,
  capture,
  dump,
};

export function commandNamed(name: string): LabCommand | undefined {
  return Object.hasOwn(LAB_COMMANDS, name) ? LAB_COMMANDS[name] : undefined;
}

/** The words that end the session. */
export const ENDS = ['.exit', 'exit', 'quit'];
export const HELPS = ['.help', 'help'];

/**
 * Runs a statement: a command, or a program in a host.
 * @returns the exit code
 * @throws {UsageError | CommandError} and the errors of the lab
 */
export async function runStatement(session: Session, { text, words }: Statement, signal: AbortSignal): Promise<number> {
  const [name = '', ...args] = words;
  if (HELPS.includes(name)) {
    print(labHelp(args[0]));
    return 0;
  }
  const command = commandNamed(name);
  if (!command) {
    if (Object.hasOwn(session.lab.hosts, name)) return runProgram(session, name, afterWords(text, 1), signal);
    const hosts = hostNames(session.lab);
    const what = noSuch('command or host', name, [...Object.keys(LAB_COMMANDS), ...hosts]);
    throw new UsageError(`${what} (hosts: ${hosts.join(', ')}; .help lists the commands)`);
  }
  const parsed = parseCommandLine(command, args);
  if (parsed.options.help) {
    print(labHelp(name));
    return 0;
  }
  if (command.argumentCount) checkArgumentCount(parsed.args, ...command.argumentCount, `${name} ${command.usage}`);
  return (await command.run(session, { ...parsed, text, signal })) ?? 0;
}

/** Returns the help of a command, or of all. @throws {UsageError} for an unknown one */
export function labHelp(name?: string): string {
  if (name !== undefined) {
    const command = commandNamed(name);
    if (!command) throw new UsageError(noSuch('command', name, Object.keys(LAB_COMMANDS)));
    return helpText(name, command).trimEnd();
  }
  const rows = Object.entries(LAB_COMMANDS).map(([each, { usage, help }]) => [`${each} ${usage}`.trim(), help]);
  return table([
    ['HOST PROGRAM [ARGUMENTS]', 'runs a program in a host, as a shell does (bob nc -l 5000 &)'],
    ['HOST', 'opens a shell in a host'],
    ...rows,
    ['.help [COMMAND]', 'shows this list, or the options of a command'],
    ['.exit', 'ends the lab, as Ctrl-D does'],
  ]);
}
