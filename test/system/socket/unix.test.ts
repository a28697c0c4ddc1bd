import { closeSync, existsSync, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AF_UNIX, CMSG_LEN, CMSG_SPACE, SCM_RIGHTS, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, Stack } from 'ioth';
import { holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { abstractName, unixPair } from '../../support/sockets.js';

let kernel: Stack;
// before the network's own
afterAll(() => kernel.close());
const net = useNetwork();
beforeAll(() => {
  kernel = new Stack('kernel');
});

describe.each(['vdestack', 'kernel'])('unix sockets on %s', (name) => {
  let stack: Stack;
  let path: string;
  beforeEach(() => {
    stack = name === 'kernel' ? kernel : (net.stacks[0] as Stack);
    path = join(net.dir, `${name}.sock`);
  });
  afterEach(() => rmSync(path, { force: true }));

  test('stream by path', async () => {
    const [client, server] = await unixPair(stack, path);
    expect(existsSync(path)).toBe(true);
    expect(client.getpeername()).toEqual({ family: 'Unix', address: path, port: 0 });
    expect(client.getsockname()).toEqual({ family: 'Unix', address: '', port: 0 });
    await client.sendall('by path');
    expect((await server.recv(100)).toString()).toBe('by path');
    client.close();
    expect(await server.recv(100)).toHaveLength(0);
    server.close();
  });

  test('stream by abstract name', async () => {
    const abstract = abstractName(name);
    const [client, server] = await unixPair(stack, abstract);
    expect(client.getpeername()).toEqual({ family: 'Unix', address: abstract, port: 0 });
    await server.sendall('abstract');
    expect((await client.recv(100)).toString()).toBe('abstract');
    client.close();
    server.close();
  });

  test('datagrams, between named sockets and from an unnamed one', async () => {
    const named = stack.socket(AF_UNIX, SOCK_DGRAM);
    named.bind({ path });
    const sender = stack.socket(AF_UNIX, SOCK_DGRAM);
    await sender.sendto('unnamed', path);
    const [data, peer] = await named.recvfrom(100);
    expect([data.toString(), peer]).toEqual(['unnamed', { family: 'Unix', address: '', port: 0 }]);
    sender.bind(abstractName(`${name}-dgram`));
    await sender.sendto('named', Buffer.from(path));
    const [, from] = await named.recvfrom(100);
    await named.sendto('back', from);
    expect((await sender.recvfrom(100))[1].address).toBe(path);
    named.close();
    sender.close();
  });

  test('bound to nothing, the kernel chooses an abstract name', () => {
    const socket = stack.socket(AF_UNIX, SOCK_DGRAM);
    socket.bind('');
    expect(socket.getsockname().address).toMatch(/^\0[0-9a-f]{5}$/);
    socket.close();
  });

  test('SCM_RIGHTS hands over open descriptors', async () => {
    const file = join(net.dir, 'handed-over');
    writeFileSync(file, 'content of the file');
    const [client, server] = await unixPair(stack, path);
    const fd = openSync(file, 'r');
    const fds = Buffer.from(new Int32Array([fd, fd]).buffer);
    const before = holdings().descriptors.length;
    await client.sendmsg(['f'], [[SOL_SOCKET, SCM_RIGHTS, fds]]);
    const [data, ancdata] = await server.recvmsg(10, CMSG_SPACE(8));
    expect(data.toString()).toBe('f');
    expect(ancdata).toEqual([[SOL_SOCKET, SCM_RIGHTS, expect.any(Buffer)]]);
    const received = ancdata[0]?.[2] as Buffer;
    expect(received).toHaveLength(CMSG_LEN(8) - CMSG_LEN(0));
    const handed = [received.readInt32LE(0), received.readInt32LE(4)];
    expect(holdings().descriptors).toHaveLength(before + 2);
    expect(readFileSync(handed[0] as number, 'utf8')).toBe('content of the file');
    expect(fstatSync(handed[1] as number).ino).toBe(fstatSync(fd).ino);
    // close-on-exec: not for children of the process
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${handed[0]}`, 'utf8'))?.[1];
    expect(Number.parseInt(flags as string, 8) & 0o2000000).not.toBe(0);
    for (const each of [...handed, fd]) closeSync(each);
    client.close();
    server.close();
    rmSync(file);
  });

  test('refuses a path that is too long, and what is no path', () => {
    const socket = stack.socket(AF_UNIX, SOCK_STREAM);
    expect(() => socket.bind('x'.repeat(108))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(() => socket.bind('a\0b')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(() => socket.bind(5 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    socket.close();
  });

  test('names the path in an error', async () => {
    const socket = stack.socket(AF_UNIX, SOCK_STREAM);
    await expect(socket.connect(path)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'connect', address: path });
    socket.close();
  });
});

test('abstract names belong to their stack', async () => {
  const [a, b] = net.stacks as [Stack, Stack];
  const name = abstractName('own');
  const [client, server] = await unixPair(a, name);
  const stranger = b.socket(AF_UNIX, SOCK_STREAM);
  await expect(stranger.connect(name)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  for (const socket of [client, server, stranger]) socket.close();
});
