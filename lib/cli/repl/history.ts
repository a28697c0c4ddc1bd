import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { REPLServer } from 'node:repl';
import { printError } from '../terminal.js';

/** The file that lines are remembered in; undefined for none: IOTH_REPL_HISTORY is empty. */
function historyPath(): string | undefined {
  const { IOTH_REPL_HISTORY: given, XDG_STATE_HOME: state } = process.env;
  if (given !== undefined) return given || undefined;
  return join(state || join(homedir(), '.local/state'), 'ioth/repl_history');
}

/** Has the REPL remember its lines. The file is its user's alone: Node makes it with mode 600. */
export async function setUpHistory(server: REPLServer): Promise<void> {
  const path = historyPath();
  if (path === undefined) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await new Promise<void>((done, fail) => {
      server.setupHistory(path, (error) => (error ? fail(error) : done()));
    });
  } catch (error) {
    printError(`lines are not remembered: ${(error as Error).message}`);
  }
}
