import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM, type Socket, Stack } from 'ioth';
import { hasLibrary } from 'ioth/ffi';
import type { Turn } from './measure.js';
import { vdestack } from './peering.js';
import { measureRow, type Row } from './rows.js';

const LOOK_UPS = 100;
const SERVER_MS = 10;
const TIMEOUT_MS = 20;
const TIMEOUTS = 20;
const READS = 20;

/** Measures waits: the time of a timeout, the gain of concurrent look-ups, and how the cost of a DNS message grows. */
export async function waitingRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('waiting')) return [];
  return [await timeoutRow(rounds), await lookUpRow(rounds), await messageRow(rounds)];
}

/** A receive for which nothing comes, compared with a timer alone. */
async function timeoutRow(rounds: number): Promise<Row> {
  const stack = new Stack('kernel');
  const socket = stack.socket(AF_INET, SOCK_DGRAM);
  socket.bind(['127.0.0.1', 0]);
  socket.settimeout(TIMEOUT_MS / 1000);
  try {
    return await measureRow(
      {
        name: `timeout of ${TIMEOUT_MS} ms`,
        unit: 'ms',
        amount: TIMEOUTS,
        turns: {
          recv: timed(TIMEOUTS, () => socket.recv(1).catch(() => {})),
          setTimeout: timed(TIMEOUTS, () => delay(TIMEOUT_MS)),
          'sync.recv': timed(TIMEOUTS, async () => {
            try {
              socket.sync.recv(1);
            } catch {
              // ETIMEDOUT
            }
          }),
        },
        bar: 1.25,
      },
      rounds,
    );
  } finally {
    socket.close();
    await stack.close();
  }
}

/** Concurrent look-ups compared with one by one, as libiothdns does, from a slow server. */
async function lookUpRow(rounds: number): Promise<Row> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-bench-'));
  const server = vdestack(`switch://${directory}/switch`, '10.0.0.1');
  const clients = [clientOf(`vde://${directory}/switch`, 2, 'builtin')];
  try {
    const socket = server.socket(AF_INET, SOCK_DGRAM);
    socket.bind(['10.0.0.1', 53]);
    const serving = serveNames(socket);
    let names = 0;
    const look = (client: Stack) => client.getaddrinfo(`n${names++}.test`, 80, AF_INET, SOCK_STREAM);
    const atOnce = (client: Stack) => timed(1, () => Promise.all(Array.from({ length: LOOK_UPS }, () => look(client))));
    const [builtin] = clients as [Stack];
    const turns = { 'at once': atOnce(builtin), 'one by one': timed(LOOK_UPS, () => look(builtin)) };
    if (hasLibrary('iothdns')) {
      const native = clientOf(`vde://${directory}/switch`, 3, 'native');
      clients.push(native);
      Object.assign(turns, { libiothdns: atOnce(native) });
    }
    const name = `look-ups, a server ${SERVER_MS} ms away`;
    const row = await measureRow({ name, unit: '/s', amount: LOOK_UPS, turns, bar: 3 }, rounds);
    socket.close();
    await serving;
    return row;
  } finally {
    for (const client of clients) await client.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The cost of a record in the costliest message that fits in 64 kB, compared with one of an eighth of the length. */
function messageRow(rounds: number): Promise<Row> {
  const { decodeMessage } = createRequire(import.meta.url)('../dist/lib/dns/message.js') as {
    decodeMessage(bytes: Uint8Array): { answers: unknown[] } | null;
  };
  const [long, short] = [costlyMessage(65535), costlyMessage(65535 / 8)];
  const read = (message: Buffer, times: number) =>
    timed(times, async () => {
      if (decodeMessage(message) === null) throw new Error('the message is malformed');
    });
  return measureRow(
    {
      name: 'costliest DNS message, 64 kB in all',
      unit: 'ms',
      amount: READS,
      turns: { 'one of 64 kB': read(long, READS), 'eight of 8 kB': read(short, READS * 8) },
      bar: 1.5,
    },
    rounds,
  );
}

function timed(times: number, work: () => Promise<unknown>): Turn {
  return async () => {
    const start = performance.now();
    for (let i = 0; i < times; i++) await work();
    return performance.now() - start;
  };
}

function clientOf(vnl: string, number: number, dns: 'builtin' | 'native'): Stack {
  const client = new Stack('vdestack', vnl, 'nameserver 10.0.0.1\noptions timeout:30\n', { dns, dnsCache: 0 });
  const ifindex = client.if_nametoindex('vde0');
  client.linksetupdown(ifindex, true);
  client.ipaddr_add(AF_INET, `10.0.0.${number}`, 24, ifindex);
  return client;
}

/** Answers every question with 10.0.0.9, until the socket is closed. */
async function serveNames(socket: Socket): Promise<void> {
  try {
    for (;;) {
      const [query, { address, port }] = await socket.recvfrom(4096);
      const answer = answerTo(query);
      void delay(SERVER_MS).then(async () => {
        if (!socket.closed) await socket.sendto(answer, [address, port]);
      });
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'ECANCELED') throw error;
  }
}

/** The header and the question of the query, and an A record for its name (RFC 1035). */
function answerTo(query: Buffer): Buffer {
  let end = 12;
  while (query[end] !== 0) end += (query[end] as number) + 1;
  const head = Buffer.from(query.subarray(0, end + 5));
  // a response, recursion available; one question, one answer
  head.set([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], 2);
  return Buffer.concat([head, Buffer.from('c00c000100010000003c00040a000009', 'hex')]);
}

/** Returns as many aliases as fit in `length` bytes, each from and to a name of the maximum length, by pointers. */
function costlyMessage(length: number): Buffer {
  const longest = Buffer.from(`${'0161'.repeat(126)}00`, 'hex');
  const header = Buffer.from('000780000001000000000000', 'hex');
  const record = Buffer.from('c00c00050001000000000002c00c', 'hex');
  const count = Math.floor((length - header.length - longest.length - 4) / record.length);
  header.writeUInt16BE(count, 6);
  return Buffer.concat([header, longest, Buffer.from('00010001', 'hex'), ...Array(count).fill(record)]);
}
