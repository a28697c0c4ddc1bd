import {
  AF_INET,
  AF_UNIX,
  IP_RECVERR,
  IPPROTO_IP,
  type ListeningSocket,
  MSG_ERRQUEUE,
  SHUT_RD,
  SHUT_RDWR,
  SOCK_DGRAM,
  type Socket,
  Stack,
} from 'ioth';
import { libc } from '../../../ffi/libc.js';
import { abstractName, awaitData, tcpPair, udpOn } from '../../support/sockets.js';
import { expectQuietWait } from '../../support/turns.js';
import { until } from '../../support/until.js';

/** Of a blocking wait of 0.2 s with pauses that grow; one that spins makes thousands. */
const MOST_POLLS = 60;
/** A dialog that lets nobody have a turn goes on for so long. */
const MOST_TRIPS = 200_000;

let stack: Stack;
beforeAll(() => {
  stack = new Stack('kernel');
});
afterAll(() => stack.close());

/** How often poll(2) is called meanwhile. A blocking wait that spins calls it without end. */
function pollsDuring(work: () => unknown): number {
  const poll = jest.spyOn(libc(), 'poll');
  work();
  const { length } = poll.mock.calls;
  poll.mockRestore();
  return length;
}

/** From when this is fulfilled until its result is called, no pause ends: what goes on was woken by an event. */
async function withoutPauses(): Promise<() => void> {
  const never = setTimeout(() => {}, 0);
  clearTimeout(never);
  const spy = jest.spyOn(globalThis, 'setTimeout');
  await new Promise<void>((resolve) => {
    spy.mockImplementation((() => {
      resolve();
      return never;
    }) as unknown as typeof setTimeout);
  });
  return () => spy.mockRestore();
}

let names = 0;
function unixName(): string {
  return abstractName(`stalled-${names++}`);
}

/** A datagram socket that reads nothing, and one whose datagrams have filled its queue. */
async function fullUnixReceiver(): Promise<{ path: string; receiver: Socket; sender: Socket; queued: number }> {
  const path = unixName();
  const [receiver, sender] = [stack.socket(AF_UNIX, SOCK_DGRAM), stack.socket(AF_UNIX, SOCK_DGRAM)];
  receiver.bind(path);
  sender.settimeout(0);
  let queued = 0;
  for (; queued < 10_000; queued++) {
    const taken = await sender.sendto('x', path).catch(({ code }) => code);
    if (taken === 'EAGAIN') break;
  }
  sender.settimeout(null);
  return { path, receiver, sender, queued };
}

/** A UDP socket that is connected to another, with one datagram in its queue. */
async function udpWithData(on: Stack): Promise<[socket: Socket, peer: Socket]> {
  const [socket] = udpOn(on, '127.0.0.1');
  const [peer, address] = udpOn(on, '127.0.0.1');
  await socket.connect(address);
  await peer.sendto('data', socket.getsockname());
  awaitData(socket);
  return [socket, peer];
}

