import { AF_INET, IothError, SOCK_DGRAM, Stack } from 'ioth';
import { awaitData, tcpPair } from '../../support/sockets.js';
import { blockLoop } from '../../support/turns.js';

// After many operations in a row that never waited the next one takes a turn of the loop first: it must not show.
const MANY = 600;
/** A dialog that lets no timer have its turn goes on for so long. */
const MOST_TRIPS = 200_000;

let stack: Stack;
beforeAll(() => {
  stack = new Stack('kernel');
});
afterAll(() => stack.close());

function boundSocket() {
  const socket = stack.socket(AF_INET, SOCK_DGRAM);
  socket.bind(['127.0.0.1', 0]);
  return socket;
}

test('an operation that may not wait is tried all the same', async () => {
  using socket = boundSocket();
  socket.settimeout(0);
  for (let i = 0; i < MANY; i++) {
    await socket.sendto('x', socket.getsockname());
    awaitData(socket);
    expect(String(await socket.recv(1))).toBe('x');
    await expect(socket.recv(1)).rejects.toMatchObject({ code: 'EAGAIN' });
  }
});

test('the time of an operation begins with its first try', async () => {
  using socket = boundSocket();
  socket.settimeout(0.001);
  let immediates = 0;
  for (let i = 0; i < MANY / 2; i++) {
    const immediate = setImmediate(() => immediates++);
    const sent = socket.sendto('x', socket.getsockname());
    // longer than its time: a timer that ran already would be due
    blockLoop(3);
    await sent;
    clearImmediate(immediate);
    awaitData(socket);
    expect(String(await socket.recv(1))).toBe('x');
  }
  // some of them took a turn of the loop first
  expect(immediates).toBeGreaterThan(0);
});

test('an abort is heard, before the turn and after it', async () => {
  using socket = boundSocket();
  for (let i = 0; i < MANY; i++) {
    const controller = new AbortController();
    const received = socket.recv(1, 0, { signal: controller.signal });
    if (i % 2 === 0) controller.abort();
    else setImmediate(() => setImmediate(() => controller.abort()));
    const failure = await received.catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(IothError);
    expect(failure).toMatchObject({ code: 'ABORT_ERR' });
  }
});

test('a dialog that never pauses lets timers and immediates have their turns', async () => {
  const [ping, pong] = [boundSocket(), boundSocket()];
  const [toPing, toPong] = [ping.getsockname(), pong.getsockname()];
  const answering = (async () => {
    for (;;) {
      await pong.recv(1);
      await pong.sendto('x', toPing);
    }
  })();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  let turns = 0;
  const count = () => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  let trips = 0;
  for (; trips < MOST_TRIPS && (trips < 1000 || ticks < 4); trips++) {
    await ping.sendto('x', toPong);
    await ping.recv(1);
  }
  clearInterval(timer);
  clearImmediate(immediate);
  pong.close();
  ping.close();
  await expect(answering).rejects.toMatchObject({ code: 'ECANCELED' });
  expect(turns).toBeGreaterThan(trips / 100);
  expect(trips).toBeLessThan(MOST_TRIPS);
});

test('a dialog of slow steps lets immediates have their turns after few of them', async () => {
  const TRIPS = 100;
  const [client, server] = await tcpPair(stack, stack, '127.0.0.1');
  let turns = 0;
  const count = () => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  const answering = (async () => {
    for (let i = 0; i < TRIPS; i++) {
      const data = await server.recv(1);
      blockLoop(1);
      await server.sendall(data);
    }
  })();
  for (let i = 0; i < TRIPS; i++) {
    await client.sendall('x');
    expect(String(await client.recv(1))).toBe('x');
  }
  await answering;
  clearImmediate(immediate);
  client.close();
  server.close();
  expect(turns).toBeGreaterThan(TRIPS / 4);
});

test('a fast sender lets others have a turn of the loop after each half a MiB', async () => {
  const BLOCK = 64 * 1024;
  const BLOCKS = 500;
  const [sender, receiver] = await tcpPair(stack, stack, '127.0.0.1');
  let inThisTurn = 0;
  let most = 0;
  const turn = () => {
    inThisTurn = 0;
    immediate = setImmediate(turn);
  };
  let immediate = setImmediate(turn);
  const sending = (async () => {
    const block = Buffer.alloc(BLOCK);
    for (let i = 0; i < BLOCKS; i++) {
      await sender.sendall(block);
      inThisTurn += BLOCK;
      most = Math.max(most, inThisTurn);
    }
    sender.close();
  })();
  const buffer = Buffer.alloc(BLOCK);
  let received = 0;
  for (let count = 1; count > 0; received += count) count = await receiver.recv_into(buffer);
  await sending;
  clearImmediate(immediate);
  receiver.close();
  expect(received).toBe(BLOCKS * BLOCK);
  // the turn that it waited for may have begun when it began to wait
  expect(most).toBeLessThan(1.25 * 1024 * 1024);
});
