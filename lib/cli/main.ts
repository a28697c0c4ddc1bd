#!/usr/bin/env node
/** The entry of `ioth`: see docs/cli.md. */

import { constants } from 'node:os';
import { EXIT_SIGNAL } from './command.js';
import { dispatch } from './dispatch.js';

// `ioth … | head`: Node ignores SIGPIPE, so this ends the process as that signal would; open stacks end with it
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT_SIGNAL + constants.signals.SIGPIPE);
  throw error;
});

// process.exit() does not wait for what is still open, such as standard input, or a timer of a line in the REPL. The result of
// the last write is known in the next turn of the loop
void dispatch(process.argv.slice(2)).then((code) => setImmediate(() => process.exit(code)));
