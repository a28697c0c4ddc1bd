import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AF_INET, Stack } from 'ioth';
import { Link, type LinkOptions } from 'ioth/lab';
import { VdePort } from 'ioth/vde';
import { median, type Turn, withinDeadline } from './measure.js';
import { vdestack } from './peering.js';
import { judged, measureRow, type Row, rowOf } from './rows.js';

/** Measures how soon things end, and how long that blocks a program; run() and iothconfig(); and a link with faults. */
export async function endRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('ends')) return [];
  const rows = [
    await processRow(rounds),
    await blockedRow(rounds),
    await deathRow(rounds),
    await deathStallRow(rounds),
    await closeStallRow(rounds),
    await allocationRow(),
    await runRow(rounds),
    await staticRow(rounds),
  ];
  if (hasDhcp()) rows.push(await dhcpRow(rounds));
  return [...rows, await rateRow(), await delayRow()];
}

const STACKS = 50;
const STAY = 'setInterval(() => {}, 1e6);';
const stacksSource = (count: number) => `
  const { Stack } = await import('ioth');
  globalThis.stacks = Array.from({ length: ${count} }, () => new Stack('vdestack', 'null://'));`;

/** A signal ends a process with stacks, compared with one without. */
function processRow(rounds: number): Promise<Row> {
  const turns = {
    'with stacks': endOf(`${stacksSource(STACKS)} console.log('ready'); ${STAY}`),
    Node: endOf(`console.log('ready'); ${STAY}`),
  };
  return measureRow(
    { name: `SIGTERM ends a process of ${STACKS} stacks`, unit: 'ms', amount: 1, turns, bar: 40 },
    rounds,
  );
}

/** A signal in a blocking call, compared with one in the event loop. */
function blockedRow(rounds: number): Promise<Row> {
  const waits = `${stacksSource(1)} const socket = stacks[0].socket(2, 2); console.log('ready');`;
  const turns = {
    'sync.recv': endOf(`${waits} socket.sync.recv(1);`),
    recv: endOf(`${waits} await socket.recv(1);`),
  };
  return measureRow({ name: 'SIGTERM in a blocking call', unit: 'ms', amount: 1, turns, bar: 2 }, rounds);
}

/** Returns the time from the signal until no process has the output of the process open. */
function endOf(source: string): Turn {
  return async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 100));
    return elapsed(async () => {
      child.kill('SIGTERM');
      await once(child, 'close');
    });
  };
}

async function elapsed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** An object that dies when its process is killed. */
interface Mortal {
  pid: number;
  dead: Promise<unknown>;
  close(): Promise<void>;
}

function mortalStack(): Mortal {
  const stack = new Stack('vdestack', 'null://');
  const dead = new Promise((resolve) => stack.once('error', resolve));
  return { pid: stack.daemonPid as number, dead, close: () => stack.close() };
}

function mortalChild(): Mortal {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const dead = once(child, 'exit');
  const close = async () => {
    child.kill('SIGKILL');
    await dead;
  };
  return { pid: child.pid as number, dead, close };
}

const DEATHS = 10;

/** The time from a daemon's death to the stack's 'error', compared with that from a child's death to its 'exit'. */
function deathRow(rounds: number): Promise<Row> {
  const deaths = (make: () => Mortal) => async () => {
    let sum = 0;
    for (let i = 0; i < DEATHS; i++) {
      const mortal = make();
      sum += await elapsed(() => {
        process.kill(mortal.pid, 'SIGKILL');
        return mortal.dead;
      });
      await mortal.close();
    }
    return sum;
  };
  const turns = { daemon: deaths(mortalStack), 'child process': deaths(mortalChild) };
  return measureRow({ name: 'a death is noticed', unit: 'ms', amount: DEATHS, turns, bar: 3 }, rounds);
}

function deathStallRow(rounds: number): Promise<Row> {
  const death = (make: () => Mortal) =>
    longestTurn(() => {
      const mortal = make();
      return async () => {
        process.kill(mortal.pid, 'SIGKILL');
        await mortal.dead;
        await mortal.close();
      };
    });
  const turns = { daemon: death(mortalStack), 'child process': death(mortalChild) };
  return measureRow({ name: 'longest turn at a death', unit: 'ms', amount: 1, turns, bar: 10 }, rounds);
}

