/** A client of the network argv[2] whose listeners throw, until its standard input ends. */
import { Stack } from '../../../lib/index.js';

process.on('uncaughtException', ({ message }) => console.log(`uncaught ${message}`));

const stack = new Stack('vdestack', process.argv[2], null, { conf: 'builtin' });
for (const name of ['lease', 'renew', 'expire', 'config'] as const) {
  stack.on(name, () => {
    throw new Error(name);
  });
}
console.log('mask', await stack.iothconfig('eth,dhcp'));
process.stdin.resume().once('end', () => stack.close());
