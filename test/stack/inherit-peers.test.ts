import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Stack } from '../../lib/stack/stack.js';
import { LIST, socketsIn } from '../support/inherited.js';
import { Life } from '../support/life.js';
import { temporaryDirectory } from '../support/network.js';

let dir: string;
let hub: Stack;
const far: Life[] = [];
beforeEach(() => {
  dir = temporaryDirectory();
  hub = new Stack('vdestack', `switch://${dir}/switch`);
});
afterEach(async () => {
  for (const life of far.splice(0)) {
    life.signal('SIGTERM');
    await life.ended;
  }
  await hub.close();
  rmSync(dir, { recursive: true });
});

test('a child of spawnSync inherits no peer, though the loop did not turn since it joined', () => {
  const life = new Life('joined.ts', [`vde://${dir}/switch`]);
  far.push(life);
  // waits for it without the loop
  const wait = `for i in $(seq 500); do ls ${dir}/switch | grep -q fd && exit 0; sleep 0.02; done; exit 1`;
  expect(spawnSync('/bin/sh', ['-c', wait]).status).toBe(0);
  expect(socketsIn(execFileSync('/bin/sh', ['-c', LIST], { encoding: 'utf8' }))).toEqual([]);
});

test('a child that a worker spawns inherits no peer', async () => {
  const life = new Life('joined.ts', [`vde://${dir}/switch`]);
  far.push(life);
  await life.says('joined');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const spawning = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { execFileSync } = require('node:child_process');
    parentPort.postMessage(execFileSync('/bin/sh', ['-c', workerData], { encoding: 'utf8' }));`;
  const worker = new Worker(spawning, { eval: true, workerData: LIST });
  const list = await new Promise<string>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  expect(socketsIn(list)).toEqual([]);
});
