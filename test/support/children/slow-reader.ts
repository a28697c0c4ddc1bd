/**
 * A fast writer and a slow reader on two stacks: `slow-reader.ts DIRECTORY BYTES`. Prints, as JSON, what was sent and received
 * and the most that was under way, that Node's buffer held and that the kernel's did.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Stack } from '../../../lib/index.js';
import { inNamespace } from '../namespace.js';
import { waitForNeighbours } from '../neighbours.js';

const [dir = '', total = '0'] = process.argv.slice(2);
const BYTES = Number(total);
const PORT = 7900;
/** Taken at once; then the reader rests. */
const GULP = 16 * 1024 * 1024;
const REST_MS = 50;
const FIRST_REST_MS = 500;

const random = randomBytes(1024 * 1024);
const stacks = [
  await Stack.create(`stack=vdestack,vnl=switch://${dir}/switch,eth,ip=10.0.0.1/24`),
  await Stack.create(`stack=vdestack,vnl=vde://${dir}/switch,eth,ip=10.0.0.2/24`),
] as const;
for (const stack of stacks) waitForNeighbours(stack, stack.if_nametoindex('vde0'));
const most = { underWay: 0, writable: 0, buffers: 0 };

const server = stacks[0].net.createServer((socket) => write(socket, BYTES)).listen(PORT);
await once(server, 'listening');
const reader = stacks[1].net.connect(PORT, '10.0.0.1');
const sent = createHash('sha256');
const received = createHash('sha256');
let length = 0;
let waits = 0;
let next = GULP;
for await (const data of reader) {
  received.update(data);
  length += data.length;
  if (length === data.length) await rest(FIRST_REST_MS);
  if (length < next) continue;
  next += GULP;
  await rest(REST_MS);
}
server.close();
for (const stack of stacks) await stack.close();
const handles = stacks.map((stack) => stack.nodeHandles.size);
const equal = sent.digest('hex') === received.digest('hex');
console.log(JSON.stringify({ length, equal, waits, ...most, handles }));

/** As fast as the socket takes it, in pieces of all sizes. */
async function write(socket: Socket, bytes: number): Promise<void> {
  for (let at = 0, i = 0; at < bytes; i++) {
    const offset = (i * 7919) % (random.length / 2);
    const piece = random.subarray(offset, offset + Math.min(bytes - at, 1 + ((i * 104_729) % (random.length / 2))));
    at += piece.length;
    sent.update(piece);
    const goesOn = socket.write(piece);
    most.writable = Math.max(most.writable, socket.writableLength);
    most.underWay = Math.max(most.underWay, at - length);
    if (goesOn) continue;
    waits++;
    await once(socket, 'drain');
  }
  socket.end();
}

/** The reader takes nothing; at the end of it the buffers are as full as they get. */
async function rest(milliseconds: number): Promise<void> {
  await delay(milliseconds);
  most.buffers = Math.max(most.buffers, socketBuffers());
}

/** Bytes that the kernel holds of both ends' connections, with its own book-keeping. */
function socketBuffers(): number {
  const memory = stacks.map(({ daemonPid }) => inNamespace(daemonPid as number, 'ss', '-tmnH'));
  return [...memory.join().matchAll(/skmem:\(r(\d+),.*?,w(\d+),/g)].reduce(
    (sum, [, r, w]) => sum + Number(r) + Number(w),
    0,
  );
}
