/** Forgets sockets and stacks, and tells what became of them: run with --expose-gc. */
import { setImmediate as turn } from 'node:timers/promises';
import { Stack } from '../../../lib/index.js';
import { becomes } from '../until.js';
import { children, descriptors } from './holdings.js';

const gc = globalThis.gc as () => void;

/** Collects often enough to be sure that nothing comes of it. */
async function collect(): Promise<void> {
  for (let i = 0; i < 8; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await turn();
  }
}

/** Collects until something is so. */
function collectUntil(isSo: () => boolean): Promise<boolean> {
  return becomes(() => {
    gc();
    return isSo();
  });
}

const stack = new Stack('vdestack');
const start = descriptors();

function forgetSockets(): void {
  for (let i = 0; i < 4; i++) stack.socket();
  stack.socket().stream();
}
forgetSockets();
console.log('sockets', descriptors() - start, await collectUntil(() => descriptors() === start));

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
console.log('stack', children() - daemons, await collectUntil(() => children() === daemons));

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
