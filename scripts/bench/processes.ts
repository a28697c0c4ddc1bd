import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Stack } from 'ioth';
import { type Halves, iothHalves, nodeHalves } from './contenders/awaiting.js';
import { type Blocking, blockingCalls, blockingClient, syncOn } from './contenders/blocking.js';
import { type Iothpy, startIothpy } from './contenders/iothpy.js';
import { withinDeadline } from './measure.js';
import { answerOf, pointerOf, vdestack } from './peering.js';
import { measureRow, type Row, type Work } from './rows.js';
import { withSwitch } from './switch.js';

export const BUSY_POLL_USECS = 100;
const LOOPBACK = '127.0.0.1';
const [OURS, PEERS] = ['10.0.0.1', '10.0.0.2'] as const;

export type WorkName = 'round trips' | 'connections' | 'datagrams';

/** A request to the server process, which replies with its port, and again when it is done. */
export interface ServerRequest {
  contender: 'ioth' | 'node' | 'ioth sync' | 'ioth busyPoll' | 'blocking koffi';
  work: WorkName;
  count: number;
}

const COUNTS: Record<WorkName, number> = { 'round trips': 5000, connections: 1000, datagrams: 5000 };

/** The rows of two processes, a table each: on the kernel stack, and on two vdestacks. */
export async function processRows(wanted: (group: string) => boolean, rounds: number): Promise<Record<string, Row[]>> {
  if (!wanted('processes')) return {};
  return {
    'Kernel stack over 127.0.0.1, a process each': await kernelRows(rounds),
    'Two vdestacks on a switch, a process each: awaited, blocking, by C and by Python': await vdestackRows(rounds),
  };
}

/**
 * Measures the kernel stack over the loopback between two processes: this one is the client, a child process (server.ts) the
 * server, of the same kind as the client. The receiver waits for each message.
 */
async function kernelRows(rounds: number): Promise<Row[]> {
  const stack = new Stack('kernel');
  const busy = new Stack('kernel');
  busy.busyPoll(BUSY_POLL_USECS);
  try {
    return await withServer([LOOPBACK], async (server) => {
      const turnsOf = (work: WorkName) => ({
        ioth: awaiting(server, 'ioth', iothHalves(stack), work),
        [work === 'datagrams' ? 'node:dgram' : 'node:net']: awaiting(server, 'node', nodeHalves, work),
        'ioth sync': blocking(server, 'ioth sync', syncOn(stack), work),
        'ioth busyPoll': awaiting(server, 'ioth busyPoll', iothHalves(busy), work),
        'blocking koffi': blocking(server, 'blocking koffi', blockingCalls(pointerOf(stack)), work),
      });
      return await rowsOf(turnsOf, { 'round trips': 0.95, connections: 1.5, datagrams: 1.1 }, rounds);
    });
  } finally {
    await Promise.all([stack.close(), busy.close()]);
  }
}

/** The same between two vdestacks. The bars are of iothpy where Python has it, else of blocking C calls. */
function vdestackRows(rounds: number): Promise<Row[]> {
  return withSwitch(async (vnl, vnlOfPeer) => {
    const stack = vdestack(vnl, OURS);
    let python: Iothpy | undefined;
    try {
      python = await startIothpy(vnlOfPeer);
      return await withServer([PEERS, vnlOfPeer], async (server) => {
        const turnsOf = (work: WorkName) => ({
          ioth: awaiting(server, 'ioth', iothHalves(stack), work),
          ...(python && { iothpy: python.turn(work, COUNTS[work]) }),
          'blocking koffi': blocking(server, 'blocking koffi', blockingCalls(pointerOf(stack)), work),
          'ioth sync': blocking(server, 'ioth sync', syncOn(stack), work),
        });
        const bars = python ? OF_IOTHPY : OF_BLOCKING_CALLS;
        return await rowsOf(turnsOf, bars, rounds);
      });
    } finally {
      await python?.stop();
      await stack.close();
    }
  });
}

const OF_IOTHPY = { 'round trips': 0.9, connections: 1, datagrams: 1 } as const;
const OF_BLOCKING_CALLS = { 'round trips': 1.1, connections: 0.7, datagrams: 0.8 } as const;

async function rowsOf(
  turnsOf: (work: WorkName) => Work['turns'],
  bars: Readonly<Record<WorkName, number>>,
  rounds: number,
): Promise<Row[]> {
  const works: Record<WorkName, Pick<Work, 'name' | 'unit'>> = {
    'round trips': { name: 'TCP round trip, 64 B', unit: 'µs' },
    connections: { name: 'TCP connections', unit: '/s' },
    datagrams: { name: 'UDP echoes, 64 B', unit: '/s' },
  };
  const rows: Row[] = [];
  for (const work of Object.keys(works) as WorkName[])
    rows.push(
      await measureRow({ ...works[work], amount: COUNTS[work], turns: turnsOf(work), bar: bars[work] }, rounds),
    );
  return rows;
}

/** Runs a server process meanwhile. @param args its address and, for a vdestack, its VNL */
async function withServer<T>(args: readonly string[], measure: (server: Server) => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./server.js', import.meta.url)), args);
  try {
    await withinDeadline(answerOf<number>(child));
    return await measure({ child, address: args[0]! });
  } finally {
    if (child.connected) {
      child.disconnect();
      await withinDeadline(once(child, 'exit')).catch(() => child.kill('SIGKILL'));
    }
  }
}

interface Server {
  readonly child: ChildProcess;
  readonly address: string;
}

function awaiting(server: Server, contender: ServerRequest['contender'], halves: Halves, work: WorkName) {
  return () => turn(server, contender, work, (port) => halves.client(work, server.address, port, COUNTS[work]));
}

function blocking<S>(server: Server, contender: ServerRequest['contender'], calls: Blocking<S>, work: WorkName) {
  return () =>
    turn(server, contender, work, async (port) => blockingClient(calls, work, server.address, port, COUNTS[work]));
}

async function turn(
  { child }: Server,
  contender: ServerRequest['contender'],
  work: WorkName,
  client: (port: number) => Promise<void>,
): Promise<number> {
  child.send({ contender, work, count: COUNTS[work] } satisfies ServerRequest);
  const port = await answerOf<number>(child);
  const done = answerOf<number>(child);
  const start = performance.now();
  await client(port);
  const elapsed = performance.now() - start;
  await done;
  return elapsed;
}
