import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, SOCK_DGRAM } from '../../../lib/constants/index.js';
import { Stack } from '../../../lib/stack/stack.js';
import { VdePort } from '../../../lib/vde/index.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { lasting } from '../../support/until.js';

const VISITING_MS = 60_000;
/** How long the daemons are compared while nothing happens: the calls are counted, not the time. */
const RESTING_MS = 2000;

/** What a process did so far: its calls of read(2) and write(2), and how often it slept and was woken. */
function doneBy(pid: number): number {
  const count = (file: string, name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'latin1'))?.[1]);
  return count('io', 'syscr') + count('io', 'syscw') + count('status', 'voluntary_ctxt_switches');
}

const REQUEST = Buffer.alloc(122);
REQUEST.writeUInt32LE(0xfeedface, 0);
REQUEST.writeUInt32LE(3, 4);
REQUEST.writeUInt16LE(1, 12);

/** What they do after they connected. */
const VISITS: ((socket: Socket) => unknown)[] = [
  () => {},
  (socket) => socket.end(),
  (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'),
  (socket) => socket.write(REQUEST.subarray(0, 6)),
  (socket) => socket.end(REQUEST),
  (socket) => socket.write(REQUEST),
  (socket) => socket.write(Buffer.concat([REQUEST, REQUEST, Buffer.alloc(1000)])),
  () => delay(Math.random() * 200),
];

async function visit(path: string): Promise<void> {
  const socket = createConnection({ path, allowHalfOpen: true });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // EAGAIN where too many wait to be accepted, EPIPE
  socket.on('error', () => {});
  const isConnected = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  if (await isConnected) {
    await VISITS[Math.floor(Math.random() * VISITS.length)]?.(socket);
    await delay(Math.random() * 40);
  }
  socket.destroy();
  await closed;
}

test('hostile peers leave a switch as it was', async () => {
  const before = holdings();
  const dir = temporaryDirectory();
  const visited = new Stack('vdestack', `switch://${dir}/visited`);
  const control = new Stack('vdestack', `switch://${dir}/control`);
  const pids = [visited.daemonPid, control.daemonPid] as [number, number];
  const held = readdirSync('/proc/self/fd').length;

  let visits = 0;
  const goesOn = lasting(VISITING_MS);
  const visitor = async () => {
    for (; goesOn(); visits++) await visit(join(dir, 'visited/ctl'));
  };
  await Promise.all(Array.from({ length: 3 }, visitor));
  expect(visits).toBeGreaterThan(100);

  // what the last ones left goes
  while (readdirSync('/proc/self/fd').length > held) await delay(20);
  // then the daemon does what one does that nobody has visited: nothing
  let done: number[];
  do {
    const was = pids.map(doneBy);
    await delay(RESTING_MS);
    done = pids.map((pid, i) => doneBy(pid) - (was[i] ?? 0));
  } while (done[0] !== done[1]);

  for (const stack of [visited, control]) stack.socket(AF_INET, SOCK_DGRAM).close();
  const port = await VdePort.open(`vde://${dir}/visited`);
  await port.close();
  await Promise.all([visited.close(), control.close()]);
  expect(readdirSync(dir)).toEqual([]);
  rmSync(dir, { recursive: true });
  await expectNothingLeft(before);
});
