import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import type { Stack } from 'ioth';
import * as undici7 from 'undici';
import * as undici6 from 'undici6';
import { type AgentClass, type Dispatcher, stackAgent } from '../../../lib/node/dispatcher.js';
import { selfSigned } from '../../support/certificate.js';
import { silentAddress, useNetwork } from '../../support/network.js';
import { hostPort } from '../../support/traps.js';
import { until } from '../../support/until.js';

/* The same origin, http://127.0.0.1:PORT, on two stacks and on the host: kept connections are shared by none of them. */

const PORT = hostPort(7600);
const ORIGIN = `http://127.0.0.1:${PORT}/`;
const places = ['host', 'left', 'right'] as const;
type Place = (typeof places)[number];

let stacks: Record<Place, Stack | undefined>;
let servers: http.Server[];
let connections: Record<Place, number>;

const at = <T>(place: Place, fn: () => T): T => stacks[place]?.run(fn) ?? fn();

afterEach(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await Promise.all(servers.map((server) => server.listening && once(server, 'close')));
});
const lan = useNetwork(2, 'test');
beforeEach(async () => {
  const [left, right] = lan.stacks;
  stacks = { host: undefined, left, right };
  connections = { host: 0, left: 0, right: 0 };
  servers = await Promise.all(
    places.map((place) =>
      at(place, async () => {
        const server = http.createServer((_request, response) => response.end(place));
        server.on('connection', () => connections[place]++);
        server.keepAliveTimeout = 60_000;
        await once(server.listen(PORT, '127.0.0.1'), 'listening');
        return server;
      }),
    ),
  );
});

async function ask(asker: () => Promise<string>, times = 3): Promise<void> {
  const all = Array.from({ length: times }, () => places).flat();
  const said: string[] = [];
  for (const place of all) said.push(await at(place, asker));
  expect(said).toEqual(all);
}

async function get(options: http.RequestOptions): Promise<string> {
  const [response] = await once(http.get(ORIGIN, options), 'response');
  return text(response);
}

it('http: one Agent, three pools', async () => {
  const agent = new http.Agent({ keepAlive: true });
  await ask(() => get({ agent }));
  expect(connections).toEqual({ host: 1, left: 1, right: 1 });
  expect(Object.keys(agent.freeSockets)).toHaveLength(3);
  expect(agent.getName({ host: 'a', port: 1 })).toBe('a:1:');
  agent.destroy();
});

it('http: the global agent', async () => {
  await ask(() => get({}));
  http.globalAgent.destroy();
});

it('http: what waits in the queue of an agent goes where it was meant to go', async () => {
  const agent = new http.Agent({ keepAlive: false, maxTotalSockets: 1 });
  const all = [...places, ...places, ...places];
  expect(await Promise.all(all.map((place) => at(place, () => get({ agent }))))).toEqual(all);
  agent.destroy();
});

