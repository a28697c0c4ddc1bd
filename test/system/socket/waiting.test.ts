import {
  AF_INET,
  AF_UNIX,
  getdefaulttimeout,
  MSG_DONTWAIT,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Socket,
  type Stack,
  setdefaulttimeout,
} from 'ioth';
import { Readiness } from '../../../lib/io/readiness.js';
import { silentAddress, useNetwork } from '../../support/network.js';
import { answerTo, ScriptedServer } from '../../support/scripted-server.js';
import { fillSendBuffer, listenOn, pattern, receiveAll, tcpPair, udpOn, unixPair } from '../../support/sockets.js';
import { turnsOfLoop } from '../../support/turns.js';
import { until } from '../../support/until.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

const NAMED = ['host.example', 9] as [string, number];

/** What may wait, each brought to where it does: `start` begins the wait. */
const waits: [name: string, make: () => Promise<{ socket: Socket; start: Start; others: Socket[] }>][] = [
  [
    'accept',
    async () => {
      const [socket] = listenOn(a, '10.0.0.1');
      return { socket, start: (options) => socket.accept(options), others: [] };
    },
  ],
  [
    'connect',
    async () => {
      const silent = silentAddress(b);
      const socket = b.socket(AF_INET, SOCK_STREAM);
      return { socket, start: (options) => socket.connect([silent, 9], options), others: [] };
    },
  ],
  ...resolving('connect to a name', SOCK_STREAM, (socket, options) => socket.connect(NAMED, options)),
  ...resolving('sendto a name', SOCK_DGRAM, (socket, options) => socket.sendto('x', NAMED, options)),
  ...resolving('sendmsg to a name', SOCK_DGRAM, (socket, options) => socket.sendmsg(['x'], [], 0, NAMED, options)),
  ...receiving('recv', (socket, options) => socket.recv(10, 0, options)),
  ...receiving('recv_into', (socket, options) => socket.recv_into(Buffer.alloc(10), 0, 0, options)),
  ...receiving('recvfrom', (socket, options) => socket.recvfrom(10, 0, options)),
  ...receiving('recvfrom_into', (socket, options) => socket.recvfrom_into(Buffer.alloc(10), 0, 0, options)),
  ...receiving('recvmsg', (socket, options) => socket.recvmsg(10, 0, 0, options)),
  ...receiving('recvmsg_into', (socket, options) => socket.recvmsg_into([Buffer.alloc(10)], 0, 0, options)),
  ...sending('send', (socket, options) => socket.send('x', 0, options)),
  ...sending('sendall', (socket, options) => socket.sendall('x', 0, options)),
  ...sending('sendmsg', (socket, options) => socket.sendmsg(['x'], [], 0, undefined, options)),
  ...sending('sendfile', (socket, options) => socket.sendfile(__filename, 0, undefined, options)),
];

type Start = (options?: { signal?: AbortSignal }) => Promise<unknown>;
type Call = (socket: Socket, options?: { signal?: AbortSignal }) => Promise<unknown>;

function resolving(name: string, type: number, call: Call): typeof waits {
  const make = async () => {
    b.iothdns_update(`nameserver ${silentAddress(b)}`);
    const socket = b.socket(AF_INET, type);
    return { socket, start: (options?: { signal?: AbortSignal }) => call(socket, options), others: [] };
  };
  return [[name, make]];
}

function receiving(name: string, call: Call): typeof waits {
  const make = async () => {
    const [socket, peer] = await tcpPair(b, a, '10.0.0.1');
    return { socket, start: (options?: { signal?: AbortSignal }) => call(socket, options), others: [peer] };
  };
  return [[name, make]];
}

function sending(name: string, call: Call): typeof waits {
  const make = async () => {
    // a unix socket's buffer stays full; that of TCP goes on making room for a while
    const [socket, peer] = await unixPair(b, `\0ioth-test-${process.pid}-${name}`);
    await fillSendBuffer(socket);
    return { socket, start: (options?: { signal?: AbortSignal }) => call(socket, options), others: [peer] };
  };
  return [[name, make]];
}

const syscalls: Record<string, string> = { recv_into: 'recv', recvfrom_into: 'recvfrom', recvmsg_into: 'recvmsg' };
syscalls.sendall = 'send';
for (const name of ['connect to a name', 'sendto a name', 'sendmsg to a name']) syscalls[name] = name.split(' ')[0]!;

