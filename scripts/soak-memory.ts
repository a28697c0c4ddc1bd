/**
 * `npm run soak` compares the memory of this process with another's. It prints two numbers, resident bytes, as JSON:
 * - `soak-memory.ts rounds COUNT WARM`: the rounds of soak.ts with node:net alone; after WARM rounds, and after COUNT
 * - `soak-memory.ts flow BYTES [DIRECTORY]`: a fast writer and a slow reader; at the start, and the maximum. Uses two stacks on a
 *   switch in the directory; without a directory, node:net alone.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import koffi from 'koffi';
import { AF_INET, Stack } from '../lib/index.js';

const malloc_trim = koffi.load(null).func('int malloc_trim(size_t pad)');

/** Returns the resident bytes after a forced collection, without the memory that malloc keeps for later. */
async function residentBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await turn();
  }
  malloc_trim(0);
  return process.memoryUsage.rss();
}

async function rounds(count: number, warm: number): Promise<number[]> {
  const server = net.createServer((socket) => socket.once('data', (data) => socket.end(data))).listen(0);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const bytes: number[] = [];
  for (let i = 1; i <= count; i++) {
    const socket = net.connect(port, `127.0.0.${1 + (i % 8)}`);
    socket.write('there and back');
    await once(socket, 'data');
    await once(socket, 'close');
    if (i === warm || i === count) bytes.push(await residentBytes());
  }
  server.close();
  return bytes;
}

/** The number of bytes that the reader takes at once before it rests. */
const GULP = 16 * 1024 * 1024;
const REST_MS = 50;

async function flow(bytes: number, directory: string | undefined): Promise<number[]> {
  const stacks = directory ? [stackOn(`switch://${directory}/switch`, 1), stackOn(`vde://${directory}/switch`, 2)] : [];
  const [near, far] = directory ? [stacks[0]?.net, stacks[1]?.net] : [net, net];
  if (!near || !far) throw new Error('there is no stack');
  const host = directory ? '10.0.0.1' : '127.0.0.1';
  let most = 0;
  const piece = Buffer.alloc(256 * 1024, 'data');
  const server = near.createServer(async (socket) => {
    for (let at = 0; at < bytes; at += piece.length) {
      const goesOn = socket.write(piece);
      most = Math.max(most, process.memoryUsage.rss());
      if (!goesOn) await once(socket, 'drain');
    }
    socket.end();
  });
  await once(server.listen(0, host), 'listening');
  const before = await residentBytes();
  let [length, next] = [0, GULP];
  for await (const data of far.connect((server.address() as net.AddressInfo).port, host)) {
    length += data.length;
    if (length < next) continue;
    next += GULP;
    await delay(REST_MS);
  }
  if (length !== bytes) throw new Error(`${length} of ${bytes} bytes`);
  server.close();
  for (const stack of stacks) await stack.close();
  return [before, most];
}

function stackOn(vnl: string, number: number): Stack {
  const stack = new Stack('vdestack', vnl);
  stack.linksetupdown('vde0', true);
  stack.ipaddr_add(AF_INET, `10.0.0.${number}`, 24, 'vde0');
  return stack;
}

const [what, number = '0', other] = process.argv.slice(2);
const bytes = await (what === 'rounds' ? rounds(Number(number), Number(other)) : flow(Number(number), other));
console.log(JSON.stringify(bytes));
