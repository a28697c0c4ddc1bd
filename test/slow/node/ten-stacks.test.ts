import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import type { Stack } from 'ioth';
import { useNetwork } from '../../support/network.js';
import { hostPort, type Trap, trap } from '../../support/traps.js';
import { PATIENCE_MS } from '../../support/until.js';

/* Ten hosts in one process: each is an express server, and a client of the nine others. */

const STACKS = 10;
const REQUESTS = 1000;
const PORT = hostPort(7400);

interface Answer {
  stack: number;
  ip: string;
}

let servers: http.Server[];
let trapped: Trap;

afterAll(async () => {
  await trapped.close();
  expect(trapped.heard).toBe(0);
});
const lan = useNetwork(STACKS);
afterAll(() => expect(servers.map((server) => server.listening)).toEqual(servers.map(() => false)));

beforeAll(async () => {
  servers = lan.stacks.map((stack, i) => stack.run(() => serve(i)));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  trapped = await trap(PORT);
});

function serve(stack: number): http.Server {
  const app = express();
  app.get('/', async (request, response) => {
    // an answer that comes from another turn of the loop
    await delay(Math.random());
    response.json({ stack, ip: request.ip } satisfies Partial<Answer>);
  });
  const server = app.listen(PORT, '0.0.0.0');
  // a request that comes while the loop is busy for longer than this is answered by a reset, as of any server of Node's
  server.keepAliveTimeout = PATIENCE_MS;
  return server;
}

const askers: Record<string, (url: string) => Promise<Answer>> = {
  fetch: async (url) => (await (await fetch(url)).json()) as Answer,
  async 'http.get on the global agent'(url) {
    const [response] = await once(http.get(url), 'response');
    return JSON.parse(await text(response));
  },
};

it.each(Object.keys(askers))(`${REQUESTS} requests by %s`, async (name) => {
  const ask = askers[name] as (typeof askers)[string];
  const requests = Array.from({ length: REQUESTS }, (_, n) => {
    const from = n % STACKS;
    return { from, to: (from + 1 + (Math.floor(n / STACKS) % (STACKS - 1))) % STACKS };
  });
  const answers: Answer[] = [];
  // a hundred at once: fetch gives up a connection after ten seconds, in which a busy machine does not make a thousand
  for (let start = 0; start < REQUESTS; start += 100) {
    const some = requests.slice(start, start + 100).map(({ from, to }) => {
      return (lan.stacks[from] as Stack).run(() => ask(`http://10.0.0.${to + 1}:${PORT}/`));
    });
    answers.push(...(await Promise.all(some)));
  }
  expect(answers).toEqual(requests.map(({ from, to }) => ({ stack: to, ip: `10.0.0.${from + 1}` })));
});

it('one address, 127.0.0.1, is ten servers', async () => {
  const asked = Array.from({ length: 100 }, (_, n) => n % STACKS);
  const answers = await Promise.all(
    asked.map((i) => (lan.stacks[i] as Stack).run(() => askers.fetch?.(`http://127.0.0.1:${PORT}/`))),
  );
  expect(answers).toEqual(asked.map((stack) => ({ stack, ip: '127.0.0.1' })));
});
