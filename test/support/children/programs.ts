/** Starts programs in a stack and leaves: `programs.ts WAY`. Their pids are said first. */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Stack } from '../../../lib/index.js';
import { PATIENCE_MS } from '../until.js';

const [way = ''] = process.argv.slice(2);

if (way.startsWith('worker') && isMainThread) await runInWorker();
else await start();

async function runInWorker(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { argv: [way] });
  const [pids] = await once(worker, 'message');
  writeSync(1, `ready ${pids}\n`);
  await worker.terminate();
  // the process goes on: what was the worker's must go by itself
  setTimeout(() => process.exit(9), PATIENCE_MS);
  const told = once(process, 'SIGUSR2');
  writeSync(1, 'terminated\n');
  await told;
  process.exit(0);
}

async function start(): Promise<void> {
  const stack = new Stack('vdestack');
  const plain = stack.spawn('sleep', ['1000'], { stdio: 'ignore' });
  // it does not end by SIGTERM, and what it started is not its parent's any more
  const stubborn = stack.spawn('sh', ['-c', 'trap "" TERM; (sleep 1000 & echo $!); exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [orphan] = await once(stubborn.stdout, 'data');
  const pids = [plain.pid, stubborn.pid, String(orphan).trim()].join(' ');
  for (const child of [plain, stubborn]) child.unref();
  (stubborn.stdout as unknown as { unref(): void }).unref();
  if (parentPort) parentPort.postMessage(pids);
  else writeSync(1, `ready ${pids}\n`);
  if (way === 'exit') process.exit(7);
  if (way === 'exception') throw new Error('nobody catches this');
  // 'end' ends here; the others wait for their signal
  if (way !== 'end') setInterval(() => {}, 1000);
}