describe.each(waits)('%s', (name, make) => {
  const syscall = syscalls[name] ?? name;

  test('ends with ETIMEDOUT at its timeout, and with EAGAIN at timeout 0', async () => {
    const { socket, start, others } = await make();
    socket.settimeout(0.05);
    // timers of one loop go off in the order of their times, however late
    const order: string[] = [];
    const [earlier, later] = [setTimeout(() => order.push('40 ms'), 40), setTimeout(() => order.push('5 s'), 5000)];
    await expect(start()).rejects.toMatchObject({ name: 'IothError', code: 'ETIMEDOUT', syscall });
    for (const timer of [earlier, later]) clearTimeout(timer);
    expect(order).toEqual(['40 ms']);
    socket.settimeout(0);
    await expect(start()).rejects.toMatchObject({ name: 'IothError', code: 'EAGAIN', syscall });
    for (const each of [socket, ...others]) each.close();
  });

  test('is ended by its AbortSignal, before and during', async () => {
    const { socket, start, others } = await make();
    const reason = new Error('enough');
    await expect(start({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: reason,
    });
    const controller = new AbortController();
    const waiting = start({ signal: controller.signal });
    const outcome = expect(waiting).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    await new Promise(setImmediate);
    controller.abort(reason);
    await outcome;
    await expect(start({ signal: 5 as unknown as AbortSignal })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining('options.signal'),
    });
    for (const each of [socket, ...others]) each.close();
  });

  test('is ended by close, and refused after it', async () => {
    const { socket, start, others } = await make();
    const outcome = expect(start()).rejects.toMatchObject({
      code: 'ECANCELED',
      message: expect.stringContaining('the socket was closed'),
    });
    await new Promise(setImmediate);
    socket.close();
    await outcome;
    await expect(start()).rejects.toMatchObject({
      code: 'EBADF',
      syscall,
      message: expect.stringContaining('the socket is closed'),
    });
    for (const each of others) each.close();
  });
});

describe('a name in an address', () => {
  let server: ScriptedServer;
  beforeEach(() => {
    server = new ScriptedServer(a, '10.0.0.1', () => []);
    b.iothdns_update('nameserver 10.0.0.1');
  });
  afterEach(() => server.close());

  test('is looked up in the time of the call', async () => {
    const [listener, [, port]] = listenOn(a, '10.0.0.1');
    server.answer = (query) => [{ bytes: answerTo(query, '10.0.0.1'), after: 50 }];
    const run = jest.spyOn(Readiness.prototype, 'run');
    const socket = b.socket();
    socket.settimeout(60);
    await socket.connect(['slow.example', port]);
    const [, , timeout] = run.mock.calls.find(([{ syscall }, owner]) => syscall === 'connect' && owner === socket)!;
    run.mockRestore();
    expect(timeout).toBeGreaterThan(0);
    // a timer may be a millisecond early
    expect(timeout).toBeLessThanOrEqual(60_000 - 49);
    for (const each of [socket, listener]) each.close();
  });

  test('that no server is needed for is resolved at timeout 0 too', async () => {
    const [socket, [, port]] = udpOn(b, '127.0.0.1');
    socket.settimeout(0);
    expect(await socket.sendto('x', ['localhost', port])).toBe(1);
    await expect(socket.sendto('x', ['fd00::1', port])).rejects.toMatchObject({ code: 'EAI_ADDRFAMILY' });
    socket.close();
  });

  test('is looked up for no closed socket', async () => {
    const socket = b.socket();
    socket.close();
    await expect(socket.connect(NAMED)).rejects.toMatchObject({ code: 'EBADF', syscall: 'connect' });
    expect(server.queries).toEqual([]);
  });

  test('waits no longer than its stack', async () => {
    const stack = net.stack('10.0.0.9/24');
    stack.iothdns_update('nameserver 10.0.0.1');
    const outcome = expect(stack.socket().connect(NAMED)).rejects.toMatchObject({
      ...{ name: 'IothError', code: 'ECANCELED', syscall: 'connect', address: 'host.example', port: 9 },
      message: expect.stringContaining('the stack was closed'),
    });
    await until('it is asked', () => server.queries.length > 0);
    await stack.close();
    await outcome;
  });
});

test('with timeout 0 an operation behind one that waits is EAGAIN at once', async () => {
  const [socket, address] = udpOn(a, '10.0.0.1');
  const first = socket.recv(1);
  socket.settimeout(0);
  await expect(socket.recv(1)).rejects.toMatchObject({ code: 'EAGAIN' });
  using sender = b.socket(AF_INET, SOCK_DGRAM);
  await sender.sendto('x', address);
  expect(String(await first)).toBe('x');
  socket.close();
});

test('a connect that was given up can be made again elsewhere', async () => {
  const [listener, address] = listenOn(a, '10.0.0.1');
  const silent = silentAddress(b);
  const socket = b.socket(AF_INET, SOCK_STREAM);
  socket.settimeout(0.05);
  await expect(socket.connect([silent, 9])).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  const controller = new AbortController();
  const aborted = expect(socket.connect([silent, 9], { signal: controller.signal })).rejects.toMatchObject({
    name: 'AbortError',
  });
  controller.abort();
  await aborted;
  socket.settimeout(60);
  await socket.connect(address);
  expect(socket.getpeername()).toMatchObject({ address: '10.0.0.1', port: address[1] });
  socket.close();
  listener.close();
});

test('an abort takes its listener away from the signal', async () => {
  const [socket, address] = udpOn(a, '10.0.0.1');
  const controller = new AbortController();
  const removed = jest.spyOn(controller.signal, 'removeEventListener');
  const receiving = socket.recv(10, 0, { signal: controller.signal });
  await socket.sendto('x', address);
  await receiving;
  expect(removed).toHaveBeenCalledTimes(1);
  controller.abort();
  await socket.sendto('y', address);
  expect((await socket.recv(10)).toString()).toBe('y');
  socket.close();
});

