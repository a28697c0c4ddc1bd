import { existsSync, rmSync } from 'node:fs';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { AF_INET, SOCK_DGRAM, Stack } from 'ioth';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, expectNothingLeftNow, type Holdings, holdings } from '../../support/leaks.js';
import { waitForNeighbours } from '../../support/neighbours.js';
import { aloneStack, silentAddress } from '../../support/network.js';
import { listenOn, udpOn } from '../../support/sockets.js';

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

const canceled = { status: 'rejected', reason: expect.objectContaining({ code: 'ECANCELED' }) };

test('closing a socket rejects all that waits on it, in order; twice is fine', async () => {
  const stack = aloneStack();
  const [listener] = listenOn(stack, '10.0.0.1');
  const order: number[] = [];
  const waiting = [0, 1, 2].map((i) =>
    listener.accept().catch((error) => {
      order.push(i);
      throw error;
    }),
  );
  listener.close();
  listener.close();
  expect(await Promise.allSettled(waiting)).toEqual([canceled, canceled, canceled]);
  expect(order).toEqual([0, 1, 2]);
  await expect(listener.accept()).rejects.toMatchObject({ code: 'EBADF' });
  await stack.close();
});

test('closing a stack closes its sockets first; twice, in both ways, is fine', async () => {
  const stack = aloneStack();
  const [socket] = udpOn(stack, '10.0.0.1');
  const [listener] = listenOn(stack, '10.0.0.1');
  const connecting = stack.socket();
  // not silentAddress(): where programs ran, they are ended before the sockets
  waitForNeighbours(stack, stack.if_nametoindex('vde0'));
  const waiting = Promise.allSettled([socket.recv(1), listener.accept(), connecting.connect(['10.0.0.99', 9])]);
  await delay(10);
  let closes = 0;
  stack.on('close', () => closes++);
  const first = stack.close();
  expect([socket, listener, connecting].map(({ closed }) => closed)).toEqual([true, true, true]);
  expect(stack.closed).toBe(true);
  const second = stack.close();
  stack.closeSync();
  expect(await waiting).toEqual([canceled, canceled, canceled]);
  await Promise.all([first, second, stack.close()]);
  stack.closeSync();
  expect(closes).toBe(1);
  expect(() => stack.socket()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  expect(() => stack.if_nameindex()).toThrow(expect.objectContaining({ code: 'EBADF' }));
});

test('a stack is disposed of, and closed by closeSync() at once', async () => {
  {
    using stack = aloneStack();
    stack.socket();
  }
  expectNothingLeftNow(before);
  {
    await using stack = aloneStack();
    stack.socket();
  }
  expectNothingLeftNow(before);
});

test('the loop turns while ten stacks close', async () => {
  const stacks = Array.from({ length: 10 }, aloneStack);
  const daemons = stacks.map(({ daemonPid }) => daemonPid as number);
  for (const stack of stacks) stack.socket();
  for (const daemon of daemons) process.kill(daemon, 'SIGSTOP');
  let closed = 0;
  const closing = stacks.map((stack) => stack.close().then(() => closed++));
  for (let i = 0; i < 3; i++) await turn();
  // no daemon could end, and nothing but the promises waits for them
  expect(closed).toBe(0);
  for (const daemon of daemons) process.kill(daemon, 'SIGCONT');
  await Promise.all(closing);
});

test.each([
  ['close', (stack: Stack) => stack.close()],
  ['closeSync', (stack: Stack) => stack.closeSync()],
])('a daemon that does not end when it is told to is killed: %s', async (_name, end) => {
  const stack = aloneStack();
  stack.socket();
  process.kill(stack.daemonPid as number, 'SIGSTOP');
  await end(stack);
  expect(stack.closed).toBe(true);
});

test('300 stacks are closed at once', async () => {
  const stacks = Array.from({ length: 300 }, () => new Stack('vdestack'));
  const daemons = stacks.map(({ daemonPid: daemon }) => daemon as number);
  await Promise.all(stacks.map((stack) => stack.close()));
  expect(daemons.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
});

test('the options of close are checked', async () => {
  const stack = aloneStack();
  await expect(stack.close({ linger: -1 })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  await expect(stack.close({ linger: '1' as never })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(stack.close({ lingr: 1 } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  expect(() => stack.closeSync(null as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  expect(stack.closed).toBe(false);
  await stack.close({ linger: 0 });
});

test('a connect that is aborted or timed out leaves the socket able to connect, and the stack able to end', async () => {
  const stack = aloneStack();
  const [listener, address] = listenOn(stack, '10.0.0.1');
  const socket = stack.socket();
  const controller = new AbortController();
  const silent = silentAddress(stack);
  const connecting = socket.connect([silent, 9], { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await expect(connecting).rejects.toMatchObject({ code: 'ABORT_ERR', cause: new Error('enough') });
  socket.settimeout(0.02);
  await expect(socket.connect([silent, 9])).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(() => socket.sync.connect([silent, 9])).toThrow(expect.objectContaining({ code: 'ETIMEDOUT' }));
  socket.settimeout(null);
  const [[server]] = await Promise.all([listener.accept(), socket.connect(address)]);
  await socket.sendall('at last');
  expect((await server.recv(100)).toString()).toBe('at last');
  // closeSync would say EBUSY if libioth counted one socket too many
  for (const each of [socket, server, listener]) each.close();
  stack.closeSync();
});

test('calls that fail leave no count in libioth', async () => {
  const stack = aloneStack();
  expect(() => stack.socket(99)).toThrow(expect.objectContaining({ code: 'EAFNOSUPPORT' }));
  expect(() => stack.socket(AF_INET, SOCK_DGRAM, 250)).toThrow(expect.objectContaining({ code: 'EPROTONOSUPPORT' }));
  const socket = stack.socket();
  await expect(socket.connect(['10.0.0.1', 9])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(socket.accept()).rejects.toMatchObject({ code: 'EINVAL' });
  socket.close();
  stack.closeSync();
});

test('a stack that cannot be made leaves nothing', async () => {
  const dir = temporaryDirectory();
  try {
    expect(() => new Stack('vdestack', `vde://${dir}/nowhere`)).toThrow();
    expect(() => new Stack('nosuchplugin')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
    expect(() => new Stack('vdestack', ['null://', `vde://${dir}/nowhere`])).toThrow();
  } finally {
    rmSync(dir, { recursive: true });
  }
  await expectNothingLeft(before);
});

test('a switch goes with its stack, though peers are joined', async () => {
  const dir = temporaryDirectory();
  try {
    const hub = new Stack('vdestack', `switch://${dir}/switch`);
    const peers = Array.from({ length: 3 }, () => new Stack('vdestack', `vde://${dir}/switch`));
    await delay(20);
    await hub.close();
    expect(existsSync(`${dir}/switch`)).toBe(false);
    await Promise.all(peers.map((peer) => peer.close()));
    // what a switch that was killed leaves is taken over
    const killed = startScript('joined.ts', [`switch://${dir}/switch`]);
    await killed.says('joined');
    killed.kill('SIGKILL');
    await killed.exit;
    expect(existsSync(`${dir}/switch`)).toBe(true);
    await new Stack('vdestack', `switch://${dir}/switch`).close();
    expect(existsSync(`${dir}/switch`)).toBe(false);
    // the place is free again
    await new Stack('vdestack', `switch://${dir}/switch`).close();
    expect(existsSync(`${dir}/switch`)).toBe(false);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
