import { readFileSync, rmSync } from 'node:fs';
import { AF_INET, close, SOCK_DGRAM, SOCK_STREAM, type Socket, Stack } from 'ioth';
import { runText } from '../../support/child.js';
import { holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { abstractName, listenOn, tcpPair, udpOn, unixPair } from '../../support/sockets.js';
import { PATIENCE_MS } from '../../support/until.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

test('dup makes a second socket on the same connection', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  client.settimeout(PATIENCE_MS / 1000);
  const copy = client.dup();
  expect(copy).toMatchObject({ family: AF_INET, type: SOCK_STREAM, stack: b });
  expect(copy.gettimeout()).toBe(PATIENCE_MS / 1000);
  expect(copy.fileno()).not.toBe(client.fileno());
  expect(copy.getpeername()).toEqual(client.getpeername());
  client.close();
  await copy.sendall('by the copy');
  expect((await server.recv(100)).toString()).toBe('by the copy');
  await server.sendall('to the copy');
  expect((await copy.recv(100)).toString()).toBe('to the copy');
  copy.close();
  expect(await server.recv(1)).toHaveLength(0);
  server.close();
});

test('dup of a UDP socket', async () => {
  const [socket, address] = udpOn(a, '10.0.0.1');
  const copy = socket.dup();
  await copy.sendto('to myself', address);
  expect((await socket.recvfrom(100))[0].toString()).toBe('to myself');
  socket.close();
  copy.close();
});

test('dup of a unix socket', async () => {
  const [client, server] = await unixPair(a, abstractName('dup'));
  const copy = server.dup();
  server.close();
  await client.sendall('by any family');
  expect((await copy.recv(100)).toString()).toBe('by any family');
  client.close();
  copy.close();
});

test('a detached descriptor is taken up again', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const waiting = expect(client.recv(10)).rejects.toMatchObject({
    code: 'ECANCELED',
    message: expect.stringContaining('detached'),
  });
  const fd = client.fileno();
  expect(client.detach()).toBe(fd);
  await waiting;
  expect(client.closed).toBe(true);
  expect(() => client.detach()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  client.close();
  const again = b.socket(AF_INET, SOCK_STREAM, 0, fd);
  expect(again.fileno()).toBe(fd);
  await server.sendall('still here');
  expect((await again.recv(100)).toString()).toBe('still here');
  again.close();
  server.close();
});

test('a detached descriptor is closed by close(fd)', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const before = holdings().descriptors.length;
  const fd = client.detach();
  close(fd);
  expect(holdings().descriptors).toHaveLength(before - 1);
  expect(await server.recv(1)).toHaveLength(0);
  expect(() => close(fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  expect(() => close(-1)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  server.close();
});

test('only a descriptor that was given up can be taken up', () => {
  using socket = a.socket();
  expect(() => a.socket(AF_INET, SOCK_STREAM, 0, socket.fileno())).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('detach()') }),
  );
  for (const fd of [0, 999_999]) {
    expect(() => a.socket(AF_INET, SOCK_STREAM, 0, fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  }
});

test('a stack with a detached descriptor cannot be closed until that is', async () => {
  const stack = new Stack('vdestack');
  const fd = stack.socket().detach();
  await expect(stack.close()).rejects.toMatchObject({
    code: 'EBUSY',
    message: expect.stringContaining('detached'),
  });
  expect(stack.closed).toBe(false);
  expect(() => stack.closeSync()).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  close(fd);
  await stack.close();
  expect(stack.closed).toBe(true);
});

test('a listener is iterated until it is closed', async () => {
  const [listener, address] = listenOn(a, '10.0.0.1');
  const served: number[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      served.push(connection.getpeername().port);
      await connection.sendall('welcome');
      connection.close();
    }
  })();
  const ports: number[] = [];
  for (let i = 0; i < 3; i++) {
    const client = b.socket();
    await client.connect(address);
    ports.push(client.getsockname().port);
    expect((await client.recv(100)).toString()).toBe('welcome');
    client.close();
  }
  listener.close();
  await serving;
  expect(served).toEqual(ports);
});

test('an iteration can be left, and the listener goes on', async () => {
  const [listener, address] = listenOn(a, '10.0.0.1');
  const [first, second] = [b.socket(), b.socket()];
  await Promise.all([first.connect(address), second.connect(address)]);
  for (let i = 0; i < 2; i++) {
    let taken: Socket | undefined;
    for await (const connection of listener) {
      taken = connection;
      break;
    }
    expect(taken?.closed).toBe(false);
    taken?.close();
  }
  for (const socket of [first, second, listener]) socket.close();
});

test('an iteration over what neither listens nor is connected is rejected', async () => {
  using socket = a.socket();
  const iterating = (async () => {
    for await (const item of socket) throw new Error(`nobody sent ${item}`);
  })();
  await expect(iterating).rejects.toMatchObject({ code: 'ENOTCONN', syscall: 'recv' });
});

test('sockets are closed on exec, accepted ones too', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const copy = client.dup();
  for (const socket of [client, server, copy]) {
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${socket.fileno()}`, 'utf8'))?.[1];
    expect(Number.parseInt(flags as string, 8) & 0o2000000).not.toBe(0);
    expect(Number.parseInt(flags as string, 8) & 0o4000).not.toBe(0);
    socket.close();
  }
});

test('ref and unref answer the socket itself', async () => {
  using socket = a.socket(AF_INET, SOCK_DGRAM);
  expect(socket.unref()).toBe(socket);
  expect(socket.ref()).toBe(socket);
});

describe('a process', () => {
  const listen = `
    const stack = new ioth.Stack('kernel');
    const listener = stack.socket();
    listener.bind(['127.0.0.1', 0]);
    listener.listen();
    listener.accept().catch((error) => console.log(error.code));
  `;

  test('ends though an unreferenced operation waits', async () => {
    const source = `${listen} listener.unref(); setTimeout(() => console.log('timer'), 50);`;
    const { code, stdout, stderr } = await runText(net.dir, source);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'timer\n', stderr: '' });
  });

  test('stays while a referenced one waits', async () => {
    const source = `${listen}
      listener.unref();
      listener.ref();
      setTimeout(() => { console.log('still here'); listener.close(); }, 100).unref();`;
    const { code, stdout } = await runText(net.dir, source);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'still here\nECANCELED\n' });
  });

  afterEach(() => rmSync(`${net.dir}/child.mjs`, { force: true }));
});
