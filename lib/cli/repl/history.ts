import type { REPLServer } from 'node:repl';
import { promisify } from 'node:util';
import { historyFile, warnOfHistory } from '../history.js';

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