describe('MSG_ERRQUEUE', () => {
  // nobody else takes a port there that was given up
  let own: Stack;
  beforeAll(() => {
    own = new Stack('vdestack');
    own.linksetupdown('lo', true);
  });
  afterAll(() => own.close());

  test('waits without spinning where data is there, and is woken by an error', async () => {
    const [socket, peer] = await udpWithData(own);
    socket.setsockopt(IPPROTO_IP, IP_RECVERR, 1);
    const waiting = socket.recvmsg(100, 512, MSG_ERRQUEUE);
    await expectQuietWait(waiting);
    const goOn = await withoutPauses();
    peer.close();
    await socket.send('to nobody');
    const [data, ancdata, flags] = await waiting;
    goOn();
    expect([String(data), ancdata.length, flags & MSG_ERRQUEUE]).toEqual(['to nobody', 1, MSG_ERRQUEUE]);
    socket.close();
  });

  test('an error that nobody takes lets a receive wait quietly, and get what comes', async () => {
    const [socket, peer] = await udpWithData(own);
    const address = peer.getsockname();
    socket.setsockopt(IPPROTO_IP, IP_RECVERR, 1);
    peer.close();
    await socket.send('to nobody');
    await expect(socket.recv(10)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(String(await socket.recv(10))).toBe('data');
    const waiting = socket.recv(10);
    await expectQuietWait(waiting);
    const heir = own.socket(AF_INET, SOCK_DGRAM);
    heir.bind(['127.0.0.1', address.port]);
    await heir.sendto('late', socket.getsockname());
    expect(String(await waiting)).toBe('late');
    for (const each of [socket, heir]) each.close();
  });

  test('waits quietly on a stream that both sides ended', async () => {
    const [socket, peer] = await tcpPair(own, own, '127.0.0.1');
    peer.close();
    socket.shutdown(SHUT_RDWR);
    const waiting = socket.recvfrom(2, MSG_ERRQUEUE);
    const ended = expect(waiting).rejects.toMatchObject({ code: 'ECANCELED' });
    await expectQuietWait(waiting);
    socket.close();
    await ended;
  });

  test('blocking, its timeout is honoured on such a stream and on a datagram socket', async () => {
    const [stream, peer] = await tcpPair(own, own, '127.0.0.1');
    const [udp, other] = await udpWithData(own);
    peer.close();
    stream.shutdown(SHUT_RDWR);
    for (const socket of [stream, udp]) {
      socket.settimeout(0.2);
      const timedOut = expect.objectContaining({ code: 'ETIMEDOUT', syscall: 'recvfrom' });
      const polls = pollsDuring(() => expect(() => socket.sync.recvfrom(2, MSG_ERRQUEUE)).toThrow(timedOut));
      expect(polls).toBeLessThan(MOST_POLLS);
    }
    for (const each of [stream, udp, other]) each.close();
  });
});

describe('a datagram to a unix socket whose queue is full', () => {
  test('waits without spinning, and goes when there is room', async () => {
    const { path, receiver, sender, queued } = await fullUnixReceiver();
    const waiting = sender.sendto('last', path);
    await expectQuietWait(waiting);
    await receiver.recv(10);
    expect(await waiting).toBe(4);
    for (let i = 1; i < queued; i++) await receiver.recv(10);
    expect(String(await receiver.recv(10))).toBe('last');
    for (const each of [receiver, sender]) each.close();
  });

  test('goes though nobody tells of the room: the queue is full of what another sent', async () => {
    const { path, receiver, sender } = await fullUnixReceiver();
    const other = stack.socket(AF_UNIX, SOCK_DGRAM);
    const waiting = other.sendto('other', path);
    await expectQuietWait(waiting);
    // the pauses between its tries grow to so much, and no further
    const pauses = jest.spyOn(globalThis, 'setTimeout');
    const last = () => pauses.mock.calls.slice(-2).map(([, ms]) => ms);
    await until('two pauses are as long', () => last().length === 2 && last()[0] === last()[1]);
    expect(last()).toEqual([100, 100]);
    pauses.mockRestore();
    await receiver.recv(10);
    expect(await waiting).toBe(5);
    for (const each of [receiver, sender, other]) each.close();
  });

  test('many go one after the other, in order, as fast as the receiver takes them', async () => {
    const { path, receiver, sender, queued } = await fullUnixReceiver();
    const MANY = 300;
    const sending = (async () => {
      for (let i = 0; i < MANY; i++) await sender.sendto(String(i), path);
    })();
    const pauses = jest.spyOn(globalThis, 'setTimeout');
    for (let i = 0; i < queued; i++) await receiver.recv(10);
    for (let i = 0; i < MANY; i++) expect(String(await receiver.recv(10))).toBe(String(i));
    await sending;
    const { length } = pauses.mock.calls;
    pauses.mockRestore();
    expect(length).toBeLessThan(MANY / 4);
    for (const each of [receiver, sender]) each.close();
  });

  test('blocking, its timeout is honoured', async () => {
    const { path, receiver, sender } = await fullUnixReceiver();
    sender.settimeout(0.2);
    const polls = pollsDuring(() =>
      expect(() => sender.sync.sendto('last', path)).toThrow(expect.objectContaining({ code: 'ETIMEDOUT' })),
    );
    expect(polls).toBeLessThan(MOST_POLLS);
    for (const each of [receiver, sender]) each.close();
  });
});

describe('a connect to a unix socket whose backlog is full', () => {
  let listener: ListeningSocket;
  let path: string;
  let waits: Socket;
  let socket: Socket;
  beforeEach(async () => {
    path = unixName();
    const bound = stack.socket(AF_UNIX);
    bound.bind(path);
    listener = bound.listen(0);
    [waits, socket] = [stack.socket(AF_UNIX), stack.socket(AF_UNIX)];
    await waits.connect(path);
  });
  afterEach(() => {
    for (const each of [listener, waits, socket]) each.close();
  });

  test('waits without spinning, as in C, until a connection is accepted', async () => {
    const connecting = socket.connect(path);
    await expectQuietWait(connecting);
    const [first] = await listener.accept();
    await connecting;
    const [second] = await listener.accept();
    await socket.sendall('at last');
    expect(String(await second.recv(10))).toBe('at last');
    for (const each of [first, second]) each.close();
  });

  test('its timeout is honoured, also blocking, and the socket can connect after it', async () => {
    socket.settimeout(0);
    await expect(socket.connect(path)).rejects.toMatchObject({ code: 'EAGAIN', syscall: 'connect' });
    socket.settimeout(0.2);
    const timedOut = { code: 'ETIMEDOUT', syscall: 'connect', address: path };
    await expect(socket.connect(path)).rejects.toMatchObject(timedOut);
    const polls = pollsDuring(() => expect(() => socket.sync.connect(path)).toThrow(expect.objectContaining(timedOut)));
    expect(polls).toBeLessThan(MOST_POLLS);
    const [first] = await listener.accept();
    await socket.connect(path);
    first.close();
  });
});

describe('a connected UDP socket after shutdown', () => {
  const nobody = { family: 'IPv4', address: '', port: 0 };
  const receives: [name: string, call: (socket: Socket) => unknown, result: unknown][] = [
    ['recv', (socket) => socket.recv(10), Buffer.alloc(0)],
    ['recv_into', (socket) => socket.recv_into(Buffer.alloc(10)), 0],
    ['recvfrom', (socket) => socket.recvfrom(10), [Buffer.alloc(0), nobody]],
    ['recvfrom_into', (socket) => socket.recvfrom_into(Buffer.alloc(10)), [0, nobody]],
    ['recvmsg', (socket) => socket.recvmsg(10), [Buffer.alloc(0), [], 0, nobody]],
    ['recvmsg_into', (socket) => socket.recvmsg_into([Buffer.alloc(10)]), [0, [], 0, nobody]],
    ['sync.recv', (socket) => socket.sync.recv(10), Buffer.alloc(0)],
    ['sync.recvfrom', (socket) => socket.sync.recvfrom(10), [Buffer.alloc(0), nobody]],
    ['sync.recvmsg', (socket) => socket.sync.recvmsg(10), [Buffer.alloc(0), [], 0, nobody]],
  ];

  test.each(receives)('%s gives what is there, then nothing, as in C', async (_name, call, result) => {
    const [socket, peer] = await udpWithData(stack);
    socket.settimeout(60);
    socket.shutdown(SHUT_RDWR);
    expect(String(await socket.recv(10))).toBe('data');
    expect(await call(socket)).toEqual(result);
    expect(await call(socket)).toEqual(result);
    socket.settimeout(0);
    await expect(socket.recv(10)).rejects.toMatchObject({ code: 'EAGAIN' });
    for (const each of [socket, peer]) each.close();
  });

  test('all receives that wait are ended', async () => {
    const [socket, peer] = await udpWithData(stack);
    await socket.recv(10);
    const waiting = Promise.all([socket.recv(10), socket.recv_into(Buffer.alloc(10)), socket.recv(10)]);
    // the watch is there, and nothing has come
    await new Promise(setImmediate);
    socket.shutdown(SHUT_RD);
    expect(await waiting).toEqual([Buffer.alloc(0), 0, Buffer.alloc(0)]);
    for (const each of [socket, peer]) each.close();
  });
});

describe('busyPoll', () => {
  test('is off by default, takes microseconds, and refuses what is none', () => {
    using busy = new Stack('kernel');
    busy.busyPoll(50);
    busy.busyPoll(0);
    for (const wrong of [-1, 0.5, 1e9]) {
      expect(() => busy.busyPoll(wrong)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    }
    expect(() => busy.busyPoll('50' as unknown as number)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });

  test('lets timers and immediates have their turns in a dialog that never pauses, and rests when it is over', async () => {
    await using busy = new Stack('kernel');
    busy.busyPoll(1000);
    const [[ping, toPing], [pong, toPong]] = [udpOn(busy, '127.0.0.1'), udpOn(busy, '127.0.0.1')];
    const answering = (async () => {
      for (;;) {
        await pong.recv(1);
        await pong.sendto('x', toPing);
      }
    })();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    let trips = 0;
    for (; trips < MOST_TRIPS && ticks < 4; trips++) {
      await ping.sendto('x', toPong);
      await ping.recv(1);
    }
    clearInterval(timer);
    expect(trips).toBeLessThan(MOST_TRIPS);
    await expectQuietWait(ping.recv(1).catch(({ code }) => code));
    pong.close();
    ping.close();
    await expect(answering).rejects.toMatchObject({ code: 'ECANCELED' });
  });

  test('blocking calls wait on after it', () => {
    using busy = new Stack('kernel');
    busy.busyPoll(100);
    const [socket, address] = udpOn(busy, '127.0.0.1');
    socket.settimeout(0.05);
    expect(() => socket.sync.recv(1)).toThrow(expect.objectContaining({ code: 'ETIMEDOUT' }));
    socket.sync.sendto('x', address);
    expect(String(socket.sync.recv(1))).toBe('x');
    socket.close();
  });
});

test('datagrams that come alone, then many at once, then alone: each is received, in order', async () => {
  const [socket, address] = udpOn(stack, '127.0.0.1');
  const sender = stack.socket(AF_INET, SOCK_DGRAM);
  let sent = 0;
  let received = 0;
  for (const burst of [...Array(100).fill(1), 20, 20, 2, ...Array(100).fill(1), 3]) {
    const first = socket.recv(10);
    for (let i = 0; i < burst; i++) await sender.sendto(String(sent++), address);
    expect(String(await first)).toBe(String(received++));
    for (let i = 1; i < burst; i++) expect(String(await socket.recv(10))).toBe(String(received++));
  }
  socket.settimeout(0);
  await sender.sendto('last', address);
  awaitData(socket);
  expect(String(await socket.recv(10))).toBe('last');
  for (const each of [socket, sender]) each.close();
});
