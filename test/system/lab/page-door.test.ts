import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Lab, type LabPage } from 'ioth/lab';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';

/* Who gets in at the server of a lab's page. */

interface Answer {
  status: number;
  body: string;
  headers: NodeJS.Dict<string | string[]>;
}

let before: Holdings;
let lab: Lab<'lan', 'alice' | 'bob'>;
let page: LabPage;
let token: string;

beforeAll(async () => {
  before = holdings();
  lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
  page = await lab.serve();
  token = new URL(page.url).search;
});
afterAll(async () => {
  await lab.close();
  await expectNothingLeft(before);
});

/** Asks the server, with any headers. */
async function ask(path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const asked = request({
    port: page.port,
    host: '127.0.0.1',
    path,
    method: body === undefined ? 'GET' : 'POST',
    headers: { host: `127.0.0.1:${page.port}`, ...headers },
    agent: false,
  });
  asked.end(body);
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return { status: response.statusCode, body: text, headers: response.headers };
}

const JSON_TYPE = { 'content-type': 'application/json' };
const DOWN = JSON.stringify({ do: 'down', host: 'bob' });

test('who knows the token gets the page', async () => {
  const { status, body, headers } = await ask(`/${token}`);
  expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
  expect(body).toMatch(/^<!doctype html>/);
  expect(body).toContain('MIT');
  expect(headers).toMatchObject({
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  });
  expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
  expect((await ask(`/${token}`, { host: `localhost:${page.port}` })).status).toBe(200);
});

test.each([
  ['no token', '/', {}, 403],
  ['an empty token', '/?token=', {}, 403],
  ['a wrong token', `/?token=${'x'.repeat(32)}`, {}, 403],
  ['another path without a token', '/events', {}, 403],
])('%s is refused', async (_, path, headers, status) => {
  const answer = await ask(path, headers);
  expect(answer.status).toBe(status);
  expect(answer.body).toBe('{"error":"the token in the URL is missing, or wrong"}');
});

test.each([
  ['another origin', { origin: 'http://evil.example' }, 403],
  ['the origin of another port', { origin: 'http://127.0.0.1:1' }, 403],
  ['an origin without a name', { origin: 'null' }, 403],
  ['a request that another site began', { 'sec-fetch-site': 'cross-site' }, 403],
  ['a request of another server of this machine', { 'sec-fetch-site': 'same-site' }, 403],
  ['a name that leads here', { host: 'evil.example' }, 421],
  ['another port', { host: '127.0.0.1:1' }, 421],
] as const)('%s is refused, with the token too', async (_, headers, status) => {
  for (const path of ['/', '/events', '/terminal.js']) expect((await ask(path + token, headers)).status).toBe(status);
  expect((await ask(`/act${token}`, { ...JSON_TYPE, ...headers }, DOWN)).status).toBe(status);
  expect(lab.hosts.bob.isUp).toBe(true);
});

test('an action is JSON, of a known kind, and not too long', async () => {
  expect((await ask(`/act${token}`, { 'content-type': 'text/plain' }, DOWN)).status).toBe(415);
  expect((await ask(`/act${token}`, JSON_TYPE, '{')).status).toBe(400);
  for (const name of ['constructor', '__proto__', 'toString', 'nothing']) {
    expect((await ask(`/act${token}`, JSON_TYPE, JSON.stringify({ do: name }))).body).toContain('do must be an action');
  }
  expect((await ask(`/act${token}`, JSON_TYPE, 'null')).status).toBe(400);
  const long = JSON.stringify({ do: 'down', host: 'x'.repeat(300_000) });
  expect((await ask(`/act${token}`, JSON_TYPE, long)).status).toBe(413);
  for (const host of ['__proto__', 'constructor', 7, null]) {
    expect((await ask(`/act${token}`, JSON_TYPE, JSON.stringify({ do: 'down', host }))).status).toBe(400);
    expect((await ask(`/act${token}`, JSON_TYPE, JSON.stringify({ do: 'host', host }))).status).toBe(400);
  }
  const open = JSON.stringify({ do: 'open', client: 99, host: 'bob', columns: 80, rows: 24 });
  expect((await ask(`/act${token}`, JSON_TYPE, open)).body).toContain('client must be a page that is open');
  expect(lab.hosts.bob.isUp).toBe(true);
  expect(await ask(`/act${token}`, JSON_TYPE, DOWN)).toMatchObject({ status: 200, body: '{}' });
  expect(lab.hosts.bob.isUp).toBe(false);
});

test('nothing else is there', async () => {
  for (const path of ['/page.html', '/../page.html', '/etc/passwd', '//evil.example/', '/act']) {
    expect((await ask(path + token)).status).toBe(404);
  }
});

test('a websocket is refused', async () => {
  const socket = connect(page.port, '127.0.0.1');
  const origin = 'Origin: http://evil.example\r\n';
  socket.write(
    `GET /events${token} HTTP/1.1\r\nHost: 127.0.0.1:${page.port}\r\n${origin}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 403 /);
  socket.destroy();
  expect((await ask(`/events${token}`, { connection: 'Upgrade', upgrade: 'websocket' })).status).toBe(426);
});

test('it listens on 127.0.0.1 only, on the machine, wherever it was called', async () => {
  await using other = await lab.hosts.alice.run(() => lab.serve());
  const socket = connect(other.port, '127.0.0.1');
  await once(socket, 'connect');
  expect(socket.remoteAddress).toBe('127.0.0.1');
  socket.destroy();
  const elsewhere = connect(other.port, '127.0.0.2');
  expect((await once(elsewhere, 'error').catch((error) => [error]))[0]).toMatchObject({ code: 'ECONNREFUSED' });
});

test('its arguments are checked, and a port that is taken is an error', async () => {
  await expect(lab.serve({ port: 70_000 })).rejects.toThrow('options.port must be');
  await expect(lab.serve({ host: '0.0.0.0' } as object)).rejects.toThrow("'host'");
  await expect(lab.serve({ port: page.port })).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
});

test('what is closed is gone', async () => {
  const other = await lab.serve();
  await Promise.all([other.close(), other.close()]);
  const socket = connect(other.port, '127.0.0.1');
  expect((await once(socket, 'error').catch((error) => [error]))[0]).toMatchObject({ code: 'ECONNREFUSED' });
});

test('a lab that is closed while a page starts has none', async () => {
  const other = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan' } });
  const served = other.serve().catch((error) => error);
  await other.close();
  expect(await served).toMatchObject({ code: 'ERR_IOTH_LAB', message: expect.stringContaining('the lab was closed') });
});
