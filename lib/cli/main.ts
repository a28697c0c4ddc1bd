#!/usr/bin/env node
/** `ioth`: see docs/cli.md. */

import { constants } from 'node:os';
import { EXIT_SIGNAL } from './command.js';
import { dispatch } from './dispatch.js';

// `ioth … | head`: it ends as programs do that SIGPIPE ends, which Node ignores; open stacks end with it
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT_SIGNAL + constants.signals.SIGPIPE);
  throw error;
});

// what is still open then (standard input, a timer of somebody's line in the REPL) keeps nobody waiting; what becomes of the
// last line that was written is known in the next turn of the loop
void dispatch(process.argv.slice(2)).then((code) => setImmediate(() => process.exit(code)));
