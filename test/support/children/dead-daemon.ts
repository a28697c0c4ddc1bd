/** Kills the daemon of a stack without a listener of 'error'. */
import { Stack } from '../../../lib/index.js';

if (process.argv[2] === 'somebody catches') {
  process.on('uncaughtException', (error) => console.log('caught', (error as { code?: string }).code));
}

const stack = new Stack('vdestack');
stack.on('close', () => console.log('closed'));
console.log('ready');
process.kill(stack.daemonPid as number, 'SIGKILL');
setTimeout(() => stack.closed, 1000); // not to be collected