function closeStallRow(rounds: number): Promise<Row> {
  const closes = (make: () => Mortal) =>
    longestTurn(() => {
      const mortals = Array.from({ length: 10 }, make);
      return () => Promise.all(mortals.map((mortal) => mortal.close()));
    });
  const turns = { stacks: closes(mortalStack), 'child processes': closes(mortalChild) };
  return measureRow({ name: 'longest turn while ten end', unit: 'ms', amount: 1, turns, bar: 20 }, rounds);
}

/** Returns the longest turn of an event loop that is never idle, while something ends. */
function longestTurn(prepare: () => () => Promise<unknown>): Turn {
  return async () => {
    const end = prepare();
    await turn();
    let [longest, last, isOver] = [0, performance.now(), false];
    const ended = end().finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await turn();
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
    await ended;
    return longest;
  };
}

/**
 * The slowest of 60 stacks, with a socket, while other threads hold malloc's lock as often as they can: a daemon that was born
 * with the lock taken is detected and made again. Compared with the same without those threads.
 */
async function allocationRow(): Promise<Row> {
  const source = (threads: number) => `
    import { Worker } from 'node:worker_threads';
    import { Stack } from 'ioth';
    const hoard = \`
      const koffi = require('koffi');
      const libc = koffi.load(null);
      const malloc = libc.func('malloc', 'void *', ['size_t']);
      const free = libc.func('free', 'void', ['void *']);
      for (;;) free(malloc(3000));\`;
    const workers = Array.from({ length: ${threads} }, () => new Worker(hoard, { eval: true, execArgv: [] }));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
    const times = [];
    for (let i = 0; i < 60; i++) {
      const start = performance.now();
      const stack = new Stack('vdestack', 'null://');
      stack.socket().close();
      times.push(performance.now() - start);
      await stack.close();
    }
    console.log(Math.max(...times));
    process.exit();`;
  const slowest = async (threads: number) => {
    const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
    const args = ['--input-type=module', '--eval', source(threads)];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await withinDeadline(once(child.stdout, 'data'));
    return Number(said);
  };
  const name = 'the slowest stack, threads allocate';
  return rowOf({ name, unit: 'ms', bar: 20 }, { 'beside them': [await slowest(3)], alone: [await slowest(0)] });
}

const CALLS = 100_000;

function runRow(rounds: number): Promise<Row> {
  const stack = new Stack('kernel');
  const storage = new AsyncLocalStorage<number>();
  const turns = {
    'stack.run': () =>
      elapsed(() => {
        for (let i = 0; i < CALLS; i++) stack.run(() => i);
      }),
    AsyncLocalStorage: () =>
      elapsed(() => {
        for (let i = 0; i < CALLS; i++) storage.run(i, () => i);
      }),
  };
  const work = { name: 'stack.run of a function', unit: 'µs', amount: CALLS, turns, bar: 8, warmUps: 3 } as const;
  return measureRow(work, rounds).finally(() => stack.close());
}

function staticRow(rounds: number): Promise<Row> {
  const configured = (configure: (stack: Stack) => unknown) => async () => {
    await using stack = new Stack('vdestack', 'null://', null, { conf: 'builtin' });
    return await elapsed(() => configure(stack));
  };
  const turns = {
    iothconfig: configured((stack) => stack.iothconfig('eth,ip=10.0.0.9/24')),
    ipaddr_add: configured((stack) => {
      stack.linksetupdown('vde0', true);
      stack.ipaddr_add(AF_INET, '10.0.0.9', 24, 'vde0');
    }),
  };
  return measureRow({ name: 'a static address', unit: 'ms', amount: 1, turns, bar: 5 }, rounds);
}

function hasDhcp(): boolean {
  return ['dnsmasq', 'busybox'].every((program) => spawnSync(program, ['--help']).status === 0);
}

