import { execFileSync, spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { Stack } from 'ioth';
import { type Child, startScript } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { LIST, socketsIn } from '../../support/inherited.js';

let hub: Stack;
const far: Child[] = [];
afterEach(async () => {
  await Promise.all(far.splice(0).map((life) => life.stop('SIGTERM')));
  await hub.close();
});
const dir = useDirectory();
beforeEach(() => {
  hub = new Stack('vdestack', `switch://${dir.path}/switch`);
});

test('a child of spawnSync inherits no peer, though the loop did not turn since it joined', () => {
  const life = startScript('joined.ts', [`vde://${dir.path}/switch`]);
  far.push(life);
  // waits for it without the loop
  const wait = `for i in $(seq 3000); do ls ${dir.path}/switch | grep -q fd && exit 0; sleep 0.02; done; exit 1`;
  expect(spawnSync('/bin/sh', ['-c', wait]).status).toBe(0);
  expect(socketsIn(execFileSync('/bin/sh', ['-c', LIST], { encoding: 'utf8' }))).toEqual([]);
});

test('a child that a worker spawns inherits no peer', async () => {
  const life = startScript('joined.ts', [`vde://${dir.path}/switch`]);
  far.push(life);
  await life.line('joined');
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
