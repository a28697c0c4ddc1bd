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

/** Waits until the reader has taken all output: Node writes to a pipe in the background, and process.exit() drops what waits. */
async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>((done) => stream.write('', () => done()));
}

void dispatch(process.argv.slice(2)).then(async (code) => {
  await Promise.all([process.stdout, process.stderr].map(flush));
  // process.exit() does not wait for what is still open, such as standard input, or a timer of a line in the REPL. The result of
  // the last write is known in the next turn of the loop
  setImmediate(() => process.exit(code));
});
