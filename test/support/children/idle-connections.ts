/**
 * Many connections that do nothing: `idle-connections.ts serve|ask VNL COUNT`. The client opens all of them, lets them be, has
 * each served when its standard input ends, and closes them. The server says 'all' when it has all of them, and ends when its standard
 * input does. Both print as JSON what they held before, with all of them, and after.
 */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Stack } from '../../../lib/index.js';
import { waitForNeighbours } from '../neighbours.js';

const [role, vnl = '', number = '0'] = process.argv.slice(2);
const COUNT = Number(number);
const PORT = 7950;
/** Connections that are opened at a time. */
const BATCH = 200;

// what the first stack of a process leaves is for all of them
await new Stack('vdestack', 'null://').close();
const before = held();
const stack = await Stack.create(`stack=vdestack,vnl=${vnl},eth,ip=10.0.0.${role === 'serve' ? 1 : 2}/24`);
waitForNeighbours(stack, stack.if_nametoindex('vde0'));
const { idle, handles } = await (role === 'serve' ? serve() : ask());
// the server's listener at most
const open = stack.nodeHandles.size;
await stack.close();
console.log(JSON.stringify({ before, idle, handles, open, left: stack.nodeHandles.size, after: held() }));

async function serve() {
  // where the queue overflows, tcp(7) forgets connections that the client takes for made, and nothing is ever sent on these
  const server = stack.net.createServer((socket) => socket.pipe(socket)).listen({ port: PORT, backlog: COUNT });
  await once(server, 'listening');
  console.log('listening');
  while ((await connections()) < COUNT) await delay(20);
  const most = { idle: held(), handles: stack.nodeHandles.size };
  console.log('all');
  while ((await connections()) > 0) await delay(20);
  // its side of a connection is closed when the client has heard of that
  await once(process.stdin.resume(), 'end');
  server.close();
  return most;

  function connections(): Promise<number> {
    return new Promise((done) => server.getConnections((_error, count) => done(count)));
  }
}

async function ask() {
  const sockets: Socket[] = [];
  while (sockets.length < COUNT) {
    const batch = Array.from({ length: Math.min(BATCH, COUNT - sockets.length) }, () =>
      stack.net.connect(PORT, '10.0.0.1'),
    );
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    sockets.push(...batch);
  }
  // the server has all of them: without that it might see the first ones go before the last ones come
  await once(process.stdin.resume(), 'end');
  const most = { idle: held(), handles: stack.nodeHandles.size };
  const wrong = await Promise.all(
    sockets.map(async (socket, i) => {
      socket.write(`${i}`);
      const [data] = await once(socket, 'data');
      socket.end();
      await once(socket, 'close');
      return String(data) === `${i}` ? 0 : 1;
    }),
  );
  if (wrong.includes(1)) throw new Error('a connection was not served');
  return most;
}

function held() {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().filter((name) => /TCP|UDP|Poll/.test(name)).length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}
