import {
  AF_INET,
  AF_INET6,
  IothError,
  IP_ADD_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  inet_pton,
  type OperationOptions,
  SO_BINDTODEVICE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  type Socket,
  type Stack,
} from 'ioth';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { silentAddress, useNetwork } from '../../support/network.js';
import { listenOn, tcpPair, udpOn } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

function failureOf(call: () => unknown): IothError {
  try {
    call();
  } catch (error) {
    return error as IothError;
  }
  throw new Error('it did not fail');
}

async function rejectionOf(promise: unknown): Promise<IothError> {
  try {
    await promise;
  } catch (error) {
    return error as IothError;
  }
  throw new Error('it did not fail');
}

describe('what a wait that ends tells', () => {
  const nobody: [string, number] = ['10.0.0.77', 9];
  beforeAll(() => void silentAddress(b));

  test('a connect that times out: address and port', async () => {
    using socket = b.socket();
    socket.settimeout(0.02);
    const expected = { code: 'ETIMEDOUT', syscall: 'connect', address: '10.0.0.77', port: 9 };
    const error = await rejectionOf(socket.connect(nobody));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain('connect ETIMEDOUT 10.0.0.77:9');
    using other = b.socket();
    other.settimeout(0.02);
    expect(failureOf(() => other.sync.connect(nobody))).toMatchObject(expected);
  });

  test('a connect whose socket is closed: syscall, address and port', async () => {
    const socket = b.socket();
    const connecting = rejectionOf(socket.connect(nobody));
    socket.close();
    expect(await connecting).toMatchObject({
      code: 'ECANCELED',
      syscall: 'connect',
      address: '10.0.0.77',
      port: 9,
      message: expect.stringMatching(/^connect ECANCELED 10\.0\.0\.77:9: .*the socket was closed$/),
    });
  });

  test.each([
    ['recv', (socket: Socket) => socket.recv(10)],
    ['recvfrom', (socket: Socket) => socket.recvfrom(10)],
    ['recvmsg', (socket: Socket) => socket.recvmsg(10)],
  ])('%s on a socket that is closed: syscall', async (syscall, wait) => {
    const [socket] = udpOn(a, '10.0.0.1');
    const waiting = rejectionOf(wait(socket));
    socket.close();
    expect(await waiting).toMatchObject({ code: 'ECANCELED', syscall });
  });
});

describe('what to do', () => {
  test('accept before listen', async () => {
    using socket = a.socket();
    socket.bind(['10.0.0.1', 0]);
    const expected = { code: 'EINVAL', syscall: 'accept', message: expect.stringContaining('listen() first') };
    expect(await rejectionOf(socket.accept())).toMatchObject(expected);
    expect(failureOf(() => socket.sync.accept())).toMatchObject(expected);
  });

  test('a second bind', () => {
    using socket = a.socket();
    socket.bind(['10.0.0.1', 0]);
    expect(failureOf(() => socket.bind(['10.0.0.1', 0])).message).toContain('has an address already');
  });

  test.each([
    ['connect', (socket: Socket) => socket.connect(['fe80::1', 9])],
    ['bind', (socket: Socket) => Promise.resolve().then(() => socket.bind(['fe80::1', 9]))],
  ])('%s with a link-local address without its interface', async (syscall, call) => {
    using socket = a.socket(AF_INET6, syscall === 'connect' ? SOCK_STREAM : SOCK_DGRAM);
    expect(await rejectionOf(call(socket))).toMatchObject({
      code: 'EINVAL',
      syscall,
      address: 'fe80::1',
      message: expect.stringContaining("'fe80::1%vde0'"),
    });
  });

  test('joining a group without a route', () => {
    const group = Buffer.from([239, 1, 2, 3, 0, 0, 0, 0]);
    using socket = a.socket(AF_INET, SOCK_DGRAM);
    const error = failureOf(() => socket.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, group));
    expect(error).toMatchObject({ code: 'ENODEV', syscall: 'setsockopt' });
    expect(error.message).toMatch(/no interface was found for the group: name one .* or add a route/);
    using six = a.socket(AF_INET6, SOCK_DGRAM);
    const group6 = Buffer.concat([inet_pton(AF_INET6, 'ff02::7'), Buffer.from([99, 0, 0, 0])]);
    expect(failureOf(() => six.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, group6)).message).toContain('for the group');
    const device = Buffer.from('nosuch0\0');
    expect(failureOf(() => six.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, device)).message).toContain('if_nameindex()');
  });

  test('bind and the blocking view with a name', () => {
    using socket = a.socket();
    using udp = a.socket(AF_INET, SOCK_DGRAM);
    const calls = [
      () => socket.bind(['host.example', 80]),
      () => socket.sync.connect(['host.example', 80]),
      () => socket.sync.connect_ex({ address: 'host.example', port: 80 }),
      () => udp.sync.sendto('x', ['host.example', 80]),
      () => udp.sync.sendmsg(['x'], [], 0, ['host.example', 80]),
    ];
    for (const call of calls) {
      const error = failureOf(call);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
      expect(error.message).toMatch(/^addr host must be an address, .*stack\.getaddrinfo.* not 'host\.example'$/);
    }
  });

  test('a file that cannot be sent', async () => {
    const [client, server] = await tcpPair(b, a, '10.0.0.1');
    const error = await rejectionOf(client.sendfile('/nonexistent/file'));
    expect(error).toBeInstanceOf(IothError);
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open', address: '/nonexistent/file' });
    expect(await rejectionOf(client.sendfile(999_999))).toMatchObject({ name: 'IothError', code: 'EBADF' });
    client.close();
    server.close();
  });
});

