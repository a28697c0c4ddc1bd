import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, IPPROTO_ICMP, SOCK_RAW, Socket, type Stack } from 'ioth';
import { icmp, udp } from '../../support/ip-frames.js';
import { useNetwork } from '../../support/network.js';
import { usePump } from '../../support/pump.js';
import { listenOn, pattern, receiveAll } from '../../support/sockets.js';
import { PATIENCE_MS, until } from '../../support/until.js';

usePump();

const PORT = 7700;

describe('a pumped connection', () => {
  const lan = useNetwork(2, 'test');
  let a: Stack;
  let b: Stack;
  beforeEach(() => {
    [a, b] = lan.stacks as [Stack, Stack];
  });

  /** A listener of a Socket, and a connection of Node to it. */
  async function connected(): Promise<[client: net.Socket, peer: Socket]> {
    const [listener, [host, port]] = listenOn(a, '10.0.0.1');
    const client = b.net.connect({ host, port, allowHalfOpen: true });
    const [[peer]] = await Promise.all([listener.accept(), once(client, 'connect')]);
    listener.close();
    return [client, peer];
  }

  it('has its addresses, also when it is over', async () => {
    const server = a.net
      .createServer((socket) => socket.end(`${socket.remoteAddress} ${socket.localPort}`))
      .listen(PORT);
    await once(server, 'listening');
    expect(server.address()).toEqual({ address: '::', family: 'IPv6', port: PORT });
    const socket = b.net.connect({ port: PORT, host: '10.0.0.1', localAddress: '10.0.0.2', localPort: 7799 });
    expect(await text(socket)).toBe(`::ffff:10.0.0.2 ${PORT}`);
    const names = { remoteAddress: '10.0.0.1', remotePort: PORT, localAddress: '10.0.0.2', localPort: 7799 };
    const second = b.net.connect(PORT, '10.0.0.1');
    await once(second.resume(), 'connect');
    expect(second).toMatchObject({ ...names, localPort: second.localPort, remoteFamily: 'IPv4' });
    await once(second, 'close');
    expect(second).toMatchObject({ bytesRead: 20, bytesWritten: 0 });
    server.close();
    await once(server, 'close');
  });

  it('carries every byte both ways at once, as fast as the slower side', async () => {
    const data = pattern(32 << 20);
    const digest = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
    const server = a.net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(PORT, '10.0.0.1');
    await once(server, 'listening');
    const socket = b.net.connect(PORT, '10.0.0.1');
    socket.end(data);
    // nobody reads: it stands still, and nothing piles up here
    await delay(200);
    expect(socket.bytesWritten).toBe(data.length);
    expect(socket.writableLength).toBeGreaterThan(0);
    expect(digest(await buffer(socket))).toBe(digest(data));
    server.close();
  });

  it('is closed in halves', async () => {
    const [client, peer] = await connected();
    client.end('question');
    expect(String(await receiveAll(peer))).toBe('question');
    await peer.sendall('answer');
    peer.close();
    expect(await text(client)).toBe('answer');
    await until('the handle is closed', () => b.nodeHandles.size === 0);
  });

  it('is closed by destroy(), and what was written before arrives', async () => {
    const [client, peer] = await connected();
    client.write('last words');
    client.destroy();
    expect(String(await receiveAll(peer))).toBe('last words');
    peer.close();
  });

  it("has the peer's reset as its error, behind what came before it", async () => {
    const [client, peer] = await connected();
    client.write('never read');
    const data = once(client, 'data');
    const failed = once(client, 'error');
    await peer.sendall('before');
    await peer.recv(1);
    peer.close();
    expect(String((await data)[0])).toBe('before');
    expect((await failed)[0]).toMatchObject({
      code: 'ECONNRESET',
      syscall: 'read',
      errno: -104,
      message: 'read ECONNRESET',
    });
  });

  it('resets its peer', async () => {
    const [client, peer] = await connected();
    client.resetAndDestroy();
    await expect(peer.recv(1)).rejects.toMatchObject({ code: 'ECONNRESET' });
    peer.close();
  });

  it('takes options before and after it connects', async () => {
    const [listener, [host, port]] = listenOn(a, '10.0.0.1');
    const client = b.net.connect(port, host).setNoDelay().setKeepAlive(true, 2000);
    const [[peer]] = await Promise.all([listener.accept(), once(client, 'connect')]);
    client.setNoDelay(false).setKeepAlive(false).setTimeout(20);
    await once(client, 'timeout');
    client.destroy();
    expect(await peer.recv(1)).toHaveLength(0);
    peer.close();
    listener.close();
  });

  it('that is given up while it connects is closed', async () => {
    const client = b.net.connect(PORT, '10.0.0.99');
    await delay(5);
    client.destroy();
    await once(client, 'close');
    expect(b.nodeHandles.size).toBe(0);
  });

  it('keeps the async context of connect and of listen', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const server = storage.run('listen', () => a.net.createServer().listen(PORT, '10.0.0.1'));
    server.on('connection', () => seen.push(storage.getStore()));
    await once(server, 'listening');
    const client = storage.run('connect', () => b.net.connect(PORT, '10.0.0.1'));
    client.on('connect', () => seen.push(storage.getStore()));
    await Promise.all([once(server, 'connection'), once(client, 'connect')]);
    expect(seen.sort()).toEqual(['connect', 'listen']);
    client.destroy();
    server.close();
  });

  it('is refused to Socket.from()', async () => {
    const [client, peer] = await connected();
    expect(() => Socket.from(client)).toThrow(expect.objectContaining({ code: 'ENOTSOCK' }));
    client.destroy();
    peer.close();
  });

  it('serves http to kept connections', async () => {
    const server = a.http.createServer((request, response) => request.pipe(response)).listen(PORT, '10.0.0.1');
    server.keepAliveTimeout = PATIENCE_MS;
    await once(server, 'listening');
    const agent = new b.http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 20; i++) {
      const request = http.request({ host: '10.0.0.1', port: PORT, agent, method: 'POST' });
      request.end(`${i}`.repeat(10_000));
      const [response] = await once(request, 'response');
      ports.add(response.socket.localPort);
      expect(await text(response)).toBe(`${i}`.repeat(10_000));
    }
    expect(ports.size).toBe(1);
    agent.destroy();
    server.close();
    await once(server, 'close');
  });
});

