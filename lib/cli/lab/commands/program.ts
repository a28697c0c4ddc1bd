import { EXIT_OK, exitCodeOf, UsageError } from '../../command.js';
import { interrupted } from '../../interruption.js';
import { endOf } from '../../program.js';
import { hostNamed, hostNames, type LabCommand, type Session } from '../command.js';

export const exec: LabCommand = {
  usage: 'HOST [PROGRAM [ARGUMENTS]]',
  argumentCount: [1, Number.POSITIVE_INFINITY],
  help: 'does the same, for a host with the name of a command',
  options: {},
  complete: (_args, lab) => hostNames(lab),
  runsProgram: true,
  run: (session, { args: [host = ''], text, signal }) => runProgram(session, host, afterWords(text, 2), signal),
};

/** Returns what stands behind so many words, with its quotes: the shell reads it. */
export function afterWords(text: string, count: number): string {
  return text.replace(new RegExp(`^(?:\\S+\\s*){0,${count}}`), '');
}

/**
 * Runs a line of the shell in a host, or opens a shell if it is ''. The program has the terminal until it ends. In a script the
 * signal ends the wait, and the end of the lab the program.
 * @returns the exit code, as a shell has it
 */
export async function runProgram(session: Session, host: string, line: string, signal: AbortSignal): Promise<number> {
  const { lab, isInteractive, programInput } = session;
  const { spawn } = hostNamed(lab, host);
  if (line === '' && !isInteractive) throw new UsageError(`'${host}' needs a program in a script`);
  const [file, args] = line === '' ? [process.env.SHELL || 'sh', []] : ['sh', ['-c', line]];
  const ended = endOf(spawn(file, args, { stdio: [programInput, 'inherit', 'inherit'] }));
  const end = await (isInteractive ? ended : Promise.race([ended, interrupted(signal)]));
  if (!end) return EXIT_OK;
  const [code, killer] = end;
  return killer === null ? (code ?? EXIT_OK) : exitCodeOf(killer);
}
