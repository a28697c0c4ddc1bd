#!/usr/bin/env node
/** The entry of `ioth`: see docs/cli.md. */

import { closeSync, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { EXIT_OK, exitCodeOf } from './command.js';
import { dispatch } from './dispatch.js';

/** By the error of a write: `ioth … | head`, for Node ignores SIGPIPE, and a terminal that has gone away. */
const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = { EPIPE: 'SIGPIPE', EIO: 'SIGHUP' };

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    const signal = SIGNALS[error.code ?? ''];
    if (signal === undefined) throw error;
    // as the signal would; open stacks end with it
    process.exit(exitCodeOf(signal));
  });
}

const terminals = [0, 1, 2].filter(isatty);
// Node's own exit sets what a terminal had before, and aborts if that fails (ResetStdio of its node.cc); it passes over what is
// closed
process.on('exit', () => {
  for (const fd of terminals.filter(hasHungUp)) closeSync(fd);
});

function hasHungUp(terminal: number): boolean {
  try {
    return !isatty(terminal) && fstatSync(terminal).isCharacterDevice();
  } catch {
    // a line of the REPL has closed it
    return false;
  }
}

/** Waits until the reader has taken all output: Node writes to a pipe in the background, and process.exit() drops what waits. */
async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>((done) => stream.write('', () => done()));
}

void dispatch(process.argv.slice(2)).then(async (code) => {
  await Promise.all([process.stdout, process.stderr].map(flush));
  // process.exit() does not wait for what is still open, such as standard input, or a timer of a line in the REPL. The result of
  // the last write is known in the next turn of the loop. A terminal that went away ends the input, before SIGHUP or without it
  setImmediate(() => process.exit(code === EXIT_OK && terminals.some(hasHungUp) ? exitCodeOf('SIGHUP') : code));
});
