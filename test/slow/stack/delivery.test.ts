import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, SO_RCVBUF, SO_SNDBUF, SOCK_DGRAM, SOL_SOCKET, type Socket, type Stack } from 'ioth';
import { resetsSent } from '../../../lib/vdestack/undelivered.js';
import { sleeps } from '../../support/at-rest.js';
import { type Child, startScript } from '../../support/child.js';
import { useNetwork } from '../../support/network.js';
import { slowClock } from '../../support/slow-clock.js';
import { receiveAll } from '../../support/sockets.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/** How often each way is gone: IOTH_REPEAT=20 is what the figures of docs/lifetimes.md are of. */
const TIMES = Number(process.env.IOTH_REPEAT ?? 1);

/** So many senders run at once. */
const PARALLEL = 2;

/** More than a peer takes that reads nothing: see {@link listenOn}. A socket of `SEND_BUFFER` takes it at once. */
const TOO_MUCH = 150_000;
const SMALL_BUFFER = 4096;
const SEND_BUFFER = 200_000;

const net = useNetwork(1);
let listener: Socket;
let smallListener: Socket;
beforeAll(() => {
  listener = listenOn(7);
  smallListener = listenOn(8, SMALL_BUFFER);
});

function listenOn(port: number, buffer?: number): Socket {
  const socket = (net.stacks[0] as Stack).socket();
  if (buffer) socket.setsockopt(SOL_SOCKET, SO_RCVBUF, buffer);
  socket.bind(['10.0.0.1', port]);
  socket.listen();
  socket.settimeout(PATIENCE_MS / 1000);
  return socket;
}

async function accept(from: Socket): Promise<Socket> {
  const [connection] = await from.accept();
  connection.settimeout(PATIENCE_MS / 1000);
  return connection;
}

let number = 1;

function sender(way: string, bytes: number): Child {
  number = number === 250 ? 2 : number + 1;
  return startScript('sender.ts', [way, bytes, net.vnl, number]);
}

/** What a sender that leaves in this way got across, and how it ended. */
async function receiveFrom(way: string, bytes: number): Promise<[received: Buffer, status: number | string]> {
  const life = sender(way, bytes);
  const connection = await accept(listener);
  const received = await receiveAll(connection);
  connection.close();
  return [received, (await life.exit).code];
}

const BYTES = [5, 3_000_000];

describe.each([
  ['close', 0],
  ['closeSync', 0],
  ['natural end', 0],
  ['exit', 0],
  ['exception', 1],
  ['SIGTERM', 'SIGTERM'],
  ['stream', 0],
])('%s', (way, status) => {
  test.each(BYTES)(
    '%i bytes, and the end of the stream, reach a peer in another process',
    async (bytes) => {
      const expected = Buffer.alloc(bytes, 'data');
      let arrived = 0;
      for (let i = 0; i < TIMES; i += PARALLEL) {
        for (const [received, end] of await Promise.all(
          Array.from({ length: Math.min(PARALLEL, TIMES - i) }, () => receiveFrom(way, bytes)),
        )) {
          if (received.equals(expected)) arrived++;
          expect(end).toBe(status);
        }
      }
      expect(arrived).toBe(TIMES);
    },
    600_000 + 2000 * TIMES,
  );
});

test('a peer that reads nothing is waited for as long as it shall be, and gets a reset', async () => {
  using _clock = slowClock();
  const [patient, hasty] = [net.stack('10.0.0.251/24'), net.stack('10.0.0.252/24')];
  const peers: Socket[] = [];
  for (const stack of [patient, hasty]) {
    const socket = stack.socket();
    socket.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
    await socket.connect(['10.0.0.1', 8]);
    peers.push(await accept(smallListener));
    await socket.sendall(Buffer.alloc(TOO_MUCH, 'data'));
    socket.close();
  }
  let isPatient = true;
  const waiting = patient.close({ linger: PATIENCE_MS / 1000 }).then(() => {
    isPatient = false;
  });
  await hasty.close({ linger: 0.2 });
  expect(isPatient).toBe(true);
  const [patients, hastys] = peers as [Socket, Socket];
  await expect(receiveAll(hastys)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await receiveAll(patients)).toEqual(Buffer.alloc(TOO_MUCH, 'data'));
  await waiting;
  for (const peer of peers) peer.close();
});

test('a peer that missed a part of it, and the reset, gets one all the same', async () => {
  using _clock = slowClock();
  const stack = net.stack('10.0.0.253/24');
  const [socket, datagrams] = [stack.socket(), stack.socket(AF_INET, SOCK_DGRAM)];
  await socket.connect(['10.0.0.1', 7]);
  const peer = await accept(listener);
  const [carrier, daemon] = [(net.stacks[0] as Stack).daemonPid as number, stack.daemonPid as number];
  // a socket of the switch holds some ten frames: the rest is lost
  process.kill(carrier, 'SIGSTOP');
  let closing: Promise<void>;
  try {
    for (let i = 0; i < 3; i++) await datagrams.sendto('x', ['10.0.0.1', 9]);
    await socket.sendall(Buffer.alloc(60_000));
    socket.close();
    closing = stack.close({ linger: 0.1 });
    await until('the reset is sent', () => resetsSent(daemon) > 0);
    // it goes on, or is over before the peer knows
    await Promise.race([closing, delay(200)]);
  } finally {
    process.kill(carrier, 'SIGCONT');
  }
  await expect(receiveAll(peer)).rejects.toMatchObject({ code: 'ECONNRESET' });
  await closing;
  peer.close();
});

/**
 * Takes a bit now and then, until the end of the stream or an error: who sends is not stalled, and needs longer than its limit,
 * which is ten seconds by its slow clock.
 */
async function sip(connection: Socket): Promise<number> {
  for (let received = 0; ; await delay(500)) {
    const { length } = await connection.recv(1000);
    if (length === 0) return received;
    received += length;
  }
}

test('a program that has ended and waits for a peer is ended by Ctrl-C', async () => {
  const life = sender('end in vain', TOO_MUCH);
  const connection = await accept(smallListener);
  await life.line('ending');
  const sipping = sip(connection);
  await delay(300);
  expect(life.group()).toContain(life.pid);
  life.kill('SIGINT');
  // without the signal the peer would get all of it
  await expect(sipping).rejects.toMatchObject({ code: 'ECONNRESET' });
  await life.exit;
  expect(life.group()).toEqual([]);
  connection.close();
});

test('a signal ends a program with such a peer, by that signal', async () => {
  const life = sender('SIGTERM in vain', TOO_MUCH);
  const connection = await accept(smallListener);
  await life.line('ending');
  await expect(sip(connection)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect((await life.exit).code).toBe('SIGTERM');
  connection.close();
});

test('the switch has no processor now and then: it reads the reset before it sees that the program has gone', async () => {
  const carrier = (net.stacks[0] as Stack).daemonPid as number;
  const life = sender('SIGTERM in vain', TOO_MUCH);
  const connection = await accept(smallListener);
  await life.line('ending');
  const outcome = sip(connection).catch((error) => error.code);
  const over = life.exit.then(() => true);
  try {
    for (let isOver = false; !isOver; ) {
      process.kill(carrier, 'SIGSTOP');
      isOver = await Promise.race([over, delay(400).then(() => false)]);
      const before = sleeps(carrier);
      process.kill(carrier, 'SIGCONT');
      await until('the switch has read all that came, and sleeps', () => sleeps(carrier) > before);
    }
  } finally {
    process.kill(carrier, 'SIGCONT');
  }
  expect(await outcome).toBe('ECONNRESET');
  connection.close();
});
