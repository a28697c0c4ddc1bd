/**
 * Makes networks of six stacks while worker threads hold malloc's lock as often as they can: `stress.ts NETWORKS DIRECTORY`,
 * with MALLOC_ARENA_MAX=1. Prints a line for each network, how many stacks were made, and how many networks carried a packet.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Stack } from '../../../lib/index.js';
import { waitForNeighbours } from '../neighbours.js';

const [networks = '1', dir = ''] = process.argv.slice(2);
const SIZE = 6;

// blocks of a size that no thread's cache holds: each is an allocation under the lock
const hoard = `
  const koffi = require('koffi');
  const { workerData } = require('node:worker_threads');
  const libc = koffi.load(null);
  const malloc = libc.func('malloc', 'void *', ['size_t']);
  const free = libc.func('free', 'void', ['void *']);
  while (Atomics.load(workerData, 0) === 0) for (let i = 0; i < 100; i++) free(malloc(3000));
`;
const stop = new Int32Array(new SharedArrayBuffer(4));
const workers = [0, 1, 2].map(() => new Worker(hoard, { eval: true, workerData: stop }));
await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
await delay(50);

let [made, peers] = [0, 0];
for (let n = 0; n < Number(networks); n++) {
  const stacks: Stack[] = [];
  for (let i = 0; i < SIZE; i++) {
    const stack = new Stack('vdestack', `${i === 0 ? 'switch' : 'vde'}://${dir}/${n}`);
    stacks.push(stack);
    stack.socket().close();
    made++;
  }
  // the daemon of the switch has taken the peers when it carries their packets
  for (const [i, stack] of stacks.entries()) {
    const ifindex = stack.if_nametoindex('vde0');
    waitForNeighbours(stack, ifindex);
    stack.linksetupdown(ifindex, true);
    stack.ipaddr_add(2, `10.0.0.${i + 1}`, 24, ifindex);
  }
  const [first, , , , , last] = stacks as [Stack, Stack, Stack, Stack, Stack, Stack];
  const [to, from] = [first.socket(2, 2), last.socket(2, 2)];
  to.bind(['10.0.0.1', 7]);
  to.settimeout(60);
  await from.sendto('across', ['10.0.0.1', 7]);
  if (String(await to.recv(10)) === 'across') peers++;
  await Promise.all(stacks.map((stack) => stack.close()));
  console.log(`network ${n + 1}`);
}
Atomics.store(stop, 0, 1);
await Promise.all(workers.map((worker) => worker.terminate()));
console.log(`made ${made} carried ${peers}`);