it('https: no TLS session of another stack is resumed', async () => {
  const [left, right] = [stacks.left as Stack, stacks.right as Stack];
  const options = selfSigned();
  const secure = [left, right].map((stack) =>
    stack.run(() => https.createServer(options, (_request, response) => response.end()).listen(PORT + 1, '127.0.0.1')),
  );
  await Promise.all(secure.map((server) => once(server, 'listening')));
  const agent = new https.Agent({ rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const reused: boolean[] = [];
  for (const stack of [left, right, left, right]) {
    await stack.run(async () => {
      const [response] = await once(https.get({ host: '127.0.0.1', port: PORT + 1, agent }), 'response');
      reused.push((response.socket as TLSSocket).isSessionReused());
      await text(response);
    });
  }
  expect(reused).toEqual([false, false, true, true]);
  agent.destroy();
  for (const server of secure) server.close();
});

it('fetch: a dispatcher a stack', async () => {
  await ask(async () => (await fetch(ORIGIN)).text());
  expect(connections).toEqual({ host: 1, left: 1, right: 1 });
});

describe.each([
  ['6', undici6],
  ['7', undici7],
] as const)('undici %s', (_version, undici) => {
  it('request and fetch of its own', async () => {
    await ask(async () => (await undici.request(ORIGIN)).body.text());
    await ask(async () => (await undici.fetch(ORIGIN)).text());
  });

  it('an agent that the program makes global', async () => {
    const before = undici.getGlobalDispatcher();
    const own = new undici.Agent();
    const setGlobal = undici.setGlobalDispatcher as (agent: unknown) => void;
    setGlobal(own);
    await ask(async () => (await undici.request(ORIGIN)).body.text());
    await own.close();
    setGlobal(before);
  });

  it('a dispatcher of a stack is on it from wherever it is used', async () => {
    const agent = stackAgent(
      stacks.left as Stack,
      undici.Agent as unknown as AgentClass<Dispatcher & { close(): Promise<void> }>,
    );
    for (const place of places) {
      const { body } = await at(place, () => undici.request(ORIGIN, { dispatcher: agent as never }));
      expect(await body.text()).toBe('left');
    }
    await agent.close();
  });
});

it.each([
  ['undici 7', undici7.WebSocket as unknown as typeof WebSocket],
  // of Node 22 and later
  ['Node', globalThis.WebSocket ?? undici7.WebSocket],
])('WebSocket of %s', async (_whose, WebSocket) => {
  for (const [i, server] of servers.entries()) {
    server.on('upgrade', ({ headers }, socket) => {
      const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
      socket.write(`${[...head, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`);
      const place = places[i] as Place;
      // a text frame, and a closing one
      socket
        .resume()
        .end(Buffer.concat([Buffer.from([0x81, place.length]), Buffer.from(place), Buffer.from([0x88, 0])]));
    });
  }
  await ask(async () => {
    const socket = new WebSocket(ORIGIN.replace('http', 'ws'));
    const closed = new Promise((done) => socket.addEventListener('close', done));
    const said = await new Promise<string>((done, fail) => {
      socket.addEventListener('message', ({ data }) => done(String(data)));
      socket.addEventListener('error', fail);
    });
    await closed;
    return said;
  }, 1);
});

it('stack.dispatcher is an agent of the installed undici, for fetch too', async () => {
  const dispatcher = (stacks.right as Stack).dispatcher({ connect: { timeout: 1000 } });
  expect(dispatcher).toBeInstanceOf(undici7.Agent);
  expect(await (await undici7.fetch(ORIGIN, { dispatcher: dispatcher as never })).text()).toBe('right');
  await dispatcher.close();
});

describe('a stack that is closed ends what connects', () => {
  const asks: Record<string, (stack: Stack, url: string) => Promise<unknown>> = {
    fetch: (stack, url) => stack.fetch(url),
    'stack.dispatcher()': (stack, url) => undici7.request(url, { dispatcher: stack.dispatcher() as never }),
    'an agent of the program': (stack, url) =>
      stack.run(() => undici7.request(url, { dispatcher: new undici7.Agent() })),
  };
  const each = Object.keys(asks).flatMap((name) =>
    (['close', 'closeSync'] as const).map((end) => [name, end] as const),
  );

  it.each(each)('of %s, by %s', async (name, end) => {
    const [left, right] = [stacks.left as Stack, stacks.right as Stack];
    // it never answers a handshake
    const mute = left.net.createServer((socket) => socket.on('error', () => {}).resume());
    await once(mute.listen(PORT + 2, '10.0.0.1'), 'listening');
    const urls = [`http://${silentAddress(right)}/`, `https://10.0.0.1:${PORT + 2}/`];
    const outcomes = Promise.allSettled(urls.map((url) => asks[name]?.(right, url)));
    await once(mute, 'connection');
    // a server is there too
    await until('both connect', () => right.nodeHandles.size === 3);
    await right[end]();
    for (const outcome of await outcomes) {
      const { reason } = outcome as PromiseRejectedResult;
      // the global fetch takes an error of jest's realm for a value of no class, and keeps its text
      expect(String(reason.cause ?? reason)).toContain('connect ECANCELED');
    }
    mute.close();
  });
});