test('receives at once are served first come first served, and one that is aborted loses nothing', async () => {
  const [socket, address] = udpOn(a, '10.0.0.1');
  const controller = new AbortController();
  const results = [
    socket.recv(10),
    socket.recv(10, 0, { signal: controller.signal }).catch((error) => error.name),
    socket.recvfrom(10).then(([data]) => data),
    socket.recv(10),
  ];
  controller.abort();
  const [sender] = udpOn(b, '10.0.0.2');
  for (const text of ['1', '2', '3']) await sender.sendto(text, address);
  expect((await Promise.all(results)).map(String)).toEqual(['1', 'AbortError', '2', '3']);
  socket.close();
  sender.close();
});

test('two megabytes sent at once by two sendalls do not mix', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const [first, second] = [Buffer.alloc(1 << 20, 1), Buffer.alloc(1 << 20, 2)];
  const [received] = await Promise.all([receiveAll(server, 2 << 20), client.sendall(first), client.sendall(second)]);
  expect(received.equals(Buffer.concat([first, second]))).toBe(true);
  client.close();
  server.close();
});

test('one socket reads and writes at once, and each direction waits by itself', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const receiving = client.recv(10);
  const data = pattern(4 << 20);
  const [echoed] = await Promise.all([receiveAll(server, data.length), client.sendall(data)]);
  expect(echoed.equals(data)).toBe(true);
  await server.sendall('late');
  expect((await receiving).toString()).toBe('late');
  client.close();
  server.close();
});

test('operations that never wait leave timers their turn', async () => {
  const [socket, address] = udpOn(a, '10.0.0.1');
  const before = turnsOfLoop();
  const ROUNDS = 5000;
  const order: string[] = [];
  const timer = setTimeout(() => order.push('timer'), 5);
  let rounds = 0;
  for (; rounds < ROUNDS || (rounds < 200_000 && order.length === 0); rounds++) {
    await socket.sendto('x', address);
    await socket.recv(10);
  }
  order.push('the last of them');
  clearTimeout(timer);
  expect(order).toEqual(['timer', 'the last of them']);
  // of 256 operations one takes a turn
  expect(turnsOfLoop() - before).toBeGreaterThanOrEqual(Math.floor((2 * ROUNDS) / 256) - 1);
  socket.close();
});

test('MSG_DONTWAIT does not wait, whatever the timeout', async () => {
  const [socket] = udpOn(a, '10.0.0.1');
  const wouldWait = { code: 'EAGAIN', message: expect.stringContaining('MSG_DONTWAIT') };
  await expect(socket.recv(10, MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  await expect(socket.recv_into(Buffer.alloc(1), 0, MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  await expect(socket.recvfrom(10, MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  await expect(socket.recvfrom_into(Buffer.alloc(1), 0, MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  await expect(socket.recvmsg(10, 0, MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  expect(() => socket.sync.recv(10, MSG_DONTWAIT)).toThrow(expect.objectContaining(wouldWait));
  const [client, server] = await unixPair(b, `\0ioth-test-${process.pid}-dontwait`);
  await fillSendBuffer(client);
  await expect(client.send('x', MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  await expect(client.sendmsg(['x'], [], MSG_DONTWAIT)).rejects.toMatchObject(wouldWait);
  for (const each of [socket, client, server]) each.close();
});

test('many sockets wait at the same time', async () => {
  const pairs = Array.from({ length: 50 }, () => udpOn(a, '10.0.0.1'));
  const receiving = Promise.all(pairs.map(([socket]) => socket.recv(10)));
  const sender = b.socket(AF_INET, SOCK_DGRAM);
  for (const [i, [, address]] of pairs.entries()) await sender.sendto(String(i), address);
  expect((await receiving).map(String)).toEqual(pairs.map((_, i) => String(i)));
  for (const [socket] of pairs) socket.close();
  sender.close();
});

test('settimeout, setblocking and the default of new sockets say the same thing', () => {
  const socket = a.socket(AF_UNIX, SOCK_DGRAM);
  expect([socket.gettimeout(), socket.getblocking()]).toEqual([null, true]);
  socket.settimeout(1.5);
  expect([socket.gettimeout(), socket.getblocking()]).toEqual([1.5, true]);
  socket.setblocking(false);
  expect([socket.gettimeout(), socket.getblocking()]).toEqual([0, false]);
  socket.setblocking(true);
  expect([socket.gettimeout(), socket.getblocking()]).toEqual([null, true]);
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e10]) {
    expect(() => socket.settimeout(wrong)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  }
  expect(() => socket.settimeout('1' as unknown as number)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
  socket.close();

  expect(getdefaulttimeout()).toBeNull();
  setdefaulttimeout(2);
  try {
    const later = a.socket();
    expect(later.gettimeout()).toBe(2);
    later.close();
  } finally {
    setdefaulttimeout(null);
  }
});
