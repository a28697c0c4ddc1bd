import { AF_INET, SOCK_DGRAM, type Socket, Stack } from 'ioth';
import { openPollHandles, PollHandle, READABLE, WRITABLE } from '../../../lib/io/poll-handle.js';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { holdings } from '../../support/leaks.js';
import { awaitData, tcpPair, udpOn } from '../../support/sockets.js';
import { blockLoop } from '../../support/turns.js';

let stack: Stack;
let start: number;
beforeAll(() => {
  stack = new Stack('kernel');
  start = openPollHandles();
});
afterAll(async () => {
  expect(openPollHandles()).toBe(start);
  await stack.close();
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

test('what a callback settles goes on before the next turn of the loop', async () => {
  const [socket, address] = udpOn(stack, '127.0.0.1');
  const order: string[] = [];
  const timer = await new Promise<Promise<void>>((outer) => {
    const handle = new PollHandle(socket.fileno(), READABLE, () => {
      handle.close();
      // overdue when the next turn begins
      const late = new Promise<void>((done) => {
        setTimeout(() => {
          order.push('timer');
          done();
        }, 1);
      });
      new Promise<void>((settle) => settle()).then(() => order.push('promise'));
      blockLoop(5);
      order.push('callback');
      outer(late);
    });
    socket.sync.sendto('x', address);
  });
  void timer;
  while (order.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(order).toEqual(['callback', 'promise', 'timer']);
  socket.close();
});

// with no timer and no other event a continuation that is not run at once is never run
test('a hundred waits in a row need nothing else to turn the loop', async () => {
  const source = `
    const stack = new ioth.Stack('kernel');
    const ends = [stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM), stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM)];
    for (const end of ends) end.bind(['127.0.0.1', 0]);
    const [ping, pong] = ends;
    let waits = 0;
    for (let i = 0; i < 100; i++) {
      const asked = pong.recvfrom(10);
      await ping.sendto(String(i), pong.getsockname());
      const [data, peer] = await asked;
      const answered = ping.recv(10);
      await pong.sendto(data, peer);
      if (String(await answered) === String(i)) waits += 2;
    }
    for (const end of ends) end.close();
    await stack.close();
    console.log(waits, process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length);
  `;
  const { code, stdout, stderr } = await runText(temporaryDirectory(), source);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '200 0\n', stderr: '' });
});

describe('a handle', () => {
  let socket: Socket;
  let peer: Socket;
  beforeEach(async () => {
    [socket, peer] = await tcpPair(stack, stack, '127.0.0.1');
  });
  afterEach(() => {
    socket.close();
    peer.close();
  });

  test('tells what is ready among what is watched', async () => {
    const seen: number[] = [];
    const handle = new PollHandle(socket.fileno(), READABLE, (mask) => seen.push(mask));
    expect([handle.watched, openPollHandles()]).toEqual([READABLE, start + 1]);
    await turns(5);
    expect(seen).toEqual([]);
    handle.watch(READABLE | WRITABLE);
    await turns(5);
    expect(new Set(seen)).toEqual(new Set([WRITABLE]));
    peer.sync.sendall('x');
    awaitData(socket);
    await turns(5);
    expect(seen.at(-1)).toBe(READABLE | WRITABLE);
    handle.close();
    expect(openPollHandles()).toBe(start);
  });

  test('is quiet while it watches nothing, and after it is closed', async () => {
    const seen: number[] = [];
    const handle = new PollHandle(socket.fileno(), READABLE, (mask) => seen.push(mask));
    handle.watch(0);
    peer.sync.sendall('x');
    awaitData(socket);
    await turns(5);
    expect([seen, handle.watched]).toEqual([[], 0]);
    handle.watch(READABLE);
    await turns(5);
    expect(seen.length).toBeGreaterThan(0);
    handle.close();
    const count = seen.length;
    await turns(5);
    expect(seen).toHaveLength(count);
  });

  test('tells of an end and of an error', async () => {
    const seen: number[] = [];
    const handle = new PollHandle(socket.fileno(), READABLE, (mask) => {
      seen.push(mask);
      handle.watch(0);
    });
    socket.sync.sendall('never read');
    awaitData(peer);
    peer.close();
    awaitData(socket);
    await turns(10);
    expect(seen.length).toBeGreaterThan(0);
    expect((seen[0] as number) & READABLE).toBe(READABLE);
    handle.close();
  });
});

test('every way in which a wait ends gives its handle back', async () => {
  const [socket, address] = udpOn(stack, '127.0.0.1');
  const waiting = socket.recv(10);
  expect(openPollHandles()).toBe(start + 1);
  await socket.sendto('x', address);
  await waiting;
  // one handle a socket, for its life
  expect(openPollHandles()).toBe(start + 1);
  socket.settimeout(0.01);
  await expect(socket.recv(1)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  await expect(socket.recv(1, 0, { signal: AbortSignal.timeout(5) })).rejects.toBeDefined();
  expect(openPollHandles()).toBe(start + 1);
  const ended = expect(socket.recv(1)).rejects.toMatchObject({ code: 'ECANCELED' });
  socket.close();
  await ended;
  expect(openPollHandles()).toBe(start);
});

test('the watch on a descriptor whose number is used again gets no event of the one before', async () => {
  const [first, firstAddress] = udpOn(stack, '127.0.0.1');
  const [second, secondAddress] = udpOn(stack, '127.0.0.1');
  const seen: string[] = [];
  const watches: PollHandle[] = [];
  let heir: Socket | undefined;
  // whichever is told of first puts another descriptor in the place of the other, of which the same look has an event too
  const replace = (name: string, other: Socket, othersWatch: () => PollHandle) => () => {
    seen.push(name);
    for (const watch of watches) watch.watch(0);
    if (heir) return;
    const number = other.fileno();
    othersWatch().close();
    other.close();
    heir = stack.socket(AF_INET, SOCK_DGRAM);
    expect(heir.fileno()).toBe(number);
    watches.push(new PollHandle(number, READABLE, () => seen.push('heir')));
  };
  watches.push(
    new PollHandle(
      first.fileno(),
      READABLE,
      replace('first', second, () => watches[1] as PollHandle),
    ),
  );
  watches.push(
    new PollHandle(
      second.fileno(),
      READABLE,
      replace('second', first, () => watches[0] as PollHandle),
    ),
  );
  first.sync.sendto('x', secondAddress);
  first.sync.sendto('x', firstAddress);
  for (const socket of [first, second]) awaitData(socket);
  await turns(10);
  expect(seen).toHaveLength(1);
  expect(heir).toBeDefined();
  for (const watch of watches) watch.close();
  for (const socket of [first, second, heir]) socket?.close();
});

test('with the last handle the set of watches goes: no descriptor is left', () => {
  const descriptors = () => holdings().descriptors.length;
  const [socket] = udpOn(stack, '127.0.0.1');
  const before = descriptors();
  const handle = new PollHandle(socket.fileno(), READABLE, () => {});
  expect(descriptors()).toBeGreaterThan(before);
  handle.close();
  expect(descriptors()).toBe(before);
  socket.close();
});
