import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_UNIX, close, Socket, type Stack } from 'ioth';
import { useNetwork } from '../../support/network.js';
import { receiveAll, tcpPair, unixPair } from '../../support/sockets.js';
import { PATIENCE_MS, until } from '../../support/until.js';

const lan = useNetwork(2, 'test');
let a: Stack;
let b: Stack;
beforeEach(() => {
  [a, b] = lan.stacks as [Stack, Stack];
});

async function streams(): Promise<[Socket, net.Socket, Socket]> {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  return [client, client.stream() as net.Socket, server];
}

describe('stream()', () => {
  it("is Node's own socket on a TCP connection", async () => {
    const [client, stream, server] = await streams();
    expect(stream).toBeInstanceOf(net.Socket);
    expect(stream).toMatchObject({ remoteAddress: '10.0.0.1', remoteFamily: 'IPv4', localAddress: '10.0.0.2' });
    expect(stream).toMatchObject({ remotePort: client.getpeername().port, allowHalfOpen: true, readyState: 'open' });
    expect(stream.address()).toEqual({ address: '10.0.0.2', family: 'IPv4', port: client.getsockname().port });
    stream.setNoDelay().setKeepAlive(true, 1000).setTimeout(10);
    await once(stream, 'timeout');
    stream.destroy();
    server.close();
  });

  it('leaves the Socket usable: what nobody reads from the stream, it receives', async () => {
    const [client, stream, server] = await streams();
    await server.sendall('for the Socket');
    expect(String(await client.recv(100))).toBe('for the Socket');
    stream.setEncoding('utf8');
    const data = once(stream, 'data');
    await server.sendall('for the stream');
    expect(await data).toEqual(['for the stream']);
    await client.sendall('from the Socket');
    expect(String(await server.recv(100))).toBe('from the Socket');
    stream.destroy();
    expect(client.closed).toBe(true);
    expect(await server.recv(1)).toHaveLength(0);
    server.close();
  });

  it('ends with its Socket, without an error', async () => {
    const [client, stream, server] = await streams();
    const closed = once(stream, 'close');
    client.close();
    expect(await closed).toEqual([false]);
    expect(await server.recv(1)).toHaveLength(0);
    const detached = server.stream() as net.Socket;
    const again = a.socket(server.family, server.type, 0, server.detach());
    expect(detached.destroyed).toBe(true);
    again.close();
  });

  it('is delivered at the end of the stack', async () => {
    const [, stream, server] = await streams();
    const length = 5_000_000;
    stream.write(Buffer.alloc(length));
    const received = receiveAll(server);
    await b.close({ linger: PATIENCE_MS / 1000 });
    expect(await received).toHaveLength(length);
    expect(stream.destroyed).toBe(true);
    expect(b.nodeHandles.size).toBe(0);
    server.close();
  });

  it('blocking, the end of the stack closes it', async () => {
    const [, stream] = await streams();
    const closed = once(stream, 'close');
    b.closeSync();
    await closed;
  });

  it("has the death of the stack's daemon as its error", async () => {
    const [, stream] = await streams();
    const errors = [once(b, 'error'), once(stream, 'error')];
    process.kill(b.daemonPid as number, 'SIGKILL');
    for (const [error] of await Promise.all(errors)) expect(error).toMatchObject({ code: 'ERR_STACK_DEAD' });
  });

  it('is what a server of Node takes', async () => {
    const [, stream, server] = await streams();
    const app = http.createServer((request, response) => response.end(request.socket.remoteAddress));
    app.emit('connection', server.stream());
    stream.end('GET / HTTP/1.0\r\n\r\n');
    expect(await text(stream)).toMatch(/\r\n10\.0\.0\.2$/);
  });

  it('is a Duplex where it is not connected, and on unix sockets', async () => {
    const unconnected = a.socket();
    const [client, server] = await unixPair(a, '\0ioth');
    for (const socket of [unconnected, client, server]) {
      const stream = socket.stream();
      expect(stream).not.toBeInstanceOf(net.Socket);
      stream.destroy();
    }
    expect(client.family).toBe(AF_UNIX);
  });

  describe.each(['reads', 'is idle'])('as a Duplex that %s', (state) => {
    async function duplex(): Promise<[Socket, Duplex]> {
      const [client, server] = await unixPair(b, '\0ioth');
      streamed.push(server);
      const stream = client.stream();
      if (state === 'reads') stream.resume();
      return [client, stream];
    }
    const streamed: Socket[] = [];
    afterEach(() => {
      for (const socket of streamed.splice(0)) socket.close();
    });

    it('ends with its Socket and with the stack, without an error', async () => {
      const ways = [(socket: Socket) => socket.close(), (socket: Socket) => close(socket.detach()), () => b.close()];
      for (const end of ways) {
        const [client, stream] = await duplex();
        const closed = once(stream, 'close');
        await end(client);
        await closed;
        expect(stream.errored).toBeNull();
      }
    });

    it("has the death of the stack's daemon as its error", async () => {
      const [, stream] = await duplex();
      const errors = [once(b, 'error'), once(stream, 'error')];
      process.kill(b.daemonPid as number, 'SIGKILL');
      for (const [error] of await Promise.all(errors)) expect(error).toMatchObject({ code: 'ERR_STACK_DEAD' });
    });
  });

  it('does not keep the process alive where its Socket does not', async () => {
    const [client, server] = await tcpPair(b, a, '10.0.0.1');
    const active = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = active();
    const stream = client.unref().stream() as net.Socket;
    stream.resume();
    expect(active()).toBe(before);
    stream.ref();
    expect(active()).toBe(before + 1);
    stream.destroy();
    server.close();
  });
});

