/** Kills the daemon of a stack without a listener of 'error', or with listeners that throw. */
import { once } from 'node:events';
import { Stack } from '../../../lib/index.js';
import { PATIENCE_MS } from '../until.js';

if (process.argv[2] !== 'nobody listens') {
  process.on('uncaughtException', (error) => console.log('caught', (error as { code?: string }).code));
}

const stack = new Stack('vdestack');
const waiting = setTimeout(() => stack.closed, PATIENCE_MS); // not to be collected
stack.on('close', () => {
  console.log('closed');
  clearTimeout(waiting);
});
if (process.argv[2] === 'listeners throw') {
  const server = stack.net.createServer().listen();
  await once(server, 'listening');
  for (const [emitter, name] of [
    [server, 'error'],
    [stack, 'error'],
    [stack, 'close'],
  ] as const) {
    emitter.on(name, () => {
      throw Object.assign(new Error(), { code: `${emitter === stack ? 'stack' : 'server'} ${name}` });
    });
  }
}
console.log('ready');
process.kill(stack.daemonPid as number, 'SIGKILL');
