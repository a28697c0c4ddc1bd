import dgram from 'node:dgram';
import { once } from 'node:events';
import { unlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { AF_INET, SOCK_DGRAM, type Stack } from 'ioth';
import { checkInternals, nodeInternals } from '../../../lib/node/internals.js';
import { runText } from '../../support/child.js';
import { useNetwork } from '../../support/network.js';
import { hostPort } from '../../support/traps.js';
import { PATIENCE_MS, until } from '../../support/until.js';

const lan = useNetwork(2, 'test');
let left: Stack;
let right: Stack;
beforeEach(() => {
  [left, right] = lan.stacks as [Stack, Stack];
});

const ports = { tcp: hostPort(7100), udp: hostPort(7200) };

function echo(stack: Stack, host = '10.0.0.1'): Promise<net.Server> {
  return stack.run(async () => {
    const server = net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(ports.tcp, host);
    await once(server, 'listening');
    return server;
  });
}

async function said(socket: net.Socket): Promise<string> {
  let text = '';
  for await (const data of socket) text += data;
  return text;
}

describe('a TCP socket of Node', () => {
  it.each(['10.0.0.1', 'fd00::1'])('connects to %s of another stack and back', async (host) => {
    const server = await echo(left, host);
    expect(server.address()).toMatchObject({ address: host, port: ports.tcp });
    const socket = right.run(() => net.connect(ports.tcp, host));
    socket.end('hello');
    expect(await said(socket)).toBe('hello');
    expect(socket.remoteAddress ?? host).toBe(host);
    await until('the handle is closed', () => right.nodeHandles.size === 0);
    server.close();
  });

  it('has what its listener expects, also in what comes from it', async () => {
    const seen: (string | undefined)[] = [];
    const server = left.run(() =>
      net
        .createServer((socket) => {
          socket.on('error', () => {});
          // another connection from the handler, on the stack of its server
          const own = net.connect(ports.tcp, '10.0.0.2');
          own.on('connect', () => {
            seen.push(socket.remoteAddress, own.localAddress);
            socket.end();
            own.destroy();
          });
        })
        .listen(ports.tcp),
    );
    await once(server, 'listening');
    const other = right.run(() =>
      net.createServer((socket) => socket.on('error', () => {}).resume()).listen(ports.tcp),
    );
    await once(other, 'listening');
    const socket = right.run(() => net.connect(ports.tcp, '10.0.0.1'));
    socket.resume();
    await once(socket, 'close');
    expect(seen.map((address) => address?.replace('::ffff:', ''))).toEqual(['10.0.0.2', '10.0.0.1']);
  });

  it('says what Node says of errors', async () => {
    const socket = right.run(() => net.connect(9, '10.0.0.1'));
    const [refused] = await once(socket, 'error');
    expect(refused).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', address: '10.0.0.1', port: 9 });
    await echo(left);
    const second = left.run(() => net.createServer().listen(ports.tcp, '10.0.0.1'));
    const [used] = await once(second, 'error');
    expect(used).toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
    const absent = left.run(() => net.createServer().listen(ports.tcp, '10.0.0.9'));
    expect((await once(absent, 'error'))[0]).toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  it.each([true, false])('listens for IPv6 only where it is asked to (%s)', async (ipv6Only) => {
    const server = left.run(() =>
      net
        .createServer((socket) => socket.on('error', () => {}).end('x'))
        .listen({ port: ports.tcp, host: '::', ipv6Only }),
    );
    await once(server, 'listening');
    const socket = right.run(() => net.connect(ports.tcp, '10.0.0.1'));
    const [event] = await Promise.race([
      once(socket, 'error').then(([error]) => [error.code]),
      once(socket, 'connect').then(() => ['connect']),
    ]);
    expect(event).toBe(ipv6Only ? 'ECONNREFUSED' : 'connect');
    socket.destroy();
  });

  it('listens again at once where connections wait (SO_REUSEADDR)', async () => {
    const server = await echo(left);
    const socket = right.run(() => net.connect(ports.tcp, '10.0.0.1'));
    await once(socket, 'connect');
    server.close();
    socket.destroySoon();
    await once(server, 'close');
    (await echo(left)).close();
  });

  it('leaves what has a descriptor, and unix sockets, alone', async () => {
    const path = `${lan.dir}/unix`;
    const server = left.run(() => net.createServer((socket) => socket.end('unix')).listen(path));
    await once(server, 'listening');
    expect(await said(net.connect(path))).toBe('unix');
    expect(left.nodeHandles.size).toBe(0);
    server.close();
    await once(server, 'close');
  });
});

describe('a UDP socket of Node', () => {
  function bound(stack: Stack, type: dgram.SocketType, address: string, options = {}): Promise<dgram.Socket> {
    return stack.run(async () => {
      const socket = dgram.createSocket({ type, ...options });
      socket.bind(ports.udp, address);
      await once(socket, 'listening');
      return socket;
    });
  }

  it.each([
    ['udp4', '10.0.0.1'],
    ['udp6', 'fd00::1'],
  ] as const)('%s sends to %s of another stack and back', async (type, address) => {
    const server = await bound(left, type, address);
    server.on('message', (message, { address: from, port }) => server.send(`${message} ${from}`, port, from));
    const client = right.run(() => dgram.createSocket(type));
    // binds by itself
    client.send('hello', ports.udp, address);
    const [message] = await once(client, 'message');
    expect(String(message)).toBe(`hello ${address.replace(/1$/, '2')}`);
    client.close();
    const connected = right.run(() => dgram.createSocket(type));
    connected.connect(ports.udp, address);
    await once(connected, 'connect');
    connected.send('again');
    expect(String((await once(connected, 'message'))[0])).toBe(`again ${address.replace(/1$/, '2')}`);
  });

  it('is bound on the stack of its bind, also if it sends elsewhere before that', async () => {
    for (const elsewhere of [<T>(send: () => T) => send(), <T>(send: () => T) => right.run(send)]) {
      const socket = dgram.createSocket('udp4');
      left.run(() => socket.bind(ports.udp, '10.0.0.1'));
      // the bind waits for a turn of the event loop
      elsewhere(() => socket.send('x', ports.udp, '10.0.0.2'));
      await once(socket, 'listening');
      expect(socket.address().address).toBe('10.0.0.1');
      socket.close();
      await once(socket, 'close');
    }
  });

  it('shares its port only where reuseAddr says so', async () => {
    await bound(left, 'udp4', '10.0.0.1');
    await expect(bound(left, 'udp4', '10.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await bound(right, 'udp4', '10.0.0.2', { reuseAddr: true });
    await bound(right, 'udp4', '10.0.0.2', { reuseAddr: true });
  });

  it.each([true, false])('is bound for IPv6 only where it is asked to (%s)', async (ipv6Only) => {
    await bound(left, 'udp6', '::', { ipv6Only });
    const other = bound(left, 'udp4', '0.0.0.0');
    if (ipv6Only) await other;
    else await expect(other).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('joins a group', async () => {
    const ifindex = right.if_nametoindex('vde0');
    right.iproute_add(2, null, '224.0.0.0', 4, ifindex);
    const listener = left.run(() => dgram.createSocket('udp4'));
    listener.bind(ports.udp);
    await once(listener, 'listening');
    listener.addMembership('239.1.2.3', '10.0.0.1');
    right.run(() => dgram.createSocket('udp4')).send('all', ports.udp, '239.1.2.3');
    expect(String((await once(listener, 'message'))[0])).toBe('all');
  });

  it('joins a group unbound, on the stack and not on the host', async () => {
    const socket = left.run(() => dgram.createSocket('udp4'));
    socket.on('error', () => {});
    left.run(() => socket.addMembership('239.1.2.3', '10.0.0.1'));
    expect(left.nodeHandles.size).toBe(1);
  });
});

describe('the end of a stack', () => {
  it('closes servers and sockets with their events', async () => {
    const server = await echo(left);
    const socket = right.run(() => net.connect(ports.tcp, '10.0.0.1'));
    await once(server, 'connection');
    const datagrams = left.run(() => dgram.createSocket('udp4').bind(ports.udp));
    await once(datagrams, 'listening');
    const events: string[] = [];
    server.on('close', () => events.push('server'));
    datagrams.on('close', () => events.push('datagrams'));
    const ended = once(socket.resume(), 'close');
    await left.close();
    expect(events.sort()).toEqual(['datagrams', 'server']);
    expect(left.nodeHandles.size).toBe(0);
    await ended;
  });

  it('delivers what was written', async () => {
    const bytes = 20_000_000;
    const server = left.run(() =>
      net.createServer((socket) => socket.on('error', () => {}).write(Buffer.alloc(bytes))).listen(ports.tcp),
    );
    await once(server, 'listening');
    const socket = right.run(() => net.connect(ports.tcp, '10.0.0.1'));
    let received = 0;
    socket.on('data', (data) => {
      received += data.length;
    });
    const ended = once(socket, 'close');
    await once(socket, 'data');
    await left.close({ linger: PATIENCE_MS / 1000 });
    await ended;
    expect(received).toBe(bytes);
  });

  it('waits no longer than it shall for a peer that takes nothing', async () => {
    // left is the switch, on which the connections of all hang
    const [patient, hasty] = [lan.stack('10.0.0.8/24'), lan.stack('10.0.0.9/24')];
    const peers: net.Socket[] = [];
    for (const [stack, host] of [
      [patient, '10.0.0.8'],
      [hasty, '10.0.0.9'],
    ] as const) {
      const server = stack.run(() =>
        net.createServer((socket) => socket.on('error', () => {}).write(Buffer.alloc(20_000_000))).listen(ports.tcp),
      );
      await once(server, 'listening');
      peers.push(right.run(() => net.connect(ports.tcp, host)).on('error', () => {}));
      await once(server, 'connection');
    }
    let isPatient = true;
    const waiting = patient.close({ linger: PATIENCE_MS / 1000 }).then(() => {
      isPatient = false;
    });
    await hasty.close({ linger: 0.2 });
    expect(isPatient).toBe(true);
    for (const peer of peers) peer.destroy();
    await waiting;
  });

  it('blocking, closes their descriptors', async () => {
    const server = await echo(left);
    left.closeSync();
    await once(server, 'close');
    await until('the handles are closed', () => left.nodeHandles.size === 0);
  });

  it('is an error of those who use it after that', async () => {
    await left.close();
    const socket = left.run(() => net.connect(1, '10.0.0.2'));
    expect((await once(socket, 'error'))[0]).toMatchObject({ code: 'EBADF' });
    const server = left.run(() => net.createServer().listen(1));
    expect((await once(server, 'error'))[0]).toMatchObject({ code: 'EBADF' });
    const datagrams = left.run(() => dgram.createSocket('udp4').bind(1));
    expect((await once(datagrams, 'error'))[0]).toMatchObject({ code: 'EBADF' });
    datagrams.close();
  });

  it('is one error of a connection by a name of two addresses, which can connect again elsewhere', async () => {
    writeFileSync(`${lan.dir}/hosts`, '10.0.0.1 web\nfd00::1 web\n');
    for (const stack of [left, right]) stack.iothdns_setpath('hosts', `${lan.dir}/hosts`);
    await echo(left, '::');
    const socket = right.run(() => net.connect(ports.tcp, 'web'));
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    const closed = new Promise((done) => socket.once('close', done));
    right.closeSync();
    await closed;
    expect(errors).toEqual([expect.objectContaining({ code: 'EBADF' })]);
    left.run(() => socket.connect(ports.tcp, 'web')).end('hello');
    expect(await said(socket)).toBe('hello');
    unlinkSync(`${lan.dir}/hosts`);
  });

  it('leaves a datagram socket that it closed as Node does', async () => {
    const datagrams = left.run(() => dgram.createSocket('udp4').bind(ports.udp));
    await once(datagrams, 'listening');
    await left.close();
    expect(() => datagrams.send('x', 1, '10.0.0.2')).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' }),
    );
  });

  it('is an error of those who were about to use it', async () => {
    const server = left.run(() => net.createServer().listen(1, '10.0.0.1'));
    const datagrams = left.run(() => dgram.createSocket('udp4').bind(1, '10.0.0.1'));
    const errors = [once(server, 'error'), once(datagrams, 'error')];
    left.closeSync();
    const closed = expect.objectContaining({ code: 'EBADF' });
    expect(await Promise.all(errors)).toEqual([[closed], [closed]]);
    datagrams.close();
  });

  it('changes nothing for unix sockets and descriptors', async () => {
    await left.close();
    const server = left.run(() => net.createServer().listen(`${lan.dir}/unix`));
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    const socket = right.socket(AF_INET, SOCK_DGRAM);
    socket.bind(['10.0.0.2', ports.udp]);
    const datagrams = left.run(() => dgram.createSocket('udp4').bind({ fd: socket.detach() }));
    expect(datagrams.address()).toMatchObject({ address: '10.0.0.2', port: ports.udp });
    datagrams.close();
    await once(datagrams, 'close');
  });

  it('by the death of its daemon is an error of each socket', async () => {
    const server = await echo(left);
    const socket = left.run(() => net.connect(ports.tcp, '10.0.0.1'));
    await once(socket, 'connect');
    const errors = [once(left, 'error'), once(socket, 'error'), once(server, 'error')];
    process.kill(left.daemonPid as number, 'SIGKILL');
    const dead = expect.objectContaining({ code: 'ERR_STACK_DEAD' });
    expect(await Promise.all(errors)).toEqual([[dead], [dead], [dead]]);
    await left.close();
  });

  it('by the death of its daemon is not held up by a listener that throws', async () => {
    const program = `
import { once } from 'node:events';
process.on('uncaughtException', ({ message }) => console.log(message));
const stack = new ioth.Stack('vdestack');
stack.on('error', ({ code }) => console.log('stack', code));
const servers = [1, 2].map((port) => stack.net.createServer().listen(port, '127.0.0.1'));
await Promise.all(servers.map((server) => once(server, 'listening')));
for (const server of servers) {
  server.on('error', ({ code }) => {
    throw new Error(code);
  });
}
const ends = [stack, ...servers].map((one) => new Promise((done) => one.once('close', done)));
process.kill(stack.daemonPid, 'SIGKILL');
await Promise.all(ends);`;
    const stdout = 'stack ERR_STACK_DEAD\nERR_STACK_DEAD\nERR_STACK_DEAD\n';
    expect(await runText(lan.dir, program)).toEqual({ code: 0, stdout, stderr: '' });
  });
});

describe('handles that are not as expected', () => {
  it('are refused with the name of what is missing', () => {
    expect(nodeInternals()).toBeDefined();
    expect(() => checkInternals(undefined, {})).toThrow(
      expect.objectContaining({ code: 'ERR_NODE_INTERNALS', message: expect.stringContaining(process.version) }),
    );
    expect(() => checkInternals({ [Symbol('owner_symbol')]: 1 }, {})).toThrow(
      /a datagram socket has no 'state symbol'/,
    );
    const datagrams = { [Symbol('state symbol')]: { handle: { [Symbol('owner_symbol')]: 1 } } };
    expect(() => checkInternals({ [Symbol('owner_symbol')]: 1 }, datagrams)).toThrow(/a TCP handle has no open\(\)/);
  });
});