describe('bytes whose ArrayBuffer is gone', () => {
  const gone = () => {
    const bytes = Buffer.from(new ArrayBuffer(16));
    structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
    return bytes;
  };
  const goneView = () => {
    const view = new DataView(new ArrayBuffer(16));
    structuredClone(view.buffer, { transfer: [view.buffer] });
    return view;
  };

  test.each([
    ['a Buffer', gone],
    ['a DataView', goneView],
  ])('%s is refused by name', async (_, make) => {
    const [socket, address] = udpOn(a, '10.0.0.1');
    const calls: [string, Promise<unknown>][] = [
      ['data', socket.send(make())],
      ['data', socket.sendall(make())],
      ['data', socket.sendto(make(), address)],
      ['buffer', socket.recv_into(make())],
      ['buffer', socket.recvfrom_into(make())],
      ['buffers[0]', socket.recvmsg_into([make()])],
      ['buffers[1]', socket.sendmsg(['x', make()], [], 0, address)],
    ];
    for (const [name, call] of calls) {
      const error = await rejectionOf(call);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
      expect(error.message).toBe(`${name} must be a view of an attached ArrayBuffer: its ArrayBuffer is detached`);
    }
    expect(failureOf(() => socket.setsockopt(1, 2, make()))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    socket.close();
  });

  test('an empty one is fine', async () => {
    const [socket, address] = udpOn(a, '10.0.0.1');
    expect(await socket.sendto(new Uint8Array(0), address)).toBe(0);
    expect(await socket.recv_into(Buffer.alloc(0))).toBe(0);
    socket.close();
  });

  test('sent away while it waits: what waits is rejected', async () => {
    const [client, server] = await tcpPair(b, a, '10.0.0.1');
    const bytes = new Uint8Array(32 << 20);
    const sending = rejectionOf(client.sendall(bytes));
    // until it has sent what there is room for
    await new Promise(setImmediate);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    while ((await Promise.race([server.recv(1 << 20), sending])) instanceof Buffer);
    expect(await sending).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    client.close();
    server.close();
  });
});

describe('options that are none', () => {
  const noOptions: [string, unknown][] = [
    ['null', null],
    ['a number', 5],
    ['a signal itself', new AbortController().signal],
    ['a misspelled one', { singal: new AbortController().signal }],
    ['a controller as signal', { signal: new AbortController() }],
    ['half a signal', { signal: { aborted: false, addEventListener: 1 } }],
    ['a string as signal', { signal: 'abort' }],
  ];

  test.each(noOptions)('%s', async (_, given) => {
    const options = given as OperationOptions;
    const [listener] = listenOn(a, '10.0.0.1');
    const [socket, address] = udpOn(a, '10.0.0.1');
    const calls = [
      () => listener.accept(options),
      () => socket.connect(address, options),
      () => socket.connect(['host.example', 80], options),
      () => socket.connect_ex(['host.example', 80], options),
      () => socket.recv(1, 0, options),
      () => socket.recv_into(Buffer.alloc(1), 0, 0, options),
      () => socket.recvfrom(1, 0, options),
      () => socket.recvfrom_into(Buffer.alloc(1), 0, 0, options),
      () => socket.recvmsg(1, 0, 0, options),
      () => socket.recvmsg_into([Buffer.alloc(1)], 0, 0, options),
      () => socket.send('x', 0, options),
      () => socket.sendall('x', 0, options),
      () => socket.sendto('x', address, options),
      () => socket.sendto('x', 0, ['host.example', 80], options),
      () => socket.sendmsg(['x'], [], 0, address, options),
      () => socket.sendmsg(['x'], [], 0, ['host.example', 80], options),
    ];
    const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('options') };
    for (const call of calls) expect(await rejectionOf(call())).toMatchObject(expected);
    listener.close();
    socket.close();
  });
});

test('a signal that is none is told once, and the process goes on', async () => {
  const source = `
    const stack = new ioth.Stack('vdestack', null, 'nameserver 10.0.0.1');
    for (const host of ['host.example', '10.0.0.1']) {
      const options = { signal: new AbortController() as never };
      const [stream, datagrams] = [stack.socket(), stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM)];
      await stream.connect([host, 80], options).catch((error) => console.log(error.code));
      await datagrams.sendto('x', [host, 80], options).catch((error) => console.log(error.code));
      for (const socket of [stream, datagrams]) socket.close();
    }
    // what nobody handles is told at the end of a turn
    for (let i = 0; i < 10; i++) await new Promise((done) => setTimeout(done, 5));
    console.log('goes on');
    await stack.close();`;
  const { code, stdout, stderr } = await runText(temporaryDirectory(), source);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: `${'ERR_INVALID_ARG_TYPE\n'.repeat(4)}goes on\n`,
    stderr: '',
  });
});

test('what is sent to an address leaves in order, by whichever call', async () => {
  const [receiver, address] = udpOn(a, '10.0.0.1');
  using sender = b.socket(AF_INET, SOCK_DGRAM);
  for (let i = 0; i < 20; i++) {
    const sent = [
      sender.sendmsg([`${i} first`], [], 0, address),
      sender.sendto(`${i} second`, address),
      sender.sendmsg([`${i} third`], [], 0, address),
    ];
    await Promise.all(sent);
    for (const word of ['first', 'second', 'third']) {
      expect((await receiver.recv(100)).toString()).toBe(`${i} ${word}`);
    }
  }
  receiver.close();
});
