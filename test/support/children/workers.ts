/** Makes stacks in worker threads that leave in each way, and counts what they leave: `workers.ts`. */
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SOCK_DGRAM, Stack } from '../../../lib/index.js';
import { becomes } from '../until.js';
import { children, descriptors } from './holdings.js';

if (isMainThread) await main();
else await worker(workerData as string);

async function main(): Promise<void> {
  const stack = new Stack('vdestack');
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  const socket = stack.socket(undefined, SOCK_DGRAM);
  socket.bind(['127.0.0.1', 1]);
  await socket.connect(['127.0.0.1', 1]);

  await run('end'); // what the first worker of a process opens stays
  for (const way of process.argv.slice(2)) {
    const before = [descriptors(), children(false)] as const;
    const status = await run(way);
    // the wire of a worker that was terminated takes a moment
    await becomes(() => children(false) <= before[1]);
    await delay(20);
    await socket.send('mine');
    const echo = await socket.recv(10);
    console.log(
      `${way}: ${status}, ${echo}, ${descriptors() - before[0]} descriptors, ${children(false) - before[1]} daemons`,
    );
  }
  await stack.close();
}

async function run(way: string): Promise<string> {
  const one = new Worker(new URL(import.meta.url), { workerData: way });
  const ended = new Promise<number>((resolve) => one.on('exit', resolve));
  let failure = '';
  one.on('error', ({ message }) => {
    failure = ` ${message}`;
  });
  // an 'error' may overtake the message before it: events.once() would be rejected by it
  const message = new Promise((resolve) => one.once('message', resolve));
  const answer = await Promise.race([message, ended.then((status) => `ended with ${status}${failure}`)]);
  if (answer !== 'worked') throw new Error(`${way}: ${answer}`);
  if (way.startsWith('terminate')) await one.terminate();
  return `${await ended}${failure}`;
}

async function worker(way: string): Promise<void> {
  const stacks = [new Stack('vdestack'), new Stack('vdestack', 'null://')];
  const [stack] = stacks as [Stack];
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  const listener = stack.socket();
  listener.bind(['127.0.0.1', 80]);
  listener.listen();
  const client = stack.socket();
  const [[server]] = await Promise.all([listener.accept(), client.connect(['127.0.0.1', 80])]);
  // each side waits for the other
  for (let i = 0; i < 200; i++) {
    const [heard] = await Promise.all([server.recv(10), client.sendall('to')]);
    await Promise.all([client.recv(10), server.sendall(`${heard} and fro`)]);
  }
  // more than the buffers hold: both wait, for writing and for reading
  const bulk = Buffer.alloc(4 << 20, 1);
  let received = 0;
  await Promise.all([
    client.sendall(bulk),
    (async () => {
      while (received < bulk.length) received += (await server.recv(1 << 20)).length;
    })(),
  ]);
  // an error is an event too
  const refused = stack.socket(undefined, SOCK_DGRAM);
  await refused.connect(['127.0.0.1', 9]);
  const refusal = refused.recv(10).catch(({ code }) => code);
  await refused.send('x');
  const answer = `${await refusal} ${received >> 20}` === 'ECONNREFUSED 4' ? 'worked' : await refusal;
  refused.close();
  if (way !== 'end') client.recv(1).catch(() => {});
  // not to be collected
  process.on('exit', () => [stacks, listener, client, server].length);
  if (way.endsWith('without sockets')) for (const socket of [client, server, listener]) socket.close();
  if (way.endsWith('while closing')) for (const one of stacks) void one.close();
  parentPort?.postMessage(answer);
  if (way.startsWith('exit')) process.exit(5);
  if (way === 'exception') throw new Error('nobody catches this');
  if (way === 'terminate with data') {
    // ready when the thread is told to end, in the middle of a turn of its loop
    await delay(10);
    server.sendall('data').catch(() => {});
    for (;;);
  }
  if (way.startsWith('terminate')) setInterval(() => {}, 1000);
}
