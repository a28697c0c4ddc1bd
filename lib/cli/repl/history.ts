import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { REPLServer } from 'node:repl';
import { promisify } from 'node:util';
import { printError } from '../terminal.js';

/** Returns the file of the history; undefined if IOTH_REPL_HISTORY is empty. */
function historyPath(): string | undefined {
  const { IOTH_REPL_HISTORY: given, XDG_STATE_HOME: state } = process.env;
  if (given !== undefined) return given || undefined;
  return join(state || join(homedir(), '.local/state'), 'ioth/repl_history');
}

/** Makes the REPL keep its history in a file. Only the user may read it: Node makes it with mode 600. */
export async function setUpHistory(server: REPLServer): Promise<void> {
  const path = historyPath();
  if (path === undefined) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await promisify(server.setupHistory.bind(server))(path);
  } catch (error) {
    printError(`the history is not saved: ${(error as Error).message}`);
  }
}
