/** Closes detached sockets behind their stack's back, in a worker thread. */
import { openSync, writeSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';
import { libc } from '../../../ffi/libc.js';
import { Stack } from '../../../lib/index.js';

if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('exit', (code) => console.log(`worker ${code}`));
} else {
  const stack = new Stack('vdestack');
  const [free, taken] = [stack.socket().detach(), stack.socket().detach()];
  libc().close(taken);
  const file = openSync('/dev/null', 'w');
  libc().close(free);
  await stack.close();
  console.log(`closed ${stack.closed}, ${file === taken}, wrote ${writeSync(file, 'open')}`);
}