describe('Socket.from()', () => {
  it.each(['10.0.0.1', 'fd00::1'])('takes a connection of Node to %s and leaves it open', async (host) => {
    const listener = a.net.createServer().listen(7300, host);
    await once(listener, 'listening');
    const client = b.net.connect(7300, host);
    const [[accepted]] = await Promise.all([once(listener, 'connection'), once(client, 'connect')]);
    const closed = [once(client, 'close'), once(accepted, 'close')];
    const [left, right] = [Socket.from<Stack>(accepted), Socket.from<Stack>(client)];
    await Promise.all(closed);
    expect([left.stack, right.stack]).toEqual([a, b]);
    expect(right.getpeername()).toMatchObject({ address: host, port: 7300 });
    await left.sendall('still here');
    expect(String(await right.recv(100))).toBe('still here');
    left.close();
    expect(await right.recv(1)).toHaveLength(0);
    right.close();
    listener.close();
    await until('the handles are closed', () => a.nodeHandles.size + b.nodeHandles.size === 0);
  });

  it('receives what the net.Socket did not read', async () => {
    const [client, stream, server] = await streams();
    await server.sendall('unread');
    await delay(5);
    const again = Socket.from(stream);
    expect([client.closed, stream.destroyed]).toEqual([true, true]);
    expect(String(await again.recv(100))).toBe('unread');
    again.close();
    server.close();
  });

  it('refuses what it cannot have, and leaves it as it was', async () => {
    const [, stream, server] = await streams();
    await server.sendall('unread');
    await once(stream, 'readable');
    expect(() => Socket.from(stream)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    expect(String(stream.read())).toBe('unread');
    stream.write(Buffer.alloc(10_000_000));
    expect(() => Socket.from(stream)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    stream.destroy();
    server.close();
    expect(() => Socket.from(stream)).toThrow(expect.objectContaining({ code: 'ENOTSOCK' }));
    expect(() => Socket.from(new net.Socket())).toThrow(expect.objectContaining({ code: 'ENOTSOCK' }));
    expect(() => Socket.from({} as net.Socket)).toThrow(TypeError);
    const connecting = b.net.connect(7301, '10.0.0.1').on('error', () => {});
    expect(() => Socket.from(connecting)).toThrow(/E(NOTSOCK|NOTCONN)/);
    connecting.destroy();
  });
});
