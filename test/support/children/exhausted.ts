/** A server that runs out of descriptors. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Socket, Stack } from '../../../lib/index.js';
import './few-descriptors.js';

const stack = new Stack('vdestack');
stack.linksetupdown(stack.if_nametoindex('lo'), true);
const listener = stack.create_server(['127.0.0.1', 80], { backlog: 128 });

const served: Socket[] = [];
const serving = (async () => {
  for await (const connection of listener) served.push(connection);
})();

// eight clients are served, the others take the descriptors of their servers' ends
const clients: Socket[] = [];
const codes = new Set<string>();
async function connectUntilFull(): Promise<void> {
  for (let i = 0; i < 64; i++) {
    try {
      const client = stack.socket();
      clients.push(client);
      await client.connect(['127.0.0.1', 80]);
      if (served.length < 8) while (served.length < clients.length) await delay(1);
    } catch (error) {
      codes.add((error as { code: string }).code);
      return;
    }
  }
}
await connectUntilFull();
await delay(50);
console.log('full', [...codes].join(' '), served.length < clients.length);

// no busy loop: how often the loop turns while it waits
const { uvMetricsInfo: before } = performance.nodeTiming;
await delay(500);
console.log('turns', performance.nodeTiming.uvMetricsInfo.loopCount - before.loopCount);

// a stack too many does no harm
try {
  new Stack('vdestack', 'null://');
} catch (error) {
  console.log('stack', (error as { code: string }).code);
}

// connections end: all clients that wait are served, one after the other
let rounds = 0;
while (clients.length > 0) {
  const [server] = served.splice(0, 1);
  if (!server) {
    if (++rounds > 1000) throw new Error(`${clients.length} clients are never accepted`);
    await delay(5);
    continue;
  }
  const { port } = server.getpeername();
  const client = clients.find((one) => one.getsockname().port === port) as Socket;
  await server.sendall('served');
  if (String(await client.recv(10)) !== 'served') throw new Error('not served');
  client.close();
  server.close();
  clients.splice(clients.indexOf(client), 1);
}
console.log('all served');

// and it goes on as before
const late = stack.socket();
await late.connect(['127.0.0.1', 80]);
await delay(20);
console.log('late', served.length);
listener.close();
await serving;
await stack.close();
console.log('closed');
