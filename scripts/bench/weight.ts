import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AF_INET, SOCK_DGRAM, Stack } from 'ioth';
import { libioth } from 'ioth/ffi';
import { Lab } from 'ioth/lab';
import { inTurn, type Turn } from './measure.js';
import { measureRow, type Row, rowOf } from './rows.js';

const MAIN = fileURLToPath(new URL('../dist/lib/cli/main.js', import.meta.url));

/** Measures what loading takes, and what a stack, a socket and a host of a lab hold in memory. */
export async function weightRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('weight')) return [];
  const rows = [await loadRow(rounds), await helpRow(rounds)];
  if (!globalThis.gc) throw new Error('weight needs --expose-gc');
  return [...rows, await stackRow(rounds), await socketRow(rounds), await hostRow(rounds)];
}

/** Returns the time of a Node process. */
function nodeRun(...args: string[]): Turn {
  return async () => {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return performance.now() - start;
  };
}

function loadRow(rounds: number): Promise<Row> {
  const turns = { "require('ioth')": nodeRun('-e', "require('ioth')"), Node: nodeRun('-e', "require('http')") };
  return measureRow({ name: 'load, the process in all', unit: 'ms', amount: 1, turns, bar: 4 }, rounds);
}

function helpRow(rounds: number): Promise<Row> {
  const turns = { 'ioth --help': nodeRun(MAIN, '--help'), Node: nodeRun('-e', "require('http')") };
  return measureRow({ name: 'the command, the process in all', unit: 'ms', amount: 1, turns, bar: 2 }, rounds);
}

const COUNT = 20;
const SOCKETS = 1000;

/** What `count` things hold: of this process and of the processes that it made, in kB each. */
async function heldBy<T>(make: () => Promise<T>, close: (things: T) => unknown, count: number): Promise<number> {
  const before = await heldNow();
  const things = await make();
  const held = (await heldNow()) - before;
  await close(things);
  return held / count;
}

/** Returns the proportional set sizes of this process and of its children, in kB: proc_pid_smaps(5). */
async function heldNow(): Promise<number> {
  await collect();
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [`${process.pid}`, ...children].reduce((sum, pid) => sum + pssOf(pid), 0);
}

function pssOf(pid: string): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

async function heldInTurn(name: string, bar: number, rounds: number, turns: Record<string, () => Promise<number>>) {
  const held = await inTurn(Object.values(turns), rounds);
  const samples = Object.keys(turns).map((contender, i) => [contender, held[i] ?? []]);
  return rowOf({ name, unit: 'kB', bar }, Object.fromEntries(samples));
}

const many = <T>(count: number, make: () => T) => Array.from({ length: count }, make);

const heldByStacks = () =>
  heldBy(
    async () => many(COUNT, () => new Stack('vdestack', 'null://')),
    (stacks) => Promise.all(stacks.map((stack) => stack.close())),
    COUNT,
  );

function stackRow(rounds: number): Promise<Row> {
  const bare = () =>
    heldBy(
      async () => many(COUNT, () => libioth().newstackv('vdestack', ['null://', null])),
      (stacks) => {
        for (const stack of stacks) if (stack) libioth().delstack(stack);
      },
      COUNT,
    );
  return heldInTurn('memory of a vdestack', 2, rounds, { 'new Stack': heldByStacks, 'bare koffi': bare });
}

/** A bound UDP socket: the memory of JavaScript. */
async function socketRow(rounds: number): Promise<Row> {
  const stack = new Stack('kernel');
  const ours = () => {
    const socket = stack.socket(AF_INET, SOCK_DGRAM);
    socket.bind(['127.0.0.1', 0]);
    return socket;
  };
  const nodes = async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };
  const held = (bind: () => Closable | Promise<Closable>) => async () => {
    const before = await heapNow();
    const sockets = await Promise.all(many(SOCKETS, bind));
    const heap = (await heapNow()) - before;
    for (const socket of sockets) socket.close();
    return heap / SOCKETS;
  };
  try {
    return await heldInTurn('memory of a UDP socket', 3, rounds, { ioth: held(ours), 'node:dgram': held(nodes) });
  } finally {
    await stack.close();
  }
}

interface Closable {
  close(): unknown;
}

/** Returns the memory of JavaScript's objects and of what they hold outside the heap, in kB. */
async function heapNow(): Promise<number> {
  await collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024;
}

async function collect(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
}

function hostRow(rounds: number): Promise<Row> {
  const hosts = Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`host${i}`, 'lan' as const]));
  const ofLab = () =>
    heldBy(
      () => Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts }),
      (lab) => lab.close(),
      COUNT,
    );
  return heldInTurn(`memory of a host, of ${COUNT} in a lab`, 4, rounds, { lab: ofLab, 'new Stack': heldByStacks });
}
