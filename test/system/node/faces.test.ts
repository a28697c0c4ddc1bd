import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { override, type Stack } from 'ioth';
import { selfSigned } from '../../support/certificate.js';
import { useNetwork } from '../../support/network.js';
import { hostPort, type Trap, trap } from '../../support/traps.js';
import { PATIENCE_MS } from '../../support/until.js';

/*
 * Each face talks to 127.0.0.1 of its own stack, while the same address and port listens on the host and on another stack.
 */

const PORT = hostPort(7500);
const secrets = { ...selfSigned(), rejectUnauthorized: false };

let left: Stack;
let right: Stack;
let traps: Trap[];

afterEach(async () => {
  for (const trap of traps) await trap.close();
  expect(traps.map(({ heard }) => heard)).toEqual([0, 0]);
});
const lan = useNetwork(2, 'test');
beforeEach(async () => {
  [left, right] = lan.stacks as [Stack, Stack];
  traps = [await trap(PORT), await right.run(() => trap(PORT))];
});

/** Ways to use a face: each gives back what the server says to who asks. */
const conversations: Record<string, (on: Stack) => Promise<string>> = {
  async net(on) {
    const server = new on.net.Server((socket) => socket.on('error', () => {}).end('net'));
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const socket = new on.net.Socket();
    expect(socket).toBeInstanceOf(net.Socket);
    expect(socket).toBeInstanceOf(on.net.Socket);
    expect(server).toBeInstanceOf(net.Server);
    socket.connect(PORT, 'localhost');
    const said = await text(socket);
    server.close();
    return said;
  },
  async dgram(on) {
    const server = on.dgram.createSocket('udp4', (_message, { port, address }) => server.send('dgram', port, address));
    server.bind(PORT, '127.0.0.1');
    await once(server, 'listening');
    const client = on.dgram.createSocket('udp4');
    expect(client).toBeInstanceOf(dgram.Socket);
    client.send('?', PORT, 'localhost');
    const [said] = await once(client, 'message');
    client.close();
    server.close();
    return String(said);
  },
  async http(on) {
    const server = on.http.createServer((_request, response) => response.end('http'));
    expect(server).toBeInstanceOf(http.Server);
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const [response] = await once(on.http.get(`http://localhost:${PORT}/`), 'response');
    const said = await text(response);
    const agent = new on.http.Agent({ keepAlive: true });
    // used from outside, the agent is where it belongs
    const [again] = await once(http.get({ host: '127.0.0.1', port: PORT, agent }), 'response');
    expect(await text(again)).toBe(said);
    const [third] = await once(http.get({ host: '127.0.0.1', port: PORT, agent: on.http.globalAgent }), 'response');
    expect(await text(third)).toBe(said);
    agent.destroy();
    server.close();
    server.closeAllConnections();
    return said;
  },
  async https(on) {
    const server = on.https.createServer(secrets, (_request, response) => response.end('https'));
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const options = { host: 'localhost', port: PORT, rejectUnauthorized: false };
    const [response] = await once(on.https.get(options), 'response');
    const said = await text(response);
    expect(server).toBeInstanceOf(https.Server);
    server.close();
    server.closeAllConnections();
    return said;
  },
  async http2(on) {
    const server = on.http2.createServer((_request, response) => response.end('http2'));
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const session = on.http2.connect(`http://localhost:${PORT}`);
    const said = await text(session.request({ ':path': '/' }));
    session.close();
    server.close();
    return said;
  },
  async 'http2 over tls'(on) {
    const server = on.http2.createSecureServer(secrets, (_request, response) => response.end('h2'));
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const session = on.http2.connect(`https://localhost:${PORT}`, { rejectUnauthorized: false });
    const said = await text(session.request({ ':path': '/' }));
    expect(session.alpnProtocol).toBe('h2');
    session.close();
    server.close();
    return said;
  },
  async tls(on) {
    const server = on.tls.createServer(secrets, (socket) => socket.on('error', () => {}).end('tls'));
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const socket = on.tls.connect({ port: PORT, host: 'localhost', rejectUnauthorized: false });
    expect(socket).toBeInstanceOf(tls.TLSSocket);
    const said = await text(socket);
    server.close();
    return said;
  },
  async fetch(on) {
    const server = on.http.createServer((_request, response) => response.end('fetch'));
    server.listen(PORT, '127.0.0.1');
    await once(server, 'listening');
    const { fetch } = on;
    const said = await (await fetch(`http://localhost:${PORT}/`)).text();
    server.close();
    server.closeAllConnections();
    return said;
  },
};

it.each(Object.keys(conversations))('%s by its face', async (name) => {
  expect(await conversations[name]?.(left)).toBe(name === 'http2 over tls' ? 'h2' : name);
});

it.each(Object.keys(conversations))('%s of Node in run', async (name) => {
  const plain = { net, dgram, http, https, http2, tls, fetch } as unknown as Stack;
  expect(await left.run(() => conversations[name]?.(plain))).toBe(name === 'http2 over tls' ? 'h2' : name);
});

