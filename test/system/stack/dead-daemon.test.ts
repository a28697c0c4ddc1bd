import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, close, SOCK_DGRAM, Stack } from 'ioth';
import { libioth } from '../../../ffi/ioth.js';
import { startScript } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { waitForNeighbours } from '../../support/neighbours.js';
import { aloneStack } from '../../support/network.js';
import { tcpPair, udpOn } from '../../support/sockets.js';

const directory = useDirectory();
let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

function kill(stack: Stack): void {
  process.kill(stack.daemonPid as number, 'SIGKILL');
}

// events.once() would be rejected by the 'error'
function closed(stack: Stack): Promise<void> {
  return new Promise((resolve) => stack.once('close', resolve));
}

test('all that waits is rejected while the loop turns, and the other stack goes on', async () => {
  const other = aloneStack();
  const [client, server] = await tcpPair(other, other, '10.0.0.1');
  const stack = aloneStack();
  stack.on('error', () => {});
  stack.iothdns_update('nameserver 10.0.0.99');
  const [udp] = udpOn(stack, '10.0.0.1');
  const listener = stack.socket();
  listener.bind(['10.0.0.1', 0]);
  listener.listen();
  waitForNeighbours(stack, stack.if_nametoindex('vde0'));
  const waiting = Promise.allSettled([
    listener.accept(),
    udp.recv(10),
    stack.socket().connect(['10.0.0.99', 9]), // nobody answers its ARP
    stack.socket().connect(['host.example', 9]),
  ]);
  await delay(20);
  kill(stack);
  // what the other stack does meanwhile is not held up: the death is an event of the loop
  await client.sendall('during');
  expect((await server.recv(100)).toString()).toBe('during');
  expect(await waiting).toEqual(
    Array(4).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'ERR_STACK_DEAD' }) }),
  );
  await stack.close();
  await client.sendall('still there');
  expect((await server.recv(100)).toString()).toBe('still there');
  await other.close();
});

test("'error', then 'close'; later calls throw at once", async () => {
  const stack = aloneStack();
  const socket = stack.socket(AF_INET, SOCK_DGRAM);
  const events: string[] = [];
  stack.on('error', ({ code }) => events.push(`error ${code}`));
  stack.on('close', () => events.push('close'));
  kill(stack);
  await closed(stack);
  expect(events).toEqual(['error ERR_STACK_DEAD', 'close']);
  expect(stack.closed).toBe(true);
  expect(socket.closed).toBe(true);
  const dead = expect.objectContaining({
    code: 'ERR_STACK_DEAD',
    message: expect.stringMatching(/process \d+\) died/),
  });
  expect(() => stack.socket()).toThrow(dead);
  expect(() => stack.if_nameindex()).toThrow(dead);
  expect(() => socket.getsockname()).toThrow(dead);
  await expect(socket.recv(1)).rejects.toEqual(dead);
  socket.close();
  await stack.close();
  await stack.close();
  stack.closeSync();
  expect(events).toHaveLength(2);
});

test("'error' does not wait for the deletion of the stack", async () => {
  const stack = aloneStack();
  const deletions = jest.spyOn(libioth(), 'delstack');
  const whenReported = new Promise<number>((resolve) => {
    stack.once('error', () => resolve(deletions.mock.calls.length));
  });
  kill(stack);
  await closed(stack);
  expect([await whenReported, deletions.mock.calls.length]).toEqual([0, 1]);
  deletions.mockRestore();
});

test('once the dead stack is closed, its switch can be made again', async () => {
  const vnl = `switch://${directory.path}/sw`;
  const stack = new Stack('vdestack', vnl);
  const again = new Promise<Stack>((resolve, reject) => {
    stack.once('error', () => {
      stack.close().then(() => resolve(new Stack('vdestack', vnl)), reject);
    });
  });
  kill(stack);
  await (await again).close();
  expect(existsSync(join(directory.path, 'sw'))).toBe(false);
});

test('the death is noticed before its event, by whichever call comes first', async () => {
  for (const call of [(stack: Stack) => stack.socket(), (stack: Stack) => stack.if_nameindex()]) {
    const stack = aloneStack();
    const socket = stack.socket(AF_INET, SOCK_DGRAM);
    const received = socket.recv(1).catch(({ code }) => code);
    const events: string[] = [];
    stack.on('error', ({ code }) => events.push(`error ${code}`)).on('close', () => events.push('close'));
    kill(stack);
    // no turn of the loop here: not for the event either
    untilItThrows(() => call(stack));
    expect(events).toEqual([]);
    expect(socket.closed).toBe(true);
    await closed(stack);
    expect(events).toEqual(['error ERR_STACK_DEAD', 'close']);
    expect(await received).toBe('ERR_STACK_DEAD');
  }
});

