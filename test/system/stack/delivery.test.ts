import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from 'ioth';
import { type Child, startScript } from '../../support/child.js';
import { Network } from '../../support/network.js';
import { receiveAll } from '../../support/sockets.js';

/** How often each way is gone: IOTH_REPEAT=20 is what the figures of docs/lifetimes.md are of. */
const TIMES = Number(process.env.IOTH_REPEAT ?? 2);

/** So many senders run at once. */
const PARALLEL = 2;

let net: Network;
let listener: Socket;
beforeAll(async () => {
  net = await Network.create(1);
  listener = (net.stacks[0] as Network['stacks'][0]).socket();
  listener.bind(['10.0.0.1', 7]);
  listener.listen();
  listener.settimeout(15);
});
afterAll(async () => {
  listener.close();
  await net.close();
});

let number = 1;

function sender(way: string, bytes: number): Child {
  number = number === 250 ? 2 : number + 1;
  return startScript('sender.ts', [way, bytes, net.vnl, number]);
}

/** What a sender that leaves in this way got across, and how it ended. */
async function receiveFrom(way: string, bytes: number): Promise<[received: Buffer, status: number | string]> {
  const life = sender(way, bytes);
  const [connection] = await listener.accept();
  connection.settimeout(10);
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
          Array.from({ length: PARALLEL }, () => receiveFrom(way, bytes)),
        )) {
          if (received.equals(expected)) arrived++;
          expect(end).toBe(status);
        }
      }
      expect(arrived).toBe(TIMES);
    },
    30_000 + 2000 * TIMES,
  );
});

test('a peer that reads nothing is waited for, and gets a reset', async () => {
  const life = sender('in vain', 20_000_000);
  const [connection] = await listener.accept();
  connection.settimeout(10);
  const waited = Number(await life.line('closed'));
  expect(waited).toBeGreaterThan(950);
  expect(waited).toBeLessThan(2000);
  await expect(receiveAll(connection)).rejects.toMatchObject({ code: 'ECONNRESET' });
  connection.close();
  expect((await life.exit).code).toBe(0);
});

test('a program that has ended and waits for such a peer is ended by Ctrl-C', async () => {
  const life = sender('end in vain', 20_000_000);
  const [connection] = await listener.accept();
  connection.settimeout(10);
  await life.line('ending');
  await delay(300);
  life.kill('SIGINT');
  const start = performance.now();
  await life.exit;
  // without the signal it would be 5 s
  expect(performance.now() - start).toBeLessThan(1000);
  expect(life.group()).toEqual([]);
  await expect(receiveAll(connection)).rejects.toMatchObject({ code: 'ECONNRESET' });
  connection.close();
});

test('a signal ends a program with such a peer after a second, by that signal', async () => {
  const life = sender('SIGTERM in vain', 20_000_000);
  const [connection] = await listener.accept();
  connection.settimeout(10);
  await life.line('ending');
  const start = performance.now();
  expect((await life.exit).code).toBe('SIGTERM');
  expect(performance.now() - start).toBeLessThan(3000);
  await expect(receiveAll(connection)).rejects.toMatchObject({ code: 'ECONNRESET' });
  connection.close();
});
