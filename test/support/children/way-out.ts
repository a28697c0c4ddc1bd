/** Makes stacks and leaves: `way-out.ts WAY COUNT DIRECTORY`. */
import { mkdirSync, writeSync } from 'node:fs';
import { Stack } from '../../../lib/index.js';

const [way = '', count = '1', dir = ''] = process.argv.slice(2);

function say(text: string): void {
  writeSync(1, `${text}\n`);
}

const handlers: Record<string, () => void> = {
  'exit in a handler of SIGINT': () => process.exit(3),
  'count SIGINT': () => say('handler'),
};
const handler = handlers[way];
if (handler) process.on('SIGINT', handler);
// there before the library hooks in, and gone from the list of listeners when it is called
if (way === 'graceful once') process.once('SIGINT', graceful);
if (way === 'graceful') process.on('SIGINT', graceful);

mkdirSync(dir, { recursive: true });
// every other one is a switch, and the next joins it
const stacks: Stack[] = [];
for (let i = 0; i < Number(count); i++) {
  const stack = new Stack('vdestack', i % 2 === 0 ? `switch://${dir}/sw${i}` : `vde://${dir}/sw${i - 1}`);
  const listener = stack.socket();
  listener.bind(['', 7]);
  listener.listen();
  // at the end nobody hears of it: not even as a rejection that nobody handles
  const waiting = listener.accept();
  if (way === 'end') listener.unref();
  else waiting.catch(() => {});
  stacks.push(stack);
}
say(`ready ${stacks.map(({ daemonPid: daemon }) => daemon).join(' ')}`);

switch (way) {
  case 'end':
    setTimeout(() => {}, 50);
    break;
  case 'exit':
    process.exit(7);
    break;
  case 'exception':
    throw new Error('nobody catches this');
  case 'rejection':
    void Promise.reject(new Error('nobody handles this'));
    break;
  case 'exit while closing':
    for (const stack of stacks) void stack.close();
    setImmediate(() => process.exit(7));
    break;
  case 'abort':
    process.abort();
}

/** Serves one more connection over a stack, closes them all, and ends by itself. */
async function graceful(): Promise<void> {
  say('handler');
  const [first] = stacks as [Stack];
  first.linksetupdown(first.if_nametoindex('lo'), true);
  const listener = first.socket();
  listener.bind(['127.0.0.1', 80]);
  listener.listen();
  const client = first.socket();
  const [[server]] = await Promise.all([listener.accept(), client.connect(['127.0.0.1', 80])]);
  await server.sendall('good bye');
  say(`served ${await client.recv(100)}`);
  for (const stack of stacks) await stack.close();
}
