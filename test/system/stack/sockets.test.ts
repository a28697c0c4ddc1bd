import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  MSG_CTRUNC,
  recv_fds,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  Socket,
  type Stack,
  send_fds,
} from 'ioth';
import { useNetwork } from '../../support/network.js';
import { PATIENCE_MS } from '../../support/until.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
  writeFileSync(join(net.dir, 'hosts'), '10.0.0.1 both.example both\nfd00::1 both.example\n10.0.0.1 four.example\n');
  b.iothdns_setpath('hosts', join(net.dir, 'hosts'));
});

describe('create_connection and create_server', () => {
  test.each([
    ['IPv4', '10.0.0.1:0', AF_INET],
    ['IPv6', '[fd00::1]:0', AF_INET6],
  ] as const)('meet over %s', async (_, address, family) => {
    using listener = a.create_server(address);
    expect([listener.family, listener.type]).toEqual([family, SOCK_STREAM]);
    using client = await b.create_connection(listener.getsockname(), { timeout: PATIENCE_MS / 1000 });
    expect([client.family, client.gettimeout()]).toEqual([family, PATIENCE_MS / 1000]);
    const [[server]] = await Promise.all([listener.accept(), client.sendall('hello')]);
    expect(String(await server.recv())).toBe('hello');
    server.close();
  });

  test('tries each address of a name, and closes what failed', async () => {
    // IPv4 comes first, and nobody listens there: fd00::/8 is not what RFC 6724 likes best
    using listener = a.create_server('[fd00::1]:0');
    const { port } = listener.getsockname();
    using client = await b.create_connection({ host: 'both.example', port });
    expect(client.getpeername()).toMatchObject({ address: 'fd00::1', port });
  });

  test('fails with the error of the last address, or with all', async () => {
    const refused = { code: 'ECONNREFUSED', syscall: 'connect', address: 'fd00::1', port: 9 };
    await expect(b.create_connection(['both.example', 9])).rejects.toMatchObject(refused);
    const error = await b.create_connection(['both.example', 9], { all_errors: true }).catch((reason) => reason);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.errors).toMatchObject([{ code: 'ECONNREFUSED', address: '10.0.0.1' }, refused]);
    await expect(b.create_connection(['absent', 9])).rejects.toMatchObject({ name: 'GaiError' });
  });

  test('comes from a source address, in its family', async () => {
    using listener = a.create_server(['', 0], { family: AF_INET6, dualstack_ipv6: true });
    const { port } = listener.getsockname();
    using client = await b.create_connection(['both.example', port], { source_address: '10.0.0.2:4321' });
    expect(client.getsockname()).toMatchObject({ address: '10.0.0.2', port: 4321 });
    expect((await listener.accept())[1].address).toBe('::ffff:10.0.0.2');
    const wrong = b.create_connection(['both.example', port], { source_address: '10.0.0.99:0' });
    await expect(wrong).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  test('waits no longer than its timeout, or its signal, for each', async () => {
    const full = a.create_server('10.0.0.1:0', { backlog: 0 });
    const { port } = full.getsockname();
    // one waits to be accepted; for the others there is no room
    using first = await b.create_connection(['10.0.0.1', port]);
    const waits = b.create_connection(['10.0.0.1', port], { timeout: 0.05 });
    await expect(waits).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const aborted = b.create_connection(['10.0.0.1', port], { signal: AbortSignal.timeout(20), all_errors: true });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(first.closed).toBe(false);
    full.close();
  });

  test('a server is for IPv6 alone unless it is told otherwise; two share a port with reuse_port', async () => {
    using six = a.create_server('[::]:0');
    const { port } = six.getsockname();
    await expect(b.create_connection(['10.0.0.1', port])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(() => a.create_server(['::', port])).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind' }),
    );
    using one = a.create_server('10.0.0.1:0', { reuse_port: true });
    using other = a.create_server(one.getsockname(), { reuse_port: true });
    expect(other.getsockname().port).toBe(one.getsockname().port);
  });

  test('refuse arguments that make no sense', async () => {
    const server = (...args: unknown[]) => expect(() => Reflect.apply(a.create_server, a, args));
    server('10.0.0.1').toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    server('10.0.0.1:0', { dualstack_ipv6: true, family: AF_INET }).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('AF_INET6') }),
    );
    server('10.0.0.1:0', { backlog: -1 }).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    server('10.0.0.1:0', { reuseport: true }).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    const client = (...args: unknown[]) => expect(Reflect.apply(b.create_connection, b, args)).rejects;
    await client('host').toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await client('10.0.0.1:9', { timeout: -1 }).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    await client('10.0.0.1:9', { source_address: 5 }).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await client('10.0.0.1:9', { signal: 5 }).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await client('10.0.0.1:9', { timout: 1 }).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('socketpair, fromfd, send_fds and recv_fds', () => {
  test.each([
    ['SOCK_STREAM', SOCK_STREAM],
    ['SOCK_DGRAM', SOCK_DGRAM | SOCK_NONBLOCK],
  ])('a pair of %s is connected, and waits without blocking', async (_, type) => {
    const [one, other] = a.socketpair(AF_UNIX, type);
    expect(one.getblocking()).toBe((type & SOCK_NONBLOCK) === 0);
    other.settimeout(60);
    const waiting = other.recv();
    await one.send('over');
    expect(String(await waiting)).toBe('over');
    one.close();
    other.close();
  });

  test('a family that has no pairs', () => {
    expect(() => a.socketpair(AF_INET)).toThrow(expect.objectContaining({ code: 'ENOTSUP', syscall: 'socketpair' }));
    expect(() => a.socketpair('unix' as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  test('a socket goes to another as a descriptor, and is a Socket again', async () => {
    using listener = a.create_server('10.0.0.1:0');
    using client = await b.create_connection(listener.getsockname());
    const [server] = await listener.accept();
    const [one, other] = a.socketpair();
    expect(await send_fds(one, ['take it'], [server.fileno()])).toBe(7);
    server.close();
    const [data, [fd = -1], flags, from] = await recv_fds(other, 100, 4);
    expect([String(data), flags, from.address]).toEqual(['take it', 0, '']);
    const again = a.fromfd(fd);
    closeSync(fd);
    expect(again).toBeInstanceOf(Socket);
    expect([again.family, again.type, again.getpeername().address]).toEqual([AF_INET, SOCK_STREAM, '10.0.0.2']);
    again.settimeout(PATIENCE_MS / 1000);
    const waiting = again.recv();
    await client.sendall('still there');
    expect(String(await waiting)).toBe('still there');
    for (const socket of [again, one, other]) socket.close();
  });

  test('more descriptors than there is room for are closed', async () => {
    const [one, other] = a.socketpair();
    const file = openSync('/etc/hosts', 'r');
    await send_fds(one, ['x'], [file, file, file]);
    const [, fds, flags] = await recv_fds(other, 10, 2);
    expect([fds.length, flags & MSG_CTRUNC]).toEqual([2, MSG_CTRUNC]);
    for (const fd of fds) expect(fstatSync(fd).ino).toBe(fstatSync(file).ino);
    expect(readFileSync(fds[0] as number, 'utf8')).toBe(readFileSync('/etc/hosts', 'utf8'));
    for (const fd of [...fds, file]) closeSync(fd);
    await one.send('without');
    expect((await recv_fds(other, 10, 0))[1]).toEqual([]);
    one.close();
    other.close();
  });

  test('what is no socket, no descriptor, or another kind is refused, and nothing stays open', async () => {
    const file = openSync('/etc/hosts', 'r');
    const from = (...args: unknown[]) => expect(() => Reflect.apply(a.fromfd, a, args));
    from(file).toThrow(expect.objectContaining({ code: 'ENOTSOCK', syscall: 'fromfd' }));
    from(9999).toThrow(expect.objectContaining({ code: 'EBADF' }));
    from('3').toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    using socket = a.socket();
    from(socket.fileno(), AF_INET6).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('family') }),
    );
    using same = a.fromfd(socket.fileno(), AF_INET, SOCK_STREAM, 0);
    expect(same.getblocking()).toBe(true);
    closeSync(file);
    const [one, other] = a.socketpair();
    await expect(send_fds(one, ['x'], [9999])).rejects.toMatchObject({ code: 'EBADF' });
    await expect(send_fds(one, ['x'], ['3'] as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(send_fds({} as never, ['x'], [0])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await expect(recv_fds(other, 10, 1000)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    one.close();
    other.close();
  });

  test("a connection of the host's, taken from its descriptor", async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { Stack } = await import('../../../lib/stack/stack.js');
    const kernel = new Stack('kernel');
    const socket = kernel.socket();
    await socket.connect(['127.0.0.1', port]);
    const other = kernel.fromfd(socket.fileno());
    expect(other.getpeername().port).toBe(port);
    await kernel.close();
    server.close();
  });
});

test('has_ipv6, has_dualstack_ipv6, gethostname, getprotobyname', () => {
  expect([a.has_ipv6, a.has_dualstack_ipv6()]).toEqual([true, true]);
  expect(a.gethostname()).toBe(hostname());
  expect([a.getprotobyname('tcp'), a.getprotobyname('icmpv6')]).toEqual([6, 58]);
  for (const name of ['nosuch', '', '__proto__']) {
    expect(() => a.getprotobyname(name)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  }
});
