import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AF_INET, AF_UNIX, SHUT_WR, SOCK_DGRAM, SOCK_STREAM, Stack } from 'ioth';
import { libc } from '../../../ffi/libc.js';
import { temporaryDirectory } from '../../support/directory.js';
import { silentAddress, useNetwork } from '../../support/network.js';
import { fillSendBuffer, listenOn, pattern, udpOn } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

test('a whole TCP dialog without one promise', () => {
  const [listener, address] = listenOn(a, '10.0.0.1');
  const client = b.socket();
  client.sync.connect(address);
  const [server, peer] = listener.sync.accept();
  expect(peer).toEqual(client.getsockname());
  client.sync.sendall('hello');
  expect(server.sync.recv(100).toString()).toBe('hello');
  expect(server.sync.send(Buffer.from('answer'))).toBe(6);
  const bytes = Buffer.alloc(10);
  expect(client.sync.recv_into(bytes)).toBe(6);
  expect(bytes.toString('utf8', 0, 6)).toBe('answer');
  client.shutdown(SHUT_WR);
  expect(server.sync.recv(1)).toHaveLength(0);
  for (const socket of [client, server, listener]) socket.close();
  expect(() => client.sync.recv(1)).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'recv' }));
});

test('datagrams, with and without control messages', () => {
  const [server, address] = udpOn(a, '10.0.0.1');
  const [client, clientAddress] = udpOn(b, '10.0.0.2');
  client.sync.sendto('one', address);
  const [data, peer] = server.sync.recvfrom(100);
  expect([data.toString(), peer.port]).toEqual(['one', clientAddress[1]]);
  client.sync.sendto('two', 0, address);
  const bytes = Buffer.alloc(3);
  expect(server.sync.recvfrom_into(bytes)[0]).toBe(3);
  expect(bytes.toString()).toBe('two');
  expect(client.sync.sendmsg(['th', 'ree'], [], 0, address)).toBe(5);
  expect(server.sync.recvmsg(100)[0].toString()).toBe('three');
  client.sync.connect(address);
  client.sync.sendmsg(['four']);
  expect(server.sync.recvmsg_into([bytes, bytes])[0]).toBe(4);
  server.close();
  client.close();
});

test('sendfile', () => {
  const file = join(temporaryDirectory(), 'file');
  const content = pattern(20_000);
  writeFileSync(file, content);
  const [listener, address] = listenOn(a, '10.0.0.1');
  const client = b.socket();
  client.sync.connect(address);
  const [server] = listener.sync.accept();
  expect(client.sync.sendfile(file, 100, 10_000)).toBe(10_000);
  client.close();
  const chunks: Buffer[] = [];
  for (let chunk = server.sync.recv(65536); chunk.length > 0; chunk = server.sync.recv(65536)) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(content.subarray(100, 10_100))).toBe(true);
  server.close();
  listener.close();
});

test('connect_ex', () => {
  const [listener, address] = listenOn(a, '10.0.0.1');
  const client = b.socket();
  expect(client.sync.connect_ex(['10.0.0.1', 1])).toBe(111);
  expect(client.sync.connect_ex(address)).toBe(0);
  client.close();
  listener.close();
});

test('a timeout ends the wait when its time is over', async () => {
  const [socket, address] = udpOn(a, '10.0.0.1');
  const [listener] = listenOn(a, '10.0.0.1');
  socket.settimeout(0.1);
  listener.settimeout(0.1);
  for (const wait of [() => socket.sync.recv(1), () => listener.sync.accept()]) {
    const order: string[] = [];
    const timer = setTimeout(() => order.push('90 ms'), 90);
    const poll = jest.spyOn(libc(), 'poll');
    expect(wait).toThrow(expect.objectContaining({ code: 'ETIMEDOUT' }));
    const asked = poll.mock.calls.map(([, , ms]) => ms);
    poll.mockRestore();
    // poll(2) waits for what is left of it, the first time for all of it: twice where it wakes up too early
    expect(Math.max(...asked)).toBeLessThanOrEqual(100);
    expect(asked.length).toBeLessThan(5);
    // the timer is due when the call is over
    await new Promise((resolve) => setTimeout(resolve, 0));
    clearTimeout(timer);
    expect(order).toEqual(['90 ms']);
  }
  const client = b.socket();
  client.settimeout(0.1);
  expect(() => client.sync.connect([silentAddress(b), 9])).toThrow(
    expect.objectContaining({ code: 'ETIMEDOUT', syscall: 'connect' }),
  );
  // the attempt was dissolved: it connects elsewhere
  client.settimeout(60);
  client.sync.connect([address[0], listener.getsockname().port]);
  for (const each of [socket, listener, client]) each.close();
});

test('timeout 0 is EAGAIN', async () => {
  const [socket] = udpOn(a, '10.0.0.1');
  const [listener, address] = listenOn(a, '10.0.0.1');
  const client = b.socket();
  client.sync.connect(address);
  const [server] = listener.sync.accept();
  for (const each of [socket, listener, client]) each.setblocking(false);
  expect(() => socket.sync.recvfrom(1)).toThrow(expect.objectContaining({ code: 'EAGAIN', syscall: 'recvfrom' }));
  expect(() => listener.sync.accept()).toThrow(expect.objectContaining({ code: 'EAGAIN', syscall: 'accept' }));
  await fillSendBuffer(client);
  expect(() => client.sync.sendall(Buffer.alloc(8 << 20))).toThrow(
    expect.objectContaining({ code: 'EAGAIN', syscall: 'send' }),
  );
  for (const each of [socket, listener, client, server]) each.close();
});

test('refuses a name: nothing here may wait for a resolver', () => {
  using socket = a.socket(AF_INET, SOCK_STREAM);
  expect(() => socket.sync.connect(['example.org', 80])).toThrow(
    expect.objectContaining({ message: expect.stringContaining('example.org') }),
  );
});

test('the view is one object, on every stack', () => {
  using kernel = new Stack('kernel');
  using socket = kernel.socket(AF_UNIX, SOCK_DGRAM);
  expect(socket.sync).toBe(socket.sync);
  expect(() => socket.sync.sendto('x', '/nonexistent/path')).toThrow(
    expect.objectContaining({ code: 'ENOENT', address: '/nonexistent/path' }),
  );
});
