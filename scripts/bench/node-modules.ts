import { AsyncLocalStorage } from 'node:async_hooks';
import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stack } from 'ioth';
import { inTurn, type Turn, withinDeadline } from './measure.js';
import { answerOf } from './peering.js';
import { joined, measureRow, type Row, rowOf, type TimedUnit, type Work } from './rows.js';

export type EndWork = 'bulk' | 'round trips' | 'requests' | 'requests in context';

/** A request to an end: to serve or, with a port, to connect to the server there. */
export interface EndRequest {
  work: EndWork;
  amount: number;
  peer: string;
  port?: number;
}

/** The first reply has the daemon of a vdestack. A server then replies with its port, and again when it is done. */
export interface EndAnswer {
  pid?: number;
  port?: number;
  elapsed?: number;
}

/** Two processes that talk to each other. */
export interface Pair {
  asker: ChildProcess;
  server: ChildProcess;
  /** The address of the server. */
  address: string;
}

const END = fileURLToPath(new URL('./node-end.js', import.meta.url));
const EXPOSE_GC = '--expose-gc';
const LOOPBACK = '127.0.0.1';
const ADDRESSES = ['10.0.0.1', '10.0.0.2'] as const;
const MB = 1024 * 1024;
/** V8 has compiled what an http server runs after some 40,000 requests. */
const REQUESTS = { unit: '/s', bar: 0.95, warmUps: 5 } as const;
export const WORKS: Record<EndWork, { name: string; unit: TimedUnit; bar: number; warmUps?: number }> = {
  bulk: { name: 'bulk TCP', unit: 'MB/s', bar: 0.97 },
  'round trips': { name: 'TCP round trip, 64 B', unit: 'µs', bar: 1.05 },
  requests: { ...REQUESTS, name: 'http requests' },
  'requests in context': { ...REQUESTS, name: 'http requests, asked in run' },
};
const ON_VDESTACKS = { bulk: 96 * MB, 'round trips': 6_000, requests: 8_000, 'requests in context': 8_000 };
const ON_KERNEL = { bulk: 1024 * MB, 'round trips': 10_000, requests: 10_000, 'requests in context': 10_000 };
/** The pairs of processes whose rounds make a row. */
const PAIRS = 3;
const RUNS = 500_000;
const RUN_BAR_USECS = 2;

/** Measures Node's modules on stacks, compared with Node alone in the same network namespaces. Rows by title of their table. */
export async function nodeModulesRows(
  wanted: (group: string) => boolean,
  rounds: number,
): Promise<Record<string, Row[]>> {
  if (!wanted('node')) return {};
  return {
    "Node's modules on two vdestacks, a process each": await overPairs(vdestackRows, rounds),
    "Node's modules on the kernel stack over 127.0.0.1, a process each": await overPairs(kernelStackRows, rounds),
    'stack.run of a function that does nothing': [await runRow(rounds)],
  };
}

/**
 * Measures with new processes a few times. A process keeps what it happens to be: where its heap ends decides whether its C library
 * gives memory back to the kernel after each read of 64 KiB, with or without a stack, and takes it again page by page.
 */
async function overPairs(measure: (rounds: number) => Promise<Row[]>, rounds: number): Promise<Row[]> {
  const parts: Row[][] = [];
  for (let left = rounds, pairs = PAIRS; left > 0; pairs--) {
    const some = Math.ceil(left / pairs);
    parts.push(await measure(some));
    left -= some;
  }
  return Object.values(WORKS).map((work, i) =>
    joined(
      work,
      parts.map((rows) => rows[i]!),
    ),
  );
}

