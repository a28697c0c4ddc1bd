/** Forgets sockets and stacks, and tells what became of them: run with --expose-gc. */
import { setImmediate as turn } from 'node:timers/promises';
import { Stack } from '../../../lib/index.js';
import { children, descriptors } from './holdings.js';

/** Collects until `done`, or for long enough to be sure. */
async function collect(done: () => boolean = () => false, times = 8): Promise<boolean> {
  for (let i = 0; i < times && !done(); i++) {
    (globalThis.gc as () => void)();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await turn();
  }
  return done();
}

const stack = new Stack('vdestack');
const start = descriptors();

function forgetSockets(): void {
  for (let i = 0; i < 5; i++) stack.socket();
}
forgetSockets();
console.log('sockets', descriptors() - start, await collect(() => descriptors() === start, 200));

// what it waits for keeps it: nobody else refers to it
function forgetWaiting(): Promise<string> {
  const socket = stack.socket(undefined, 2);
  socket.bind(['127.0.0.1', 1000]);
  return socket.recv(10).then(String);
}
stack.linksetupdown(stack.if_nametoindex('lo'), true);
const waiting = forgetWaiting();
await collect();
using sender = stack.socket(undefined, 2);
await sender.sendto('kept', ['127.0.0.1', 1000]);
console.log('waiting', await waiting);

function forgetStack(): void {
  const forgotten = new Stack('vdestack', 'null://');
  forgotten.socket();
}
const daemons = children();
forgetStack();
console.log('stack', children() - daemons, await collect(() => children() === daemons, 200));

// a socket keeps its stack
function keepSocketOnly() {
  return new Stack('vdestack').socket();
}
const kept = keepSocketOnly();
await collect();
console.log('kept', kept.closed, kept.stack.closed);
await kept.stack.close();

// what was closed is not forgotten
async function closeAll(): Promise<void> {
  const closed = new Stack('vdestack');
  closed.socket().close();
  closed.socket();
  await closed.close();
}
await closeAll();
await collect();
await stack.close();
