import { SO_LINGER, SOL_SOCKET, type Socket, Stack } from 'ioth';
import { libc } from '../../../ffi/libc.js';
import { openPollHandles, PollHandle, READABLE, WRITABLE } from '../../../lib/io/poll-handle.js';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { holdings } from '../../support/leaks.js';
import { tcpPair } from '../../support/sockets.js';
import { ticks } from '../../support/turns.js';
import { becomes } from '../../support/until.js';

/* A descriptor whose events often come alone is watched by libuv itself, and not by the set of its thread. */

/** More events than a descriptor needs, those included after which a second poll is given up. */
const MANY = 60;
let stack: Stack;
let socket: Socket;
let peer: Socket;
let handles: number;
let exits: number;
beforeAll(() => {
  stack = new Stack('kernel');
});
beforeEach(async () => {
  handles = openPollHandles();
  exits = process.listenerCount('exit');
  [socket, peer] = await tcpPair(stack, stack, '127.0.0.1');
  // the set of the listener's watch goes
  await becomes(() => process.listenerCount('exit') === exits);
});
afterEach(async () => {
  jest.restoreAllMocks();
  socket.close();
  peer.close();
  expect(openPollHandles()).toBe(handles);
  await becomes(() => process.listenerCount('exit') === exits);
  expect(process.listenerCount('exit')).toBe(exits);
});
afterAll(() => stack.close());

/** Receives one byte after the other, each after a wait. Returns how often the set was asked for events. */
async function receive(count: number, to = socket, from = peer): Promise<number> {
  const looks = jest.spyOn(libc(), 'epoll_wait');
  for (let i = 0; i < count; i++) {
    const waiting = to.recv(10);
    await new Promise((resolve) => setImmediate(resolve));
    from.sync.sendall('x');
    expect(String(await waiting)).toBe('x');
  }
  const { length } = looks.mock.calls;
  looks.mockRestore();
  return length;
}

test('waits of a descriptor that waits often ask the set no more', async () => {
  expect(await receive(MANY)).toBeGreaterThan(0);
  expect(await receive(MANY)).toBe(0);
});

test('what comes while nothing waits is kept, and its event comes once', async () => {
  await receive(MANY);
  const looks = jest.spyOn(libc(), 'epoll_wait');
  peer.sync.sendall('early');
  await ticks();
  expect(looks.mock.calls.length).toBeLessThan(5);
  expect(String(await socket.recv(10))).toBe('early');
  await receive(5);
});

test('a wait ends by its timeout, by a signal and by close, and the socket is as good as before', async () => {
  await receive(MANY);
  socket.settimeout(0.01);
  await expect(socket.recv(1)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  socket.settimeout(null);
  await expect(socket.recv(1, 0, { signal: AbortSignal.timeout(5) })).rejects.toThrow(/aborted/);
  expect(await receive(5)).toBe(0);
  const ended = expect(socket.recv(1)).rejects.toMatchObject({ code: 'ECANCELED' });
  socket.close();
  await ended;
});

test('the end and the reset of a connection are told', async () => {
  await receive(MANY);
  const last = socket.recv(1);
  peer.shutdown(1);
  expect((await last).length).toBe(0);
  const [client, server] = await tcpPair(stack, stack, '127.0.0.1');
  await receive(MANY, client, server);
  const waiting = expect(client.recv(1)).rejects.toMatchObject({ code: 'ECONNRESET' });
  server.setsockopt(SOL_SOCKET, SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  server.close();
  await waiting;
  client.close();
});

test('a busy poll is the work of the set', async () => {
  await receive(MANY);
  stack.busyPoll(50);
  await receive(2);
  expect(await receive(2)).toBeGreaterThan(0);
  stack.busyPoll(0);
});

test('more descriptors than libuv gets are served all the same', async () => {
  const pairs = await Promise.all(Array.from({ length: 70 }, () => tcpPair(stack, stack, '127.0.0.1')));
  const counts: number[] = [];
  for (const [client, server] of pairs) {
    await receive(MANY, client, server);
    counts.push(await receive(2, client, server));
  }
  expect(counts.filter((count) => count === 0)).toHaveLength(64);
  for (const [client, server] of pairs) {
    client.close();
    server.close();
  }
});

test('a change of what is watched goes back to the set, and no descriptor is left', async () => {
  const before = holdings().descriptors.length;
  const seen: number[] = [];
  const handle = new PollHandle(socket.fileno(), READABLE, (mask) => {
    seen.push(mask);
    if (mask & READABLE) socket.sync.recv(10);
  });
  for (let i = 1; i <= MANY; i++) {
    peer.sync.sendall('x');
    await becomes(() => seen.length === i);
  }
  const looks = jest.spyOn(libc(), 'epoll_wait');
  peer.sync.sendall('x');
  await becomes(() => seen.length === MANY + 1);
  expect([looks.mock.calls.length, handle.watched]).toEqual([0, READABLE]);
  handle.watch(READABLE | WRITABLE);
  await becomes(() => seen.includes(WRITABLE));
  expect([looks.mock.calls.length > 0, handle.watched]).toEqual([true, READABLE | WRITABLE]);
  handle.watch(0);
  const { length } = seen;
  peer.sync.sendall('x');
  await ticks(3);
  expect([seen.length, handle.watched]).toEqual([length, 0]);
  handle.close();
  expect(holdings().descriptors.length).toBe(before);
});

test('a program ends while such a descriptor waits', async () => {
  const source = `
    const stack = new ioth.Stack('kernel');
    const listener = stack.socket(ioth.AF_INET, ioth.SOCK_STREAM);
    listener.bind(['127.0.0.1', 0]);
    listener.listen();
    const client = stack.socket(ioth.AF_INET, ioth.SOCK_STREAM);
    await client.connect(listener.getsockname());
    const [server] = await listener.accept();
    for (let i = 0; i < ${MANY}; i++) {
      const waiting = client.recv(10);
      await new Promise((resolve) => setImmediate(resolve));
      server.sync.sendall('x');
      await waiting;
    }
    client.recv(10);
    server.sync.sendall('the last event comes while the process ends');
    console.log('waits');
    process.exit(3);
  `;
  const { code, stdout, stderr } = await runText(temporaryDirectory(), source);
  expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: 'waits\n', stderr: '' });
});
