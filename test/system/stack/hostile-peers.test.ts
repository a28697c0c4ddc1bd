import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fabric } from 'ioth/lab';
import { AF_INET, SOCK_DGRAM } from '../../../lib/constants/index.js';
import { Stack } from '../../../lib/stack/stack.js';
import { VdePort } from '../../../lib/vde/index.js';
import { expectAtRest } from '../../support/at-rest.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { openDescriptors, threads } from '../../support/processes.js';

/*
 * Peers that do not behave at a node's control socket. A node that polls without a rest is seen by its calls of read(2), which
 * /proc/PID/io counts: it reads the end of each connection again and again.
 */

let dir: string;
let before: Holdings;
const sockets: Socket[] = [];
beforeEach(() => {
  dir = temporaryDirectory();
  before = holdings();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  expect(readdirSync(dir)).toEqual([]);
  await expectNothingLeft(before);
});

function readCalls(pid: number): number {
  return Number(/^syscr: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);
}

/** Until a process makes no read(2) in two looks, one after the other. Where it never rests the test's time runs out. */
async function rests(pid: number): Promise<void> {
  for (let calls = -1, last = readCalls(pid); calls !== last; last = readCalls(pid)) {
    calls = last;
    await delay(50);
  }
}

async function connect(): Promise<Socket> {
  for (;;) {
    const socket = createConnection({ path: join(dir, 'sw/ctl'), allowHalfOpen: true });
    try {
      await once(socket, 'connect');
      sockets.push(socket);
      return socket.on('error', () => {});
    } catch (error) {
      // too many wait to be accepted
      expect(error).toMatchObject({ code: 'EAGAIN' });
      await delay(1);
    }
  }
}

async function leave(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
}

/** As vde_open(3) begins. */
const REQUEST = Buffer.alloc(122);
REQUEST.writeUInt32LE(0xfeedface, 0);
REQUEST.writeUInt32LE(3, 4);
REQUEST.writeUInt16LE(1, 12);

const VISITS: Record<string, () => Promise<void>> = {
  'leaves at once': async () => leave(await connect()),
  'leaves after a while': async () => {
    const socket = await connect();
    await delay(300);
    await leave(socket);
  },
  'sends nothing more, and stays': async () => {
    const socket = await connect();
    socket.end();
    await once(socket.resume(), 'end');
  },
  'sends half a request, and leaves': async () => {
    const socket = await connect();
    await new Promise((sent) => socket.write(REQUEST.subarray(0, 6), sent));
    await leave(socket);
  },
  'sends what is no request, stays silent, and leaves': async () => {
    const socket = await connect();
    await new Promise((sent) => socket.write('GET / HTTP/1.1\r\n\r\n', sent));
    await delay(50);
    await leave(socket);
  },
  'asks for a port and leaves before it is answered': async () => {
    const socket = await connect();
    await new Promise((sent) => socket.write(REQUEST, sent));
    await leave(socket);
  },
};

describe.each(['switch', 'hub', 'multi', 'bonding'])('the %s:// of a stack', (kind) => {
  it.each(Object.keys(VISITS))('rests, and keeps no descriptor, after a peer that %s', async (what) => {
    const stack = new Stack('vdestack', `${kind}://${dir}/sw`);
    const pid = stack.daemonPid as number;
    await rests(pid);
    const held = readdirSync('/proc/self/fd').length;
    await VISITS[what]?.();
    await rests(pid);
    for (const socket of sockets.splice(0)) await leave(socket);
    await rests(pid);
    // and it still does what else it is asked for
    stack.socket(AF_INET, SOCK_DGRAM).close();
    while (readdirSync('/proc/self/fd').length > held) await delay(20);
    await stack.close();
  });
});

test('peers that never say anything are closed with the stack', async () => {
  const stack = new Stack('vdestack', [`switch://${dir}/sw`, 'null://']);
  for (let i = 0; i < 20; i++) await connect();
  // the daemon may not have accepted the last ones yet: these are reset
  const isReset = (error: NodeJS.ErrnoException) => expect(error.code).toBe('ECONNRESET');
  const ends = sockets.map((socket) => once(socket.resume(), 'end').catch(isReset));
  await stack.close();
  await Promise.all(ends);
});

test('a thousand visitors, a hundred at a time, leave no descriptor', async () => {
  const stack = new Stack('vdestack', `switch://${dir}/sw`);
  const held = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 10; i++) {
    const visitors = await Promise.all(Array.from({ length: 100 }, connect));
    await Promise.all(visitors.map(leave));
    stack.socket(AF_INET, SOCK_DGRAM).close();
  }
  await rests(stack.daemonPid as number);
  while (readdirSync('/proc/self/fd').length > held) await delay(20);
  const port = await VdePort.open(`vde://${dir}/sw`);
  await port.close();
  await stack.close();
});

test('a peer that was joined is still served while others come and go', async () => {
  const stack = new Stack('vdestack', `hub://${dir}/sw`);
  const [a, b] = [await VdePort.open(`vde://${dir}/sw`), await VdePort.open(`vde://${dir}/sw`)];
  for (let i = 0; i < 50; i++) {
    await Promise.all(Object.values(VISITS).map((visit) => visit()));
    const frame = Buffer.alloc(60, i);
    await a.send(frame);
    for (let heard: Buffer | undefined; !heard?.equals(frame); ) heard = await b.recv({ timeout: 60_000 });
  }
  await Promise.all([a.close(), b.close()]);
  await stack.close();
});

test('what joined a switch of this process keeps its own descriptors when the switch ends', async () => {
  const stack = new Stack('vdestack', `switch://${dir}/sw`);
  const withSwitch = openDescriptors();
  const port = await VdePort.open(`vde://${dir}/sw`);
  const other = new Stack('vdestack', `vde://${dir}/sw`);
  const served = openDescriptors().filter((link) => link.includes('socket:') && !withSwitch.includes(link));
  await stack.close();
  // the switch's own ends of these two are gone: two descriptors each
  expect(served.filter((link) => !openDescriptors().includes(link))).toHaveLength(4);
  await Promise.all([port.close(), other.close()]);
});

describe('what a port or a fabric serves', () => {
  it.each(Object.keys(VISITS))('keeps no descriptor after a peer that %s', async (what) => {
    const port = await VdePort.open(`switch://${dir}/sw`);
    const held = readdirSync('/proc/self/fd').length;
    await VISITS[what]?.();
    for (const socket of sockets) {
      // the node closed what will send nothing more
      if (socket.writableEnded) await leave(socket);
    }
    while (readdirSync('/proc/self/fd').length > held) await delay(20);
    await port.close();
  });

  it('rests, though a peer stays that sends nothing more', async () => {
    const others = threads();
    await using fabric = await Fabric.start();
    const own = threads().filter((thread) => !others.includes(thread));
    expect(own).not.toEqual([]);
    const network = fabric.addNetwork('n');
    await network.addPort('hub', `hub://${dir}/sw`);
    const held = readdirSync('/proc/self/fd').length;
    const socket = await connect();
    socket.end();
    // hung up by the node
    await once(socket.resume(), 'end');
    await Promise.all(own.map(expectAtRest));
    await leave(socket);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(held);
  });
});
