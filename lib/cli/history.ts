import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { REPLServer } from 'node:repl';
import { promisify } from 'node:util';
import { textIfReadable } from '../core/files.js';
import { printError } from './terminal.js';

/**
 * Returns the file that keeps the lines typed at the prompt of a command, after making its directory. IOTH_REPL_HISTORY names
 * that of 'repl'; undefined if it is empty, or if the directory cannot be made.
 */
function historyFile(command: 'repl' | 'lab'): string | undefined {
  const { [`IOTH_${command.toUpperCase()}_HISTORY`]: given, XDG_STATE_HOME: state } = process.env;
  if (given === '') return undefined;
  const path = given ?? join(state || join(homedir(), '.local/state'), `ioth/${command}_history`);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    warnOfHistory(error);
    return undefined;
  }
}

function warnOfHistory(error: unknown): void {
  printError(`the history is not saved: ${(error as Error).message}`);
}

/** Makes the REPL keep its history in a file. Only the user may read it: Node makes it with mode 600. */
export async function setUpHistory(server: REPLServer): Promise<void> {
  const path = historyFile('repl');
  if (path === undefined) return;
  try {
    await promisify(server.setupHistory.bind(server))(path);
  } catch (error) {
    warnOfHistory(error);
  }
}

/** The lines of a prompt, the last one first, in a file that only the user may read. */
export class LineHistory {
  #path: string | undefined;

  constructor(command: 'lab') {
    this.#path = historyFile(command);
  }

  get lines(): string[] {
    if (this.#path === undefined) return [];
    return textIfReadable(this.#path).split('\n').filter(Boolean);
  }

  save(lines: readonly string[]): void {
    if (this.#path === undefined) return;
    try {
      writeFileSync(this.#path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    } catch (error) {
      this.#path = undefined;
      warnOfHistory(error);
    }
  }
}
