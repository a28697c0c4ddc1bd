/**
 * Uses stacks and sockets for about a minute and checks that nothing is left of them: `npm run soak`.
 * Shorter or longer: npm run soak -- --rounds 2000 --stacks 20 --aborted 400. Exits with 1 if a bound is broken.
 * Memory is compared with that of processes that do the same with node:net alone; --counts leaves that out.
 *
 * Resident memory is read after a forced collection, with a young generation of fixed size (node's flags in package.json),
 * and after malloc_trim(3): memory that V8 and malloc keep for later is not counted.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import koffi from 'koffi';
import { SOCK_DGRAM, Stack } from '../lib/index.js';
import { openPollHandles } from '../lib/io/poll-handle.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50000' },
    stacks: { type: 'string', default: '1000' },
    aborted: { type: 'string', default: '10000' },
    counts: { type: 'boolean', default: false },
  },
});
const ROUNDS = Number(values.rounds);
const STACKS = Number(values.stacks);
const ABORTED = Number(values.aborted);
/** The number of rounds after which caches and pools have their final size: memory is compared with this point. */
const WARM = Math.min(1000, ROUNDS / 2);
/** Limits of the growth of resident memory, relative to node:net: from then to the end; from before a slow reader to its most. */
const MAX_GROWTH = 1.06;
const MAX_FLOW_GROWTH = 1.3;
const FLOW_BYTES = 256 * 1024 * 1024;
if (!globalThis.gc) throw new Error('run it with --expose-gc: npm run soak');
const malloc_trim = koffi.load(null).func('int malloc_trim(size_t pad)');

/** The time limit of the process, in milliseconds: after it the process counts as stuck. */
const LIMIT = 600_000;

interface Figures {
  descriptors: number;
  daemons: number;
  pollHandles: number;
  rss: number;
}

setTimeout(() => {
  console.error(`the soak did not end in ${LIMIT / 1000} s`);
  process.exit(1);
}, LIMIT).unref();

await using main = new Stack('vdestack');
main.linksetupdown(main.if_nametoindex('lo'), true);

const listener = main.create_server(['', 0]);
const { port } = listener.getsockname();
const serving = serve();
const silent = main.socket(undefined, SOCK_DGRAM);
silent.bind(['127.0.0.1', 0]);

// opens everything that stays open
await rounds(0, 1);
await aborted(1);
const start = await figures();
const rows: [string, Figures, number][] = [['start', start, 0]];
await phase(`${WARM} rounds`, () => rounds(0, WARM));
const warm = rows.at(-1)?.[1] as Figures;
await phase(`${ROUNDS} rounds`, () => rounds(WARM, ROUNDS));
await phase(`${STACKS} stacks`, () => manyStacks(STACKS));
await phase(`${ABORTED} aborted`, () => aborted(ABORTED));
const end = rows.at(-1)?.[1] as Figures;

console.log('after             time   descriptors  daemons  poll handles  resident');
for (const [name, f, ms] of rows) {
  console.log(
    `${name.padEnd(15)} ${(ms / 1000).toFixed(1).padStart(5)}s ${String(f.descriptors).padStart(12)} ${String(f.daemons).padStart(8)} ${String(f.pollHandles).padStart(13)} ${mib(f.rss).padStart(7)} MiB`,
  );
}
const broken = [
  end.descriptors !== start.descriptors && 'descriptors',
  end.daemons !== start.daemons && 'daemons',
  end.pollHandles !== start.pollHandles && 'poll handles',
  ...(values.counts ? [] : await memory()),
].filter(Boolean);
if (broken.length > 0) {
  console.error(`left behind: ${broken.join(', ')}`);
  process.exitCode = 1;
}
listener.close();
silent.close();
await serving;

/** Prints the growth of memory beside that of node:net. @returns the names of what grows too much */
async function memory(): Promise<(string | false)[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-soak-'));
  try {
    const alone = growthOf('rounds', Math.max(ROUNDS, WARM + 1), WARM);
    const flow = growthOf('flow', FLOW_BYTES, directory);
    return [
      compare(`resident memory from round ${WARM} to the end`, end.rss / warm.rss, alone, MAX_GROWTH),
      compare('resident memory with a slow reader', flow, growthOf('flow', FLOW_BYTES), MAX_FLOW_GROWTH),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function growthOf(...args: (string | number)[]): number {
  const script = fileURLToPath(new URL('./soak-memory.ts', import.meta.url));
  const said = execFileSync(process.execPath, [...process.execArgv, script, ...args.map(String)], { encoding: 'utf8' });
  const [before = 0, after = 0] = JSON.parse(said);
  return after / before;
}

function compare(name: string, ours: number, nodes: number, bar: number): string | false {
  const isMet = ours / nodes <= bar;
  const figures = `× ${ours.toFixed(2)}, by node:net × ${nodes.toFixed(2)}`;
  console.log(`${name}: ${figures}: ${(ours / nodes).toFixed(2)} ≤ ${bar.toFixed(2)} ${isMet ? 'met' : 'MISSED'}`);
  return !isMet && name;
}

async function phase(name: string, work: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  await work();
  const time = performance.now() - begin;
  rows.push([name, await figures(), time]);
}

/** Serves echoes: one message a connection. */
async function serve(): Promise<void> {
  for await (const connection of listener) {
    void connection.recv(100).then(async (data) => {
      await connection.sendall(data);
      connection.close();
    });
  }
}

async function rounds(from: number, to: number): Promise<void> {
  const message = Buffer.from('there and back');
  for (let i = from; i < to; i++) {
    const socket = main.socket();
    // a closed connection blocks its pair of ports for a minute: more addresses give more pairs
    await socket.connect([`127.0.0.${1 + (i % 8)}`, port]);
    await socket.sendall(message);
    const answer = await socket.recv(100);
    if (!answer.equals(message)) throw new Error(`round ${i}: ${answer}`);
    socket.close();
  }
}

/** Makes and closes stacks, ten at a time, each with a socket that waits: closing the stack ends the wait. */
async function manyStacks(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 10) {
    await Promise.all(
      Array.from({ length: Math.min(10, left) }, async () => {
        const stack = new Stack('vdestack', 'null://');
        const waiting = stack
          .socket(undefined, SOCK_DGRAM)
          .recv(1)
          .catch(() => {});
        await stack.close();
        await waiting;
      }),
    );
  }
}

/** Starts connects and receives that never succeed: only the signal or the timeout ends them. */
async function aborted(count: number): Promise<void> {
  for (let i = 0; i < count; i += 4) {
    const controller = new AbortController();
    const { signal } = controller;
    const idle = main.socket(undefined, SOCK_DGRAM);
    idle.settimeout(0.001);
    const ends = [
      silent.recv(1, 0, { signal }),
      idle.recv(1),
      idle.recv(1, 0, { signal: AbortSignal.timeout(1) }),
      connectToNobody(signal),
    ];
    setImmediate(() => controller.abort());
    const results = await Promise.allSettled(ends);
    if (results.some(({ status }) => status !== 'rejected')) throw new Error('an operation was not ended');
    idle.close();
  }
}

async function connectToNobody(signal: AbortSignal): Promise<void> {
  const socket = main.socket();
  try {
    await socket.connect(['192.0.2.1', 9], { signal });
  } finally {
    socket.close();
  }
}

async function figures(): Promise<Figures> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await turn();
  }
  malloc_trim(0);
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    daemons: readdirSync('/proc/self/task')
      .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' '))
      .filter(Boolean).length,
    pollHandles: openPollHandles(),
    rss: process.memoryUsage.rss(),
  };
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