/** The process dies a moment after kill(2): a call in between may succeed, or be under way. */
function untilItThrows(call: () => unknown): void {
  for (let i = 0; i < 100_000; i++) {
    try {
      call();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_STACK_DEAD' });
      return;
    }
  }
  throw new Error('it never threw');
}

test("'error' comes before 'close' however long the program keeps the loop after a call noticed", async () => {
  const stack = aloneStack();
  const events: string[] = [];
  stack.on('error', () => events.push('error')).on('close', () => events.push('close'));
  kill(stack);
  untilItThrows(() => stack.socket());
  // C has deleted the stack by then
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  await closed(stack);
  expect(events).toEqual(['error', 'close']);
});

test('closed between the death and the event, it has no error to tell', async () => {
  for (const end of [(stack: Stack) => stack.close(), (stack: Stack) => stack.closeSync()]) {
    const stack = aloneStack();
    const events: string[] = [];
    stack.on('error', () => events.push('error')).on('close', () => events.push('close'));
    kill(stack);
    await end(stack);
    await delay(50);
    expect(events).toEqual(['close']);
  }
});

test('a daemon that only rests is waited for, and the answers stay in order', async () => {
  const stack = aloneStack();
  process.kill(stack.daemonPid as number, 'SIGSTOP');
  const { exec } = await import('node:child_process');
  const waking = exec(`sleep 0.2; kill -CONT ${stack.daemonPid}`);
  const first = stack.socket();
  const second = stack.socket(AF_INET, SOCK_DGRAM);
  expect([first.type, second.type]).toEqual([typeOf(first), typeOf(second)]);
  expect(stack.if_nametoindex('vde0')).toBe(2);
  await once(waking, 'close');
  await stack.close();
});

function typeOf(socket: { getsockopt(level: number, name: number): number }): number {
  return socket.getsockopt(1, 3); // SOL_SOCKET, SO_TYPE
}

test('signals in the middle of calls do not mix up their answers', async () => {
  // each daemon that ends is a SIGCHLD
  const stacks = Array.from({ length: 8 }, aloneStack);
  const closing = stacks.slice(1).map((stack) => stack.close());
  const [stack] = stacks as [Stack];
  for (let i = 0; i < 300; i++) {
    const type = 1 + (i % 2);
    using socket = stack.socket(AF_INET, type);
    expect(typeOf(socket)).toBe(type);
    if (i % 10 === 0) await delay(1);
  }
  await Promise.all(closing);
  await stack.close();
});

test('a detached socket keeps the dead stack until it is closed', async () => {
  const stack = aloneStack();
  const fd = stack.socket().detach();
  kill(stack);
  const [error] = await once(stack, 'error');
  expect(error).toMatchObject({ code: 'ERR_STACK_DEAD' });
  await delay(50);
  await expect(stack.close()).rejects.toMatchObject({ code: 'EBUSY' });
  close(fd);
  await stack.close();
  expect(stack.closed).toBe(true);
});

test("an 'error' that nobody listens to is an uncaught exception", async () => {
  const life = startScript('dead-daemon.ts', ['nobody listens']);
  expect(await life.exit).toMatchObject({ code: 1 });
  expect(life.stderr).toContain('ERR_STACK_DEAD');
  expect(life.stdout).toBe('ready\n');
});

test('what listeners throw is uncaught too, and what is left is closed', async () => {
  const life = startScript('dead-daemon.ts', ['listeners throw']);
  expect(await life.exit).toMatchObject({ code: 0, stderr: '' });
  const events = life.stdout.split('\n').sort();
  expect(events).toEqual(['', 'caught server error', 'caught stack close', 'caught stack error', 'closed', 'ready']);
});

test('caught, the process goes on and closes what is left', async () => {
  const life = startScript('dead-daemon.ts', ['somebody catches']);
  expect(await life.exit).toMatchObject({ code: 0 });
  expect({ stdout: life.stdout, stderr: life.stderr }).toEqual({
    stdout: 'ready\ncaught ERR_STACK_DEAD\nclosed\n',
    stderr: '',
  });
});