it.each(Object.keys(conversations))('%s of Node under an override', async (name) => {
  const plain = { net, dgram, http, https, http2, tls, fetch } as unknown as Stack;
  const takeBack = override(left);
  try {
    expect(await conversations[name]?.(plain)).toBe(name === 'http2 over tls' ? 'h2' : name);
  } finally {
    takeBack();
  }
});

it('a face is below nobody: neither run nor override move it', async () => {
  const takeBack = override(right);
  try {
    expect(await right.run(() => conversations.net?.(left))).toBe('net');
  } finally {
    takeBack();
  }
});

it('the traps hear who is on the host', async () => {
  const socket = net.connect(PORT, '127.0.0.1');
  await once(socket.resume(), 'close');
  expect(traps.map(({ heard }) => heard)).toEqual([1, 0]);
  await traps[0]?.close();
  traps[0] = await trap(PORT);
});

it('delivers what was written under TLS where the stack is closed', async () => {
  const bytes = 3_000_000;
  const server = left.tls.createServer(secrets, (socket) => socket.on('error', () => {}).write(Buffer.alloc(bytes)));
  await once(server.listen(PORT, '10.0.0.1'), 'listening');
  const socket = right.tls.connect({ port: PORT, host: '10.0.0.1', rejectUnauthorized: false });
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
  });
  socket.on('error', () => {});
  await once(socket, 'data');
  const ended = once(socket, 'close');
  await left.close({ linger: PATIENCE_MS / 1000 });
  await ended;
  expect(received).toBe(bytes);
});

it('a class of the program on a face is its own, on the stack', async () => {
  class Mine extends left.net.Socket {
    readonly mine = true;
  }
  const server = left.net.createServer((socket) => socket.end('mine')).listen(PORT, '127.0.0.1');
  await once(server, 'listening');
  const socket = new Mine().connect(PORT, '127.0.0.1') as Mine;
  expect(socket).toBeInstanceOf(Mine);
  expect(socket.mine).toBe(true);
  expect(await text(socket)).toBe('mine');
  server.close();
});

it('tries several addresses of a name on the stack (autoSelectFamily)', async () => {
  const server = left.net.createServer((socket) => socket.end('second')).listen(PORT, '127.0.0.1');
  await once(server, 'listening');
  const lookup: net.LookupFunction = (_name, _options, done) => {
    // from a context that knows nothing of run
    setTimeout(
      () =>
        done(null, [
          { address: '::1', family: 6 },
          { address: '127.0.0.1', family: 4 },
        ]),
      1,
    );
  };
  const socket = left.run(() => net.connect({ port: PORT, host: 'two', lookup, autoSelectFamily: true }));
  expect(await text(socket)).toBe('second');
  const silent = left.run(() =>
    net.connect({
      port: PORT,
      host: 'two',
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 20,
      lookup: (_name, _options, done) =>
        done(null, [
          { address: '10.0.0.77', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]),
    }),
  );
  expect(await text(silent)).toBe('second');
  server.close();
});

it('stack.run returns what the function returns, and throws what it throws', async () => {
  expect(left.run((a: number, b: number) => a + b, 1, 2)).toBe(3);
  expect(() =>
    left.run(() => {
      throw new RangeError('mine');
    }),
  ).toThrow(RangeError);
  // @ts-expect-error no function
  expect(() => left.run(5)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  // @ts-expect-error no stack
  expect(() => override({})).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});

it('what a face goes on with in later turns is on its stack', async () => {
  // no run and no override here: after each look-up there is nothing but the face's own objects
  const server = left.http.createServer((_request, response) => response.end('later'));
  server.listen(PORT, 'localhost');
  await once(server, 'listening');
  const agent = new left.http.Agent({ maxSockets: 1 });
  const { port } = server.address() as net.AddressInfo;
  const ask = async () => {
    const [response] = await once(http.get({ host: 'localhost', port, agent }), 'response');
    return text(response);
  };
  expect(await Promise.all([ask(), ask(), ask()])).toEqual(['later', 'later', 'later']);
  const lookup: net.LookupFunction = (_name, _options, done) =>
    setTimeout(() => done(null, [{ address: '127.0.0.1', family: 4 }]), 1);
  const [response] = await once(left.http.get({ host: 'any', port, lookup }), 'response');
  expect(await text(response)).toBe('later');
  agent.destroy();
  server.close();
  server.closeAllConnections();
});

it('what the handlers of a face call is meant for what is meant there', async () => {
  const server = left.net.createServer((socket) => {
    net
      .connect(PORT, '127.0.0.1')
      .resume()
      .on('close', () => socket.end('the host heard it'));
  });
  await once(server.listen(PORT, '127.0.0.1'), 'listening');
  expect(await text(left.net.connect(PORT, '127.0.0.1'))).toBe('the host heard it');
  expect(traps.map(({ heard }) => heard)).toEqual([1, 0]);
  await traps[0]?.close();
  traps[0] = await trap(PORT);
  server.close();
});
