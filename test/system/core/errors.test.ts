import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AF_INET, AF_INET6, IothError, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM, Stack } from 'ioth';
import { plugins } from '../../../ffi/loader.js';
import { codeOf, errnoOf } from '../../../lib/core/errno.js';
import { runText } from '../../support/child.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { children } from '../../support/processes.js';
import { listenOn, tcpPair, udpOn } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
let before: Holdings;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});
beforeEach(() => {
  before = holdings();
});

// after each of them the stacks go on working, and nothing is left of what failed
afterEach(async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  await client.sendall('still works');
  expect((await server.recv(100)).toString()).toBe('still works');
  client.close();
  server.close();
  expect(a.if_nameindex().map(([, name]) => name)).toEqual(['lo', 'vde0']);
  await expectNothingLeft(before);
});

/** What a call throws. */
function failureOf(call: () => unknown): IothError {
  try {
    call();
  } catch (error) {
    return error as IothError;
  }
  throw new Error('it did not fail');
}

/** What a promise is rejected with. */
async function rejectionOf(promise: Promise<unknown>): Promise<IothError> {
  try {
    await promise;
  } catch (error) {
    return error as IothError;
  }
  throw new Error('it did not fail');
}

describe('a stack that cannot be made', () => {
  test('a plugin that does not exist: ENOTSUP, and which ones there are', () => {
    const error = failureOf(() => new Stack('nosuchstack', net.vnl));
    expect(error).toBeInstanceOf(IothError);
    expect(error).toMatchObject({ code: 'ENOTSUP', errno: -95, syscall: 'ioth_newstack' });
    expect(error.message).toMatch(/there is no stack plugin 'nosuchstack'; found: kernel, .*vdestack/);
    expect(error.message).toContain(dirname(plugins().find(({ name }) => name === 'vdestack')?.path as string));
  });

  test('a known plugin that is not installed: where it comes from', () => {
    const picox = plugins().find(({ name }) => name === 'picox');
    if (picox?.path) {
      console.log('picox is installed here: nothing to see');
      return;
    }
    const error = failureOf(() => new Stack('picox'));
    expect(error.code).toBe('ENOTSUP');
    expect(error.message).toMatch(/picox'? comes with virtualsquare\/picoxnet/);
  });

  test.each([
    ['nobody there', 'vde:///nonexistent/sw', 'ENOENT'],
    ['no such scheme', 'nosuch://x', 'EPROTONOSUPPORT'],
    ['no scheme at all', 'nosuch', 'ENOENT'],
    ['nothing but a scheme', 'vde://', 'ENOENT'],
    ['no name of a scheme', '://', 'EPROTONOSUPPORT'],
    ['no directory for a cable', 'ptp:///nonexistent/dir/ptp', 'ENOENT'],
  ])('a network that cannot be joined, %s: %s', (_what, vnl, code) => {
    const error = failureOf(() => new Stack('vdestack', vnl));
    // a plain path stands for vde://
    const address = vnl.includes('://') ? vnl : `vde://${vnl}`;
    expect(error).toMatchObject({ code, syscall: 'ioth_newstack', address });
    expect(error.message).toContain(`the network '${address}' could not be joined`);
  });

  test('one of several: all are named, none is joined', () => {
    const error = failureOf(() => new Stack('vdestack', [net.vnl, 'vde:///nonexistent/sw']));
    expect(error.code).toBe('ENOENT');
    expect(error.message).toContain(`'${net.vnl}' or 'vde:///nonexistent/sw' could not be joined`);
  });

  test.each([
    ['switch', 'vde'],
    ['hub', 'vde'],
  ])('a %s whose place another serves: EADDRINUSE, and how to join that', (scheme) => {
    const vnl = net.vnl.replace('vde:', `${scheme}:`);
    const error = failureOf(() => new Stack('vdestack', vnl));
    expect(error).toMatchObject({ code: 'EADDRINUSE', syscall: 'ioth_newstack', address: vnl });
    expect(error.message).toContain(`somebody serves a network there already: join it with '${net.vnl}'`);
  });

  test('a switch whose place is something else: EEXIST, and it is left alone', () => {
    const path = join(net.dir, 'directory');
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'mine');
    const error = failureOf(() => new Stack('vdestack', [net.vnl, `switch://${path}`]));
    expect(error).toMatchObject({ code: 'EEXIST', syscall: 'ioth_newstack' });
    expect(error.message).toContain('is not the directory of a switch');
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('mine');
    rmSync(path, { recursive: true });
  });

  test('a switch without a directory above it: ENOENT names that', () => {
    const vnl = `switch://${net.dir}/no/switch`;
    const error = failureOf(() => new Stack('vdestack', vnl));
    expect(error).toMatchObject({ code: 'ENOENT', address: vnl });
    expect(error.message).toContain(`the directory ${net.dir}/no does not exist: make it first`);
  });

  // another wire needs no device (stack/wire.test.ts)
  const makeStack = `try { new ioth.Stack('vdestack', 'null://', null, { wire: 'tap' }) } catch ({ code, message }) { console.log(code, message) }`;

  const isRoot = process.getuid?.() === 0;

  /** Makes a stack in a process that has another /dev/net. */
  function withDevNet(prepare: string, ...command: string[]) {
    const script = `mount -t tmpfs none /dev/net; ${prepare}; exec "$@"`;
    const dir = mkdtempSync(join(net.dir, 'child-'));
    const prefix = ['unshare', isRoot ? '-m' : '-Urm', 'sh', '-ec', script, 'sh', ...command];
    return runText(dir, makeStack, { prefix }).finally(() => rmSync(dir, { recursive: true }));
  }

  test('a /dev/net/tun that cannot be opened: EACCES with its mode, its owner and who one is', async () => {
    const drop = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
    // the root of a user namespace makes no devices, and has one user to give a file to
    const [make, shown] = isRoot
      ? ['mknod -m 600 /dev/net/tun c 10 200; chown 1000:1001 /dev/net/tun', 'mode 0600, owner 1000:1001']
      : ['touch /dev/net/tun; chmod 000 /dev/net/tun', 'mode 0000, owner 0:0'];
    const { stdout } = await withDevNet(make, ...drop);
    expect(stdout).toContain('EACCES');
    expect(stdout).toContain(`/dev/net/tun (${shown}) cannot be opened by uid 0`);
  });

  test('no /dev/net/tun: ENODEV says so', async () => {
    const { stdout } = await withDevNet('true');
    expect(stdout).toContain('ENODEV');
    expect(stdout).toContain('there is no /dev/net/tun');
  });

  test.each(['.', '..', 'a/b', 'a b', 'sixteen-bytes-xx', 'all', 'default'])(
    'an interface name that the kernel refuses: %s',
    (name) => {
      const error = failureOf(() => new Stack('vdestack', [net.vnl, `${name}:${net.vnl}`]));
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' });
      expect(error.message).toContain('an interface name: 1 to 15 bytes');
    },
  );

  test('a name that the kernel takes for a pattern, which C does not tell: the interface is missing', () => {
    const name = 'a%d';
    const before = children();
    const error = failureOf(() => new Stack('vdestack', [net.vnl, `${name}:${net.vnl}`]));
    expect(error).toMatchObject({ code: 'ENODEV', syscall: 'ioth_newstack', address: `${name}:${net.vnl}` });
    expect(error.message).toContain(`the network could not be joined: the stack has no interface ${name}`);
    expect(children()).toEqual(before);
  });

  test.each([
    ['twice', ['a:', 'a:'], 'a'],
    ['the name that another gets by its place', ['', 'vde0:'], 'vde0'],
    ["the loopback's name", ['lo:'], 'lo'],
  ])('interfaces of one name, of which C makes one: %s', (_what, names, taken) => {
    const error = failureOf(
      () =>
        new Stack(
          'vdestack',
          names.map((name) => `${name}${net.vnl}`),
        ),
    );
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' });
    expect(error.message).toContain(`interfaces of different names ('${taken}' is taken)`);
  });

  describe('a plugin under the GPL', () => {
    let home: string;
    beforeAll(() => {
      home = join(net.dir, 'home');
      const kernel = plugins().find(({ name }) => name === 'kernel')?.path as string;
      const plugin = join(home, '.ioth', 'ioth_kernel-r.so');
      mkdirSync(dirname(plugin), { recursive: true });
      copyFileSync(kernel, plugin);
      // a stand-in: the kernel's plugin that says to be under the GPL
      const bytes = readFileSync(plugin);
      const at = bytes.indexOf('SPDX-License-Identifier: LGPL-2.1-or-later');
      expect(at).toBeGreaterThan(0);
      bytes.write('SPDX-License-Identifier: GPL-2.0-or-later\0', at, 'latin1');
      writeFileSync(plugin, bytes);
    });
    afterAll(() => rmSync(home, { recursive: true }));

    const attempt = `
      try {
        using stack = new ioth.Stack('kernel');
        console.log('made', stack.if_nametoindex('lo'));
      } catch ({ code, message }) {
        console.log(code, message);
      }`;

    test('without a licence: EPERM, and how to say one', async () => {
      const { code, stdout, stderr } = await runText(home, attempt, { env: { HOME: home } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^EPERM ioth_newstack EPERM: /);
      expect(stdout).toContain("the plugin 'kernel' is under GPL-2.0-or-later");
      expect(stdout).toContain("set_license('GPL-2.0-or-later')");
    });

    test('with a compatible one it is made', async () => {
      // C keeps the pointer: a collection in between must not take the string
      const source = `
        ioth.set_license('GPL-2.0-or-later');
        for (let i = 0; i < 50; i++) { globalThis.gc?.(); Buffer.alloc(1 << 20); }
        ${attempt}
        ioth.set_license(null);
        ${attempt}`;
      const { code, stdout, stderr } = await runText(home, source, { env: { HOME: home } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const [first, second] = stdout.split('\n');
      expect(first).toBe('made 1');
      expect(second).toMatch(/^EPERM /);
    });
  });
});

describe('configuration', () => {
  test('an interface name that does not exist: ENODEV', () => {
    const error = failureOf(() => a.if_nametoindex('nosuch0'));
    expect(error).toMatchObject({ code: 'ENODEV', errno: -19 });
    expect(error.message).toContain("no interface is named 'nosuch0'; if_nameindex() lists them");
    expect(failureOf(() => a.if_indextoname(999)).code).toBe('ENODEV');
    expect(failureOf(() => a.linksetupdown(999, true)).message).toContain('no interface has index 999');
  });

  test.each([
    [AF_INET, '10.0.0'],
    [AF_INET, '10.0.0.256'],
    [AF_INET, 'fd00::1'],
    [AF_INET, ''],
    [AF_INET6, '10.0.0.1'],
    [AF_INET6, 'fd00:::1'],
    [AF_INET6, 'fd00::g'],
  ])('a malformed address, family %i: %p', (family, address) => {
    const error = failureOf(() => a.ipaddr_add(family, address, 24, a.if_nametoindex('vde0')));
    expect(error.code).toBe('ERR_INVALID_ARG_VALUE');
    expect(error.message).toMatch(/address/);
    expect(error.message).toContain(`'${address}'`);
  });

  test.each(['80:00:42:0e:e7', '80:00:42:0e:e7:zz', 'mac', ''])('a malformed MAC: %p', (mac) => {
    const error = failureOf(() => a.linksetaddr(a.if_nametoindex('vde0'), mac));
    expect(error.code).toBe('ERR_INVALID_ARG_VALUE');
    expect(error.message).toContain("mac must be a MAC address such as '80:00:42:0e:e7:3a'");
  });

  test.each([
    [AF_INET, '10.9.0.1', 33, 32],
    [AF_INET, '10.9.0.1', -1, 32],
    [AF_INET, '10.9.0.1', 8.5, 32],
    [AF_INET6, 'fd09::1', 129, 128],
  ])('a prefix length out of range, family %i: %s/%d', (family, address, prefixlen, most) => {
    const error = failureOf(() => a.ipaddr_add(family, address, prefixlen, a.if_nametoindex('vde0')));
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' });
    expect(error.message).toContain(`an integer from 0 to ${most}, not ${prefixlen}`);
  });

  test('an unknown family', () => {
    const address = failureOf(() => a.ipaddr_add(99, '10.0.0.9', 24, 2));
    expect(address.code).toBe('ERR_INVALID_ARG_VALUE');
    expect(address.message).toContain('family must be AF_INET (2) or AF_INET6 (10), not 99');
    const socket = failureOf(() => a.socket(99));
    expect(socket).toMatchObject({ code: 'EAFNOSUPPORT', syscall: 'socket' });
    expect(socket.message).toContain('the stack has no such address family');
    const type = failureOf(() => a.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    expect(type.message).toContain('the stack has no such');
  });

  test('a stack whose sockets could not be made is not busy', async () => {
    const stack = new Stack('vdestack');
    for (let i = 0; i < 10; i++) failureOf(() => stack.socket(99));
    await stack.close();
  });
});

describe('sockets', () => {
  test.each([70000, -1, 1.5, Number.NaN])('port %d', async (port) => {
    using socket = a.socket(AF_INET, SOCK_DGRAM);
    const expected = { code: 'ERR_OUT_OF_RANGE', message: `addr port must be an integer from 0 to 65535, not ${port}` };
    expect(failureOf(() => socket.bind(['10.0.0.1', port]))).toMatchObject(expected);
    expect(await rejectionOf(socket.connect(['10.0.0.1', port]))).toMatchObject(expected);
    expect(await rejectionOf(socket.sendto('x', ['10.0.0.1', port]))).toMatchObject(expected);
  });

  test.each([
    ['10.0.0.1', 'ERR_INVALID_ARG_VALUE'],
    [['10.0.0.1'], 'ERR_INVALID_ARG_TYPE'],
    [['10.0.0.1', '80'], 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [5, 'ERR_INVALID_ARG_TYPE'],
  ])('what is no address: %j', async (addr, code) => {
    using socket = a.socket(AF_INET, SOCK_DGRAM);
    const error = await rejectionOf(socket.connect(addr as unknown as [string, number]));
    expect(error).toMatchObject({ code });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^addr (must be|port must be)/);
  });

  test.each([5, null, undefined, {}, ['x']])('sending %p', async (data) => {
    const [socket, address] = udpOn(a, '10.0.0.1');
    const message = 'data must be a string, Buffer, TypedArray or DataView, not';
    const bytes = data as unknown as string;
    const calls = [socket.send(bytes), socket.sendall(bytes), socket.sendto(bytes, address)];
    for (const call of calls) {
      const error = await rejectionOf(call);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect(error.message).toContain(message);
    }
    expect((await rejectionOf(socket.sendmsg([bytes]))).message).toContain('buffers[0] must be a string');
    expect(failureOf(() => socket.sync.send(bytes)).message).toContain(message);
    socket.close();
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY])('receiving %d bytes', async (size) => {
    using socket = a.socket(AF_INET, SOCK_DGRAM);
    const expected = {
      name: 'RangeError',
      code: 'ERR_OUT_OF_RANGE',
      message: `bufsize must be an integer from 0 to 2147483647, not ${size}`,
    };
    expect(await rejectionOf(socket.recv(size))).toMatchObject(expected);
    expect(await rejectionOf(socket.recvfrom(size))).toMatchObject(expected);
    expect(await rejectionOf(socket.recvmsg(size))).toMatchObject(expected);
    expect(failureOf(() => socket.sync.recv(size))).toMatchObject(expected);
    expect(await rejectionOf(socket.recv('10' as unknown as number))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(await rejectionOf(socket.recvmsg(10, -1))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  });

  test('an operation on a closed socket: EBADF', async () => {
    const socket = a.socket(AF_INET, SOCK_STREAM);
    socket.close();
    const closed = { code: 'EBADF', errno: -9, message: expect.stringContaining('the socket is closed') };
    const calls: (() => unknown)[] = [
      () => socket.bind(['10.0.0.1', 0]),
      () => socket.listen(),
      () => socket.getsockname(),
      () => socket.getpeername(),
      () => socket.getsockopt(1, 3),
      () => socket.setsockopt(1, 2, 1),
      () => socket.shutdown(1),
      () => socket.dup(),
      () => socket.detach(),
      () => socket.sync.recv(1),
    ];
    for (const call of calls) expect(failureOf(call)).toMatchObject(closed);
    const promises: Promise<unknown>[] = [
      socket.accept(),
      socket.connect(['10.0.0.1', 1]),
      socket.recv(1),
      socket.recv_into(Buffer.alloc(1)),
      socket.recvfrom(1),
      socket.recvfrom_into(Buffer.alloc(1)),
      socket.recvmsg(1),
      socket.recvmsg_into([Buffer.alloc(1)]),
      socket.send('x'),
      socket.sendall('x'),
      socket.sendto('x', ['10.0.0.1', 1]),
      socket.sendmsg(['x']),
      socket.sendfile(__filename),
    ];
    for (const promise of promises) expect(await rejectionOf(promise)).toMatchObject(closed);
  });

  test.each([
    ['10.0.0.1', 'IPv4'],
    ['fd00::1', 'IPv6'],
  ])('connect refused, %s', async (address) => {
    using socket = b.socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM);
    const error = await rejectionOf(socket.connect([address, 1]));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address, port: 1 });
    expect(error.message).toBe(`connect ECONNREFUSED ${address}:1: connection refused: nothing listens there`);
  });

  test('address in use', () => {
    const [listener, address] = listenOn(a, '10.0.0.1');
    using socket = a.socket();
    const error = failureOf(() => socket.bind(address));
    expect(error).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', address: address[0], port: address[1] });
    expect(error.message).toContain('choose another port or set SO_REUSEADDR');
    listener.close();
  });

  test('an address of nobody, a network of nobody, a socket without a peer', async () => {
    using socket = a.socket();
    expect(failureOf(() => socket.bind(['10.0.0.99', 0])).message).toContain(
      'no interface of the stack has this address',
    );
    expect(await rejectionOf(socket.connect(['192.0.2.1', 1]))).toMatchObject({
      code: 'ENETUNREACH',
      message: expect.stringContaining('the stack has no route to it'),
    });
    expect(failureOf(() => socket.getpeername()).message).toContain('connect(addr) first');
    using udp = a.socket(AF_INET, SOCK_DGRAM);
    expect((await rejectionOf(udp.sendto('x', ['239.1.2.3', 9]))).message).toContain('IP_MULTICAST_IF, ifname');
    expect((await rejectionOf(udp.send('x'))).message).toContain('use sendto(data, addr)');
    expect((await rejectionOf(udp.sendto(Buffer.alloc(70_000), ['10.0.0.2', 9]))).message).toContain(
      'longer than one datagram can be',
    );
  });

  test('a route, but no address to send from', async () => {
    const stack = new Stack('vdestack', 'null://');
    stack.sysctl('net.ipv6.conf.vde0.addr_gen_mode', 1); // no link-local address of its own
    stack.linksetupdown('vde0', true);
    stack.iproute_add('fd00::/64 dev vde0');
    const error = await rejectionOf(stack.socket(AF_INET6).connect(['fd00::1', 1]));
    const datagram = await rejectionOf(stack.socket(AF_INET6, SOCK_DGRAM).sendto('x', ['fd00::1', 1]));
    for (const { code, message } of [error, datagram]) {
      expect({ code, message }).toEqual({
        code: 'EADDRNOTAVAIL',
        message: expect.stringContaining('no address to reach it from'),
      });
    }
    await stack.close();
  });

  test('a name that nobody resolves', async () => {
    using socket = a.socket();
    const error = await rejectionOf(socket.connect(['no-such-host.example', 80]));
    expect(error.message).toContain('no-such-host.example');
    expect(failureOf(() => socket.bind(['no-such-host.example', 80]))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message:
        "addr host must be an address, 'localhost' or a name of the hosts file " +
        "(await stack.getaddrinfo(host, port) resolves others), not 'no-such-host.example'",
    });
    expect(failureOf(() => socket.sync.connect(['no-such-host.example', 80])).message).toContain(
      'no-such-host.example',
    );
  });
});

test('numbers and names of errors', () => {
  expect([codeOf(111), codeOf(11), codeOf(9999)]).toEqual(['ECONNREFUSED', 'EAGAIN', 'E9999']);
  expect([errnoOf('ECONNREFUSED'), errnoOf('EWOULDBLOCK'), errnoOf('EAI_NONAME')]).toEqual([111, 11, undefined]);
});
