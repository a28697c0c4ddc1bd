import { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { connect as connectOnHost, createServer, Socket as NodeSocket } from 'node:net';
import { join } from 'node:path';
import { AF_INET, close, SOCK_DGRAM, SOCK_STREAM, type Socket, Stack } from 'ioth';
import koffi from 'koffi';
import { libc } from '../../../ffi/libc.js';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { tcpPair } from '../../support/sockets.js';

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

function stackWithLoopback(): Stack {
  const stack = new Stack('vdestack');
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  return stack;
}

/** Makes `fd`, which is open, the lowest free number while `work` runs. */
function whileLowestFree<T>(fd: number, work: () => T): T {
  const below: number[] = [];
  for (let number = openSync('/dev/null', 'r'); ; number = openSync('/dev/null', 'r')) {
    below.push(number);
    if (number > fd) break;
  }
  closeSync(fd);
  try {
    return work();
  } finally {
    below.forEach(closeSync);
  }
}

test('one that a net.Socket took and closed: the stack can be closed', async () => {
  const stack = stackWithLoopback();
  const [client, server] = await tcpPair(stack, stack, '127.0.0.1');
  const node = new NodeSocket({ fd: client.detach() });
  await new Promise((written) => node.write('from node', written));
  expect((await server.recv(100)).toString()).toBe('from node');
  await new Promise((closed) => node.once('close', closed).destroy());
  await stack.close();
  expect(stack.closed).toBe(true);
});

test.each(['close', 'closeSync'] as const)('several that were closed by close(2), %s()', async (how) => {
  const stack = new Stack('vdestack');
  for (const socket of [stack.socket(), stack.socket(), stack.socket(AF_INET, SOCK_DGRAM)]) closeSync(socket.detach());
  await stack[how]();
  expect(stack.closed).toBe(true);
});

test("on the kernel's stack too", async () => {
  const stack = new Stack('kernel');
  closeSync(stack.socket().detach());
  await stack.close();
  const open = new Stack('kernel');
  const fd = open.socket().detach();
  await expect(open.close()).rejects.toMatchObject({ code: 'EBUSY', message: expect.stringContaining(`close(${fd})`) });
  close(fd);
  await open.close();
});

test('one that is open still: the message names it', async () => {
  const stack = new Stack('vdestack');
  const [open, gone] = [stack.socket().detach(), stack.socket().detach()];
  closeSync(gone);
  const expected = { code: 'EBUSY', message: expect.stringContaining(`close(${open}) first`) };
  await expect(stack.close()).rejects.toMatchObject(expected);
  close(open);
  await stack.close();
});

test('a file that got its number stays open, at its place, with its locks', async () => {
  const dir = temporaryDirectory();
  const stack = new Stack('vdestack');
  const fd = stack.socket().detach();
  const file = openSync(join(dir, 'file'), 'w+');
  writeSync(file, 'before ');
  expect(libc().dup3(file, fd, 0)).toBe(fd);
  closeSync(file);
  setLock(fd);
  await stack.close();
  writeSync(fd, 'after');
  const text = Buffer.alloc(100);
  expect(text.toString('latin1', 0, readSync(fd, text, 0, 100, 0))).toBe('before after');
  expect(locksOf(fstatSync(fd).ino)).toBe(1);
  // not for children: as it was
  expect(libc().fcntl(fd, F_GETFD, 0)).toBe(0);
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

test('a connection of the host that got its number goes on', async () => {
  const stack = new Stack('vdestack');
  const fd = stack.socket().detach();
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  const client = await new Promise<NodeSocket>((connected) => {
    const socket = connectOnHost(port, '127.0.0.1', () => connected(socket));
  });
  const { fd: own } = (client as unknown as { _handle: { fd: number } })._handle;
  expect(libc().dup3(own, fd, 0)).toBe(fd);
  const copy = new NodeSocket({ fd });
  await stack.close();
  copy.write('echo');
  expect(String(await new Promise((data) => copy.once('data', data)))).toBe('echo');
  for (const socket of [copy, client]) socket.destroy();
  await new Promise((closed) => server.close(closed));
});

test('close(fd) of one that is closed tells its stack, once', async () => {
  const stack = new Stack('vdestack');
  const fd = stack.socket().detach();
  closeSync(fd);
  close(fd);
  expect(() => close(fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  await stack.close();
});

test('close(fd) of one that a Socket has is refused', async () => {
  const stack = new Stack('vdestack');
  const socket = stack.socket();
  expect(() => close(socket.fileno())).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('a Socket owns') }),
  );
  socket.listen();
  await stack.close();
});

test('close(fd) leaves what has the number now', async () => {
  const stack = new Stack('vdestack');
  const fd = stack.socket().detach();
  const file = whileLowestFree(fd, () => openSync('/dev/zero', 'r'));
  expect(file).toBe(fd);
  close(fd);
  expect(readSync(file, Buffer.alloc(4))).toBe(4);
  closeSync(file);
  await stack.close();
});

test('one that is closed is not taken up, though something else has the number', async () => {
  const stack = new Stack('vdestack');
  const fd = stack.socket().detach();
  const other = new Stack('vdestack');
  const socket = other.socket();
  expect(libc().dup3(socket.fileno(), fd, 0)).toBe(fd);
  expect(() => stack.socket(AF_INET, SOCK_STREAM, 0, fd)).toThrow(
    expect.objectContaining({ code: 'EBADF', message: expect.stringContaining('was closed after it was detached') }),
  );
  await stack.close();
  closeSync(fd);
  await other.close();
});

test("one of another stack is refused, and stays that stack's", async () => {
  const [stack, other] = [new Stack('vdestack'), new Stack('vdestack')];
  const fd = stack.socket().detach();
  expect(() => other.socket(AF_INET, SOCK_STREAM, 0, fd)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('of this stack') }),
  );
  await other.close();
  stack.socket(AF_INET, SOCK_STREAM, 0, fd).close();
  await stack.close();
});