describe('a pumped datagram socket', () => {
  const lan = useNetwork(2, 'test');
  let a: Stack;
  let b: Stack;
  beforeEach(() => {
    [a, b] = lan.stacks as [Stack, Stack];
  });

  it('has addresses, options, sizes and a peer', async () => {
    const server = a.dgram.createSocket({ type: 'udp4', recvBufferSize: 100_000 });
    server.on('message', (message, sender) =>
      server.send([message, `:${sender.address}`, `:${sender.size}`], sender.port, sender.address),
    );
    server.bind(PORT, '10.0.0.1');
    await once(server, 'listening');
    expect(server.address()).toEqual({ address: '10.0.0.1', family: 'IPv4', port: PORT });
    expect(server.getRecvBufferSize()).toBeGreaterThanOrEqual(100_000);
    server.setTTL(9);
    server.setBroadcast(true);
    server.setMulticastTTL(3);
    server.setMulticastLoopback(false);
    server.setMulticastInterface('10.0.0.1');
    const client = b.dgram.createSocket('udp4');
    client.connect(PORT, '10.0.0.1');
    await once(client, 'connect');
    expect(client.remoteAddress()).toEqual({ address: '10.0.0.1', family: 'IPv4', port: PORT });
    const sent = new Promise((done) => client.send('hello', (error, bytes) => done([error, bytes])));
    expect(String((await once(client, 'message'))[0])).toBe('hello:10.0.0.2:5');
    expect(await sent).toEqual([null, 5]);
    client.disconnect();
    expect(() => client.remoteAddress()).toThrow();
    client.send('', PORT, '10.0.0.1');
    expect(String((await once(client, 'message'))[0])).toBe(':10.0.0.2:0');
    client.close();
    server.close();
    await once(server, 'close');
    expect([a.nodeHandles.size, b.nodeHandles.size]).toEqual([0, 0]);
  });

  it('says that nobody listens, and goes on', async () => {
    const client = b.dgram.createSocket('udp4');
    client.connect(PORT, '10.0.0.1');
    await once(client, 'connect');
    client.send('?');
    expect((await once(client, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
    const server = a.dgram.createSocket('udp4').bind(PORT);
    await once(server, 'listening');
    client.send('!');
    expect(String((await once(server, 'message'))[0])).toBe('!');
  });

  it('goes on after other errors of the network too', async () => {
    const server = a.dgram.createSocket('udp4').bind(PORT, '10.0.0.1');
    const client = b.dgram.createSocket('udp4');
    client.connect(PORT, '10.0.0.1');
    await Promise.all([once(server, 'listening'), once(client, 'connect')]);
    const { port } = client.address();
    const failed = once(client, 'error');
    // a firewall says that the communication is prohibited
    const about = udp(`10.0.0.2:${port}`, `10.0.0.1:${PORT}`).subarray(14, 42);
    const firewall = a.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    await firewall.sendto(icmp('10.0.0.1', '10.0.0.2', 3, 13, 0, about).subarray(34), ['10.0.0.2', 0]);
    expect((await failed)[0]).toMatchObject({ code: 'EHOSTUNREACH' });
    server.send('!', port, '10.0.0.2');
    expect(String((await once(client, 'message'))[0])).toBe('!');
  });

  it('too long a datagram is an error of send', async () => {
    const client = b.run(() => dgram.createSocket('udp4'));
    const error = await new Promise((done) => client.send(Buffer.alloc(70_000), PORT, '10.0.0.1', done));
    expect(error).toMatchObject({ code: 'EMSGSIZE', syscall: 'send' });
  });
});