async function vdestackRows(rounds: number): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-bench-'));
  const ends: ChildProcess[] = [];
  const [client, host] = ADDRESSES;
  try {
    const [left, leftPid] = await start(ends, [client, 'vdestack', `switch://${directory}/switch`]);
    const [right, rightPid] = await start(ends, [host, 'vdestack', `vde://${directory}/switch`]);
    const [plainLeft] = await start(ends, [client], leftPid);
    const [plainRight] = await start(ends, [host], rightPid);
    const stacks = { asker: left, server: right, address: host };
    return await rowsOf(stacks, { asker: plainLeft, server: plainRight, address: host }, ON_VDESTACKS, rounds);
  } finally {
    // the plain ones first: their namespaces are those of the stacks; the switch last
    for (const end of ends.reverse()) await stop(end);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function kernelStackRows(rounds: number): Promise<Row[]> {
  const ends: ChildProcess[] = [];
  const pair = async (...plugin: string[]): Promise<Pair> => {
    const [asker] = await start(ends, [LOOPBACK, ...plugin]);
    const [server] = await start(ends, [LOOPBACK, ...plugin]);
    return { asker, server, address: LOOPBACK };
  };
  try {
    return await rowsOf(await pair('kernel'), await pair(), ON_KERNEL, rounds);
  } finally {
    for (const end of ends) await stop(end);
  }
}

async function rowsOf(stacks: Pair, plain: Pair, amounts: Record<EndWork, number>, rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const work of Object.keys(WORKS) as EndWork[]) {
    const amount = amounts[work];
    const turns: Record<string, Turn> = { ioth: turnOf(stacks, work, amount) };
    // run uses AsyncLocalStorage, which has its own cost
    if (work === 'requests in context') turns['node in AsyncLocalStorage'] = turnOf(plain, work, amount);
    turns.node = turnOf(plain, work === 'requests in context' ? 'requests' : work, amount);
    rows.push(await measureRow({ ...WORKS[work], amount, turns } satisfies Work, rounds));
  }
  return rows;
}

export function turnOf({ asker, server, address }: Pair, work: EndWork, amount: number): Turn {
  return async () => {
    const request: EndRequest = { work, amount, peer: address };
    server.send(request);
    const { port } = await answerOf<EndAnswer>(server);
    const served = answerOf<EndAnswer>(server);
    asker.send({ ...request, port });
    const [{ elapsed = Number.NaN }] = await Promise.all([answerOf<EndAnswer>(asker), served]);
    return elapsed;
  };
}

/** Returns an end that is ready, in the network namespace of `namespace` if given, and the daemon of its stack. */
export async function start(
  ends: ChildProcess[],
  args: string[],
  namespace?: number,
): Promise<[end: ChildProcess, pid: number | undefined]> {
  const stdio: SpawnOptions['stdio'] = ['ignore', 'inherit', 'inherit', 'ipc'];
  const rights = process.getuid?.() === 0 ? [] : ['-U', '--preserve-credentials'];
  const flags = ['-t', `${namespace}`, ...rights, '-n', process.execPath, EXPOSE_GC, END, ...args];
  const end = namespace === undefined ? fork(END, args, { execArgv: [EXPOSE_GC] }) : spawn('nsenter', flags, { stdio });
  ends.push(end);
  const { pid } = await withinDeadline(answerOf<EndAnswer>(end));
  return [end, pid];
}

export async function stop(end: ChildProcess): Promise<void> {
  if (!end.connected) return;
  const ended = once(end, 'exit');
  end.disconnect();
  await withinDeadline(ended).catch(() => end.kill('SIGKILL'));
}

/** The cost of one call of run, and of AsyncLocalStorage alone. */
async function runRow(rounds: number): Promise<Row> {
  const stack = new Stack('kernel');
  try {
    const storage = new AsyncLocalStorage<Stack>();
    let n = 0;
    const work = () => n++;
    const times = await inTurn([timed(() => stack.run(work)), timed(() => storage.run(stack, work))], rounds);
    const [ours = [], theirs = []] = times.map((samples) => samples.map((ms) => (ms * 1000) / RUNS));
    const figures = { ioth: ours, 'the bar': [RUN_BAR_USECS], AsyncLocalStorage: theirs };
    return rowOf({ name: 'a call', unit: 'µs', bar: 1 }, figures);
  } finally {
    await stack.close();
  }
}

function timed(call: () => void): Turn {
  return async () => {
    const start = performance.now();
    for (let i = 0; i < RUNS; i++) call();
    return performance.now() - start;
  };
}
