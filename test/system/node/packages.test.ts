import { execFile } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import axios from 'axios';
import { Redis } from 'ioredis';
import type { Stack } from 'ioth';
import * as undici from 'undici';
import WebSocket from 'ws';
import { type Child, startSource } from '../../support/child.js';
import { intoNamespace } from '../../support/namespace.js';
import { useNetwork } from '../../support/network.js';
import { type Trap, trap } from '../../support/traps.js';
import { PATIENCE_MS } from '../../support/until.js';

/*
 * Packages as they are, in two processes with a vdestack each: the servers are in children/packages.ts, 10.0.0.7, the clients
 * here, on 10.0.0.1. In the namespace of a third stack, 10.0.0.2, are programs that know nothing of Node.
 */

const HOST = '10.0.0.7';
const ASKER = '::ffff:10.0.0.1';
const REDIS_PORT = 6379;

let client: Stack;
let third: Stack;
let server: Child;

afterAll(async () => {
  server.end();
  const { code, stderr } = await server.exit;
  // nothing kept the loop of the server's process alive, with connections that were open to it
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
const lan = useNetwork();
beforeAll(async () => {
  [client, third] = lan.stacks as [Stack, Stack];
  server = startSource('test/support/children/packages.ts', [lan.vnl]);
  await server.line('ready');
});

describe('express', () => {
  it.each([
    [HOST, ASKER],
    ['[fd00::7]', 'fd00::1'],
  ])('knows who asks (%s)', async (host, ip) => {
    const response = await client.run(() => fetch(`http://${host}/`));
    expect(await response.json()).toEqual({ ip, host });
  });

  it('answers curl of another namespace', async () => {
    expect(JSON.parse(await curl(`http://${HOST}/`))).toEqual({ ip: '::ffff:10.0.0.2', host: HOST });
  });
});

describe('undici', () => {
  const options = { method: 'POST', body: '[1,2,3]', headers: { 'content-type': 'application/json' } } as const;

  it('request and fetch, through the global dispatcher', async () => {
    const { body } = await client.run(() => undici.request(`http://${HOST}/sum`, options));
    expect(await body.json()).toEqual({ ip: ASKER, sum: 6 });
    const response = await client.run(() => undici.fetch(`http://${HOST}/sum`, options));
    expect(await response.json()).toEqual({ ip: ASKER, sum: 6 });
  });

  it('its own classes, and the dispatcher of a stack', async () => {
    const own = client.run(() => new undici.Pool(`http://${HOST}`));
    const { body } = await client.run(() => own.request({ path: '/sum', ...options }));
    expect(await body.json()).toEqual({ ip: ASKER, sum: 6 });
    await own.close();
    const dispatcher = client.dispatcher() as unknown as undici.Agent;
    const { body: other } = await undici.request(`http://${HOST}/sum`, { dispatcher, ...options });
    expect(await other.json()).toEqual({ ip: ASKER, sum: 6 });
    await dispatcher.close();
  });
});

describe('axios', () => {
  it.each(['http', 'fetch'] as const)('by %s', async (adapter) => {
    const send = () => axios.post(`http://${HOST}/sum`, [4, 5], { adapter, proxy: false });
    expect((await client.run(send)).data).toEqual({ ip: ASKER, sum: 9 });
  });

  it('on agents of a face', async () => {
    const httpAgent = new client.http.Agent({ keepAlive: true });
    const send = () => axios.get(`http://${HOST}/`, { adapter: 'http', proxy: false, httpAgent });
    expect((await send()).data.ip).toBe(ASKER);
    expect((await send()).data.ip).toBe(ASKER);
    httpAgent.destroy();
  });
});

describe('ws', () => {
  it('both sides', async () => {
    const socket = client.run(() => new WebSocket(`ws://${HOST}/`));
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe(`${ASKER} hello`);
    const large = Buffer.alloc(1_000_000, 'x');
    socket.send(large);
    expect((await once(socket, 'message'))[0].equals(large)).toBe(true);
    socket.close(1000, 'bye');
    expect((await once(socket, 'close'))[0]).toBe(1000);
  });
});

describe('an http2 server that takes HTTP/1.1 too', () => {
  it('talks HTTP/2 by ALPN with http2', async () => {
    const session = client.http2.connect(`https://${HOST}`, { rejectUnauthorized: false });
    const streams = [1, 2, 3].map((n) => session.request({ ':path': '/', 'x-name': `n${n}` }));
    expect(await Promise.all(streams.map(text))).toEqual([1, 2, 3].map((n) => `HTTP/2.0 n${n} ${ASKER}`));
    expect(session.alpnProtocol).toBe('h2');
    session.close();
    await once(session, 'close');
  });

  it('talks HTTP/1.1 with https', async () => {
    const options = { host: HOST, rejectUnauthorized: false, agent: false, headers: { 'x-name': 'one' } } as const;
    const [response] = await once(
      client.run(() => https.get(options)),
      'response',
    );
    expect(await text(response)).toBe(`HTTP/1.1 one ${ASKER}`);
  });

  it('talks HTTP/2 with undici', async () => {
    const dispatcher = client.dispatcher({ allowH2: true, connect: { rejectUnauthorized: false, allowH2: true } });
    const response = await client.fetch(`https://${HOST}/`, { dispatcher });
    expect(await response.text()).toBe(`HTTP/2.0  ${ASKER}`);
    await (dispatcher as unknown as undici.Agent).close();
  });

  it.each([
    ['--http2', 'HTTP/2.0'],
    ['--http1.1', 'HTTP/1.1'],
  ])('talks with curl %s of another namespace', async (flag, version) => {
    expect(await curl('--insecure', flag, `https://${HOST}/`)).toBe(`${version}  ::ffff:10.0.0.2`);
  });
});

describe('ioredis, and a redis-server in the namespace of a stack', () => {
  let redis: Child;
  let trapped: Trap;

  beforeAll(async () => {
    const flags = ['--dir', lan.dir, '--save', '', '--appendonly', 'no', '--protected-mode', 'no'];
    redis = lan.server(third, 'redis-server', ['--port', `${REDIS_PORT}`, ...flags]);
    await redis.logs(/Ready to accept connections/);
    trapped = await client.run(() => trap(REDIS_PORT));
  });

  afterAll(async () => {
    await trapped.close();
    await redis.stop();
    expect(trapped.heard).toBe(0);
  });

  it('sets, gets, pipelines and subscribes', async () => {
    const connect = () => new Redis({ host: '10.0.0.2', port: REDIS_PORT });
    const [commands, subscriber] = client.run(() => [connect(), connect()] as const);
    await commands.set('key', 'value');
    expect(await commands.get('key')).toBe('value');
    const pipeline = commands.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.incr('counter');
    expect((await pipeline.exec())?.at(-1)).toEqual([null, 1000]);
    expect(await commands.client('LIST')).toMatch(/addr=10\.0\.0\.1:/);

    await subscriber.subscribe('news');
    const heard = once(subscriber, 'message');
    await commands.publish('news', 'today');
    expect(await heard).toEqual(['news', 'today']);
    await Promise.all([commands.quit(), subscriber.quit()]);
  });

  it('connects again, on its stack, when the connection breaks', async () => {
    const commands = client.run(() => new Redis({ host: '10.0.0.2', port: REDIS_PORT, retryStrategy: () => 50 }));
    const before = await commands.client('ID');
    const ready = once(commands, 'ready');
    await commands.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => {});
    await ready;
    expect(await commands.client('ID')).toBeGreaterThan(before);
    expect(await commands.client('LIST')).toMatch(/addr=10\.0\.0\.1:/);
    await commands.quit();
  });
});

/** What curl prints that runs in the namespace of the third stack. */
async function curl(...args: string[]): Promise<string> {
  const [file = '', ...way] = intoNamespace(Number(third.daemonPid));
  const command = [
    'curl',
    '--silent',
    '--show-error',
    '--noproxy',
    '*',
    '--max-time',
    `${PATIENCE_MS / 1000}`,
    ...args,
  ];
  const { stdout } = await promisify(execFile)(file, [...way, ...command]);
  return stdout;
}
