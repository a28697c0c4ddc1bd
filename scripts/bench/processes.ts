import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Stack } from 'ioth';
import { libioth } from 'ioth/ffi';
import { type Halves, iothHalves, nodeHalves } from './contenders/awaiting.js';
import { type Blocking, blockingCalls, blockingClient, syncOn } from './contenders/blocking.js';
import { withinDeadline } from './measure.js';
import { answerOf } from './peering.js';
import { measureRow, type Row, type Work } from './rows.js';

export const HOST = '127.0.0.1';
export const BUSY_POLL_USECS = 100;

export type WorkName = 'round trips' | 'connections' | 'datagrams';

/** A request to the server process, which replies with its port, and again when it is done. */
export interface ServerRequest {
  contender: 'ioth' | 'node' | 'ioth sync' | 'ioth busyPoll' | 'blocking koffi';
  work: WorkName;
  count: number;
}

const COUNTS: Record<WorkName, number> = { 'round trips': 5000, connections: 1000, datagrams: 5000 };

/**
 * Measures the kernel stack over the loopback between two processes: this one is the client, a child process (server.ts) the
 * server, of the same kind as the client. The receiver waits for each message.
 */
export async function processRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('processes')) return [];
  const stack = new Stack('kernel');
  const busy = new Stack('kernel');
  busy.busyPoll(BUSY_POLL_USECS);
  const bare = libioth().newstack('kernel', null);
  if (bare === null) throw new Error('the kernel stack could not be made');
  const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)));
  try {
    await withinDeadline(answerOf<number>(server));
    const turnsOf = (work: WorkName) => ({
      ioth: awaiting(server, 'ioth', iothHalves(stack), work),
      [work === 'datagrams' ? 'node:dgram' : 'node:net']: awaiting(server, 'node', nodeHalves, work),
      'ioth sync': blocking(server, 'ioth sync', syncOn(stack), work),
      'ioth busyPoll': awaiting(server, 'ioth busyPoll', iothHalves(busy), work),
      'blocking koffi': blocking(server, 'blocking koffi', blockingCalls(bare), work),
    });
    const works: Work[] = [
      {
        name: 'TCP round trip, 64 B',
        unit: 'µs',
        amount: COUNTS['round trips'],
        turns: turnsOf('round trips'),
        bar: 0.95,
      },
      { name: 'TCP connections', unit: '/s', amount: COUNTS.connections, turns: turnsOf('connections'), bar: 1.5 },
      { name: 'UDP echoes, 64 B', unit: '/s', amount: COUNTS.datagrams, turns: turnsOf('datagrams'), bar: 1.1 },
    ];
    const rows: Row[] = [];
    for (const work of works) rows.push(await measureRow(work, rounds));
    return rows;
  } finally {
    server.disconnect();
    await Promise.all([stack.close(), busy.close()]);
    libioth().delstack(bare);
  }
}

function awaiting(server: ChildProcess, contender: ServerRequest['contender'], halves: Halves, work: WorkName) {
  return () => turn(server, contender, work, (port) => halves.client(work, HOST, port, COUNTS[work]));
}

function blocking<S>(server: ChildProcess, contender: ServerRequest['contender'], calls: Blocking<S>, work: WorkName) {
  return () => turn(server, contender, work, async (port) => blockingClient(calls, work, HOST, port, COUNTS[work]));
}

async function turn(
  server: ChildProcess,
  contender: ServerRequest['contender'],
  work: WorkName,
  client: (port: number) => Promise<void>,
): Promise<number> {
  server.send({ contender, work, count: COUNTS[work] } satisfies ServerRequest);
  const port = await answerOf<number>(server);
  const done = answerOf<number>(server);
  const start = performance.now();
  await client(port);
  const elapsed = performance.now() - start;
  await done;
  return elapsed;
}