test('in a worker thread too', async () => {
  const life = startScript('detached.ts');
  const { code } = await life.exit;
  expect({ code, stdout: life.stdout, stderr: life.stderr }).toEqual({
    code: 0,
    stdout: 'closed true, true, wrote 4\nworker 0\n',
    stderr: '',
  });
});

describe('a new socket does not get its number', () => {
  test.each(['the same stack', 'another stack'])('on %s', async (which) => {
    const stack = new Stack('vdestack');
    const other = which === 'another stack' ? new Stack('vdestack') : stack;
    const fd = stack.socket().detach();
    const socket = whileLowestFree(fd, () => other.socket(AF_INET, SOCK_DGRAM));
    expect(socket.fileno()).not.toBe(fd);
    if (other !== stack) await stack.close();
    // it is whole
    expect(socket.getsockname()).toMatchObject({ family: 'IPv4', port: 0 });
    await other.close();
  });

  test('by accept', async () => {
    const [stack, other] = [stackWithLoopback(), new Stack('vdestack')];
    const listener = stack.socket();
    listener.bind(['127.0.0.1', 0]);
    listener.listen();
    const client = stack.socket();
    await client.connect(listener.getsockname());
    const fd = other.socket().detach();
    let accepted: Socket | undefined;
    whileLowestFree(fd, () => {
      [accepted] = listener.sync.accept();
    });
    expect(accepted?.fileno()).not.toBe(fd);
    await other.close();
    await client.sendall('hello');
    expect(String(await accepted?.recv(10))).toBe('hello');
    await stack.close();
  });
});

const F_GETFD = 1;

/** A lock of fcntl(2) on a whole file, which any close of the file by this process would give up. */
function setLock(fd: number): void {
  const fcntl = koffi.load(null).func('fcntl', 'int', ['int', 'int', 'void *']);
  const F_SETLK = 6;
  // struct flock: F_RDLCK, SEEK_SET, from 0 to the end
  expect(fcntl(fd, F_SETLK, Buffer.alloc(32))).toBe(0);
}

/** How many locks this process has on a file. Other file systems have files of the same number. */
function locksOf(inode: number): number {
  const lock = new RegExp(`POSIX .* ${process.pid} [0-9a-f]+:[0-9a-f]+:${inode} `);
  return readFileSync('/proc/locks', 'latin1')
    .split('\n')
    .filter((line) => lock.test(line)).length;
}
