import {
  AF_INET,
  AF_INET6,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ERROR,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
  Stack,
} from 'ioth';
import { useNetwork } from '../../support/network.js';
import { listenOn, pattern, receiveAll, tcpPair } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

describe.each([
  ['IPv4', AF_INET, '10.0.0.1', '10.0.0.2'],
  ['IPv6', AF_INET6, 'fd00::1', 'fd00::2'],
] as const)('TCP over %s', (familyName, family, hostA, hostB) => {
  test('connects two stacks, and each end knows the other', async () => {
    const [listener, address] = listenOn(a, hostA);
    const client = b.socket(family, SOCK_STREAM);
    client.bind([hostB, 0]);
    const accepting = listener.accept();
    await client.connect(address);
    const [server, peer] = await accepting;
    expect(client.getpeername()).toMatchObject({ family: familyName, address: hostA, port: address[1] });
    expect(peer).toEqual(client.getsockname());
    expect(server.getpeername()).toEqual(peer);
    expect(server.getsockname()).toEqual(client.getpeername());
    expect(server).toMatchObject({ family, type: SOCK_STREAM, stack: a, closed: false });
    expect(server.getsockopt(SOL_SOCKET, SO_TYPE)).toBe(SOCK_STREAM);
    for (const socket of [client, server, listener]) socket.close();
  });

  test('carries a megabyte each way at once, unchanged, and ends', async () => {
    const [client, server] = await tcpPair(b, a, hostA);
    const data = pattern(1 << 20);
    const [up, down] = await Promise.all([
      receiveAll(server),
      receiveAll(client),
      client.sendall(data).then(() => client.shutdown(SHUT_WR)),
      server.sendall(data).then(() => server.shutdown(SHUT_WR)),
    ]);
    expect(up.equals(data)).toBe(true);
    expect(down.equals(data)).toBe(true);
    client.close();
    server.close();
  });

  test('the addresses may be objects, and the any-address is empty', async () => {
    const listener = a.socket(family, SOCK_STREAM);
    listener.bind({ address: '', port: 0 });
    listener.listen();
    const { port, address } = listener.getsockname();
    expect(address).toBe(family === AF_INET ? '0.0.0.0' : '::');
    const client = b.socket(family, SOCK_STREAM);
    await client.connect({ address: hostA, port });
    // the stack itself, as in C
    const own = a.socket(family, SOCK_STREAM);
    await own.connect(['', port]);
    expect(own.getpeername()).toMatchObject({ address: family === AF_INET ? '127.0.0.1' : '::1', port });
    for (const socket of [client, own, listener]) socket.close();
  });

  test('recv gives no more than was asked and peeks', async () => {
    const [client, server] = await tcpPair(b, a, hostA);
    await client.sendall('hello');
    expect((await server.recv(2, MSG_PEEK)).toString()).toBe('he');
    expect((await server.recv(2)).toString()).toBe('he');
    expect((await server.recv(100)).toString()).toBe('llo');
    await expect(server.recv(1, MSG_DONTWAIT)).rejects.toMatchObject({ code: 'EAGAIN', syscall: 'recv' });
    client.close();
    expect(await server.recv(1)).toHaveLength(0);
    server.close();
  });
});

test('to receive nothing takes no time, as in Python', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  expect(await server.recv(0)).toHaveLength(0);
  expect(await server.recv_into(Buffer.alloc(0))).toBe(0);
  client.close();
  server.close();
});

test('recv_into fills the bytes that it was given, up to nbytes', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  await client.sendall('abcdefgh');
  const bytes = Buffer.alloc(6, '.');
  expect(await server.recv_into(bytes, 3)).toBe(3);
  expect(bytes.toString()).toBe('abc...');
  expect(await server.recv_into(bytes.subarray(4))).toBe(2);
  expect(bytes.toString()).toBe('abc.de');
  expect(await server.recv_into(new Uint16Array(2), 0)).toBe(3);
  await expect(server.recv_into(bytes, 7)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  await expect(server.recv_into('abc' as unknown as Buffer)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  client.close();
  expect(await server.recv_into(bytes)).toBe(0);
  server.close();
});

test('a buffer that recv gave is not written to by the next recv', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  await client.sendall('first');
  const first = await server.recv(65536);
  await client.sendall('again');
  const second = await server.recv(65536);
  expect([first.toString(), second.toString()]).toEqual(['first', 'again']);
  client.close();
  server.close();
});

