/** Kills the daemon of a stack without a listener of 'error'. */
import { Stack } from '../../../lib/index.js';
import { PATIENCE_MS } from '../until.js';

if (process.argv[2] === 'somebody catches') {
  process.on('uncaughtException', (error) => console.log('caught', (error as { code?: string }).code));
}

const stack = new Stack('vdestack');
const waiting = setTimeout(() => stack.closed, PATIENCE_MS); // not to be collected
stack.on('close', () => {
  console.log('closed');
  clearTimeout(waiting);
});
console.log('ready');
process.kill(stack.daemonPid as number, 'SIGKILL');
