/** A stack without a tap whose thread dies, as it would of too little memory, and the next one: `wire-thread-fails.ts DIRECTORY`. */
import { workers } from '../started-workers.js';

const { Stack } = await import('../../../lib/index.js');

const [dir = ''] = process.argv.slice(2);
const open = (number: number) => new Stack({ stack: 'vdestack', vnl: `ptp://${dir}/cable${number}`, wire: 'veth' });
const first = open(1);
const ended = new Promise<void>((done) => first.once('close', done));
first.on('error', ({ code }) => console.log(code));
// the death of an idle stack does not keep a process alive
const awake = setInterval(() => {}, 1000);
await workers[0]!.terminate();
// the first one does not know yet
const next = open(2);
await ended;
clearInterval(awake);
console.log(
  next
    .if_nameindex()
    .map(([, name]) => name)
    .join(),
);
await next.close();
