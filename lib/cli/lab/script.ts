import { CommandError, EXIT_OK } from '../command.js';
import { failureOf } from '../failure.js';
import type { Session } from './command.js';
import { ENDS, runStatement } from './run-statement.js';
import { statementsOf } from './statements.js';

/**
 * Runs lines, until one fails.
 * @throws {CommandError} naming the line that failed, with its exit code
 */
export async function runScript(
  session: Session,
  lines: AsyncIterable<string> | Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  let number = 0;
  for await (const line of lines) {
    const isOver = await runScriptLine(session, line, ++number, signal);
    if (isOver || signal.aborted) return;
  }
}

/** @returns true if it ends the script */
async function runScriptLine(session: Session, line: string, number: number, signal: AbortSignal): Promise<boolean> {
  let text = line.trim();
  try {
    for (const statement of statementsOf(line)) {
      text = statement.text;
      if (ENDS.includes(statement.words[0]!)) return true;
      const code = await runStatement(session, statement, signal);
      if (code !== EXIT_OK) throw new CommandError(`exit code ${code}`, code);
      if (signal.aborted) return true;
    }
    return false;
  } catch (error) {
    const { message, exitCode } = failureOf(error);
    throw new CommandError(`line ${number}: ${text}: ${message}`, exitCode);
  }
}