test('MSG_TRUNC discards bytes, and gives none of other receives in their place', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const discards: [name: string, discard: () => Promise<Buffer> | Buffer][] = [
    ['recv', () => server.recv(100, MSG_TRUNC)],
    ['recvfrom', async () => (await server.recvfrom(100, MSG_TRUNC))[0]],
    ['recvmsg', async () => (await server.recvmsg(100, 0, MSG_TRUNC))[0]],
    ['sync.recv', () => server.sync.recv(100, MSG_TRUNC)],
    ['sync.recvfrom', () => server.sync.recvfrom(100, MSG_TRUNC)[0]],
    ['sync.recvmsg', () => server.sync.recvmsg(100, 0, MSG_TRUNC)[0]],
  ];
  // memory that was used before
  const unsafe = jest.spyOn(Buffer, 'allocUnsafe').mockImplementation((size) => Buffer.alloc(size, 'x'));
  for (const [name, discard] of discards) {
    await client.sendall('x'.repeat(100));
    await server.recv();
    await client.sendall('discarded');
    expect([name, await discard()]).toEqual([name, Buffer.alloc(9)]);
  }
  unsafe.mockRestore();
  const bytes = Buffer.from('my own');
  for (const receive of [
    () => server.recv_into(bytes, 0, MSG_TRUNC),
    async () => (await server.recvfrom_into(bytes, 0, MSG_TRUNC))[0],
    async () => (await server.recvmsg_into([bytes], 0, MSG_TRUNC))[0],
  ]) {
    await client.sendall('gone');
    expect([await receive(), String(bytes)]).toEqual([4, 'my own']);
  }
  client.close();
  server.close();
});

test('recvfrom and recvmsg serve a stream too', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  await client.sendmsg(['one', Buffer.from('two')]);
  // the sender is the peer, which is not named again
  const nobody = { family: 'IPv4', address: '', port: 0 };
  const [data, from] = await server.recvfrom(3);
  expect([data.toString(), from]).toEqual(['one', nobody]);
  const [rest, ancdata, flags, address] = await server.recvmsg(100);
  expect([rest.toString(), ancdata, flags, address]).toEqual(['two', [], 0, nobody]);
  client.close();
  server.close();
});

test('send says how much was taken; a full buffer is EAGAIN where waiting is not allowed', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  client.setblocking(false);
  const data = Buffer.alloc(32 << 20);
  const taken = await client.send(data);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(data.length);
  client.settimeout(60);
  const received = receiveAll(server, taken + 5);
  await client.sendall('hello');
  expect((await received).subarray(-5).toString()).toBe('hello');
  client.close();
  server.close();
});

test('connect_ex answers the error number, and the socket can connect after it', async () => {
  const [listener, address] = listenOn(a, '10.0.0.1');
  const client = b.socket(AF_INET, SOCK_STREAM);
  expect(await client.connect_ex(['10.0.0.1', 1])).toBe(111);
  expect(client.getsockopt(SOL_SOCKET, SO_ERROR)).toBe(0);
  expect(await client.connect_ex(address)).toBe(0);
  expect(await client.connect_ex(address)).toBe(106);
  await expect(client.connect_ex(['10.0.0.1', 70000])).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  client.close();
  listener.close();
});

test('shutdown ends one direction or both', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  client.shutdown(SHUT_WR);
  expect(await server.recv(10)).toHaveLength(0);
  await expect(client.send('x')).rejects.toMatchObject({ code: 'EPIPE', syscall: 'send' });
  await server.sendall('still');
  expect((await client.recv(10)).toString()).toBe('still');
  client.shutdown(SHUT_RD);
  expect(await client.recv(10)).toHaveLength(0);
  server.shutdown(SHUT_RDWR);
  expect(() => server.shutdown(9)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  client.close();
  server.close();
});

test('a reset by the peer is ECONNRESET', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  await client.sendall('unread');
  await server.recv(1, MSG_PEEK);
  const receiving = client.recv(1);
  server.close();
  await expect(receiving).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'recv' });
  client.close();
});

test('the kernel stack is the network of the host', async () => {
  const kernel = new Stack('kernel');
  const [client, server] = await tcpPair(kernel, kernel, '127.0.0.1');
  await client.sendall('ping');
  expect((await server.recv(10)).toString()).toBe('ping');
  await kernel.close();
  expect(client.closed).toBe(true);
});