/** DHCP from dnsmasq: iothconfig compared with busybox. */
async function dhcpRow(rounds: number): Promise<Row> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-bench-'));
  await using server = vdestack(`switch://${directory}/switch`, '10.0.0.1');
  const flags = ['--no-daemon', '--conf-file=/dev/null', '--log-facility=-', '--pid-file=', '--port=0', '--no-ping'];
  const own = [`--dhcp-leasefile=${directory}/leases`, '--interface=vde0'];
  const dnsmasq = server.spawn(
    'dnsmasq',
    [...flags, ...own, '--bind-interfaces', '--dhcp-range=10.0.0.50,10.0.0.250,1h'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const configured = (configure: (stack: Stack) => unknown) => async () => {
    await using stack = new Stack('vdestack', `vde://${directory}/switch`, null, { conf: 'builtin' });
    stack.linksetupdown('vde0', true);
    return await elapsed(() => configure(stack));
  };
  const turns = {
    iothconfig: configured((stack) => stack.iothconfig('dhcp')),
    udhcpc: configured((stack) =>
      once(stack.spawn('busybox', ['udhcpc', '-fnq', '-i', 'vde0', '-s', '/bin/true'], { stdio: 'ignore' }), 'exit'),
    ),
  };
  try {
    await withinDeadline(once(dnsmasq.stderr as NodeJS.ReadableStream, 'data'));
    return await measureRow({ name: 'a lease', unit: 'ms', amount: 1, turns, bar: 2 }, rounds);
  } finally {
    dnsmasq.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

const FRAME_BYTES = 1000;

/** Frames of a kilobyte over a link of 2 Mbit/s: its rate must be neither higher nor lower. */
async function rateRow(): Promise<Row> {
  const [asked, count] = [2e6 / 8 / FRAME_BYTES, 1000];
  const arrivals: number[] = [];
  await onLink({ rate: '2mbit', queue: 10_000 }, async (a, b) => {
    const sending = (async () => {
      for (let i = 0; i < count; i++) await a.send(Buffer.alloc(FRAME_BYTES, 1));
    })();
    while (arrivals.length < count) {
      await b.recv();
      arrivals.push(performance.now());
    }
    await sending;
  });
  const kept = 1000 / slopeOf(arrivals);
  return judged(rowOf({ name: 'a link of 2mbit', unit: '/s', bar: 1 }, { kept: [kept], asked: [asked] }), {
    from: 0.97,
    to: 1.03,
  });
}

/** A link's delay of 4 ms, compared with a thread that sleeps as long: with few CPUs the thread is late too. */
async function delayRow(): Promise<Row> {
  const times: number[] = [];
  const lateness = measureSleep(4);
  await onLink({ aToB: { delay: 4 } }, async (a, b) => {
    for (let i = 0; i < 500; i++) {
      times.push(
        await elapsed(async () => {
          await a.send(Buffer.alloc(FRAME_BYTES, 1));
          await b.recv();
        }),
      );
    }
  });
  const slept = await lateness();
  return judged(
    rowOf({ name: 'a link with a delay of 4 ms', unit: 'ms', bar: 1 }, { link: times, 'a sleeping thread': [slept] }),
    { from: 0.75, to: 1.25 },
  );
}

async function onLink(options: LinkOptions, work: (a: VdePort, b: VdePort) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-bench-'));
  try {
    await using _link = await Link.create(`ptp://${directory}/a`, `ptp://${directory}/b`, options);
    await using a = await VdePort.open(`ptp://${directory}/a`);
    await using b = await VdePort.open(`ptp://${directory}/b`);
    await withinDeadline(work(a, b));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Returns the step between values that grow steadily, by least squares: one late value changes it little. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const products = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  return products / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

/** Starts a thread that sleeps `ms` milliseconds, again and again. The result stops it and returns the median real time. */
function measureSleep(ms: number): () => Promise<number> {
  const source = `
    const { parentPort, workerData: stop } = require('node:worker_threads');
    const times = [];
    for (let last = performance.now(); Atomics.load(stop, 1) === 0; ) {
      Atomics.wait(stop, 0, 0, ${ms});
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    parentPort.postMessage(times);`;
  const stop = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(source, { eval: true, workerData: stop });
  const times = once(worker, 'message');
  return async () => {
    Atomics.store(stop, 1, 1);
    return median((await times)[0]);
  };
}
