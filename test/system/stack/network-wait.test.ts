import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { Stack } from '../../../lib/index.js';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { failureOf } from '../../support/failure.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';

let dir: string;
let before: Holdings;
beforeEach(() => {
  before = holdings();
  dir = temporaryDirectory();
});
afterEach(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectNothingLeft(before);
});

/** A switch process that comes after 300 ms. */
function laterSwitch(): { stop: () => Promise<void> } {
  const child = spawn('sh', ['-c', `sleep 0.3; exec vde_switch -s ${dir}/sw -x -n 8`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exit = once(child, 'exit');
  return {
    stop: async () => {
      child.kill();
      await exit;
    },
  };
}

test('create() waits for a switch, and the loop turns', async () => {
  let server: Stack | undefined;
  const timer = setTimeout(() => {
    server = new Stack('vdestack', `switch://${dir}/sw`);
  }, 300);
  const start = performance.now();
  const stack = await Stack.create('vdestack', `vde://${dir}/sw`, null, { wait: 10_000 });
  expect(performance.now() - start).toBeGreaterThan(290);
  clearTimeout(timer);
  await stack.close();
  await server?.close();
});

test.each(['the constructor', 'create()'])('%s waits for the switch of another process', async (way) => {
  const { stop } = laterSwitch();
  const options = { stack: 'vdestack', vnl: `vde://${dir}/sw`, wait: 10_000 };
  const stack = way === 'create()' ? await Stack.create(options) : new Stack(options);
  expect(stack.if_nameindex()).toEqual([
    [1, 'lo'],
    [2, 'vde0'],
  ]);
  await stack.close();
  await stop();
});

test('too late: the error says for what was waited, and how long', async () => {
  const vnl = `vde://${dir}/none`;
  const expected = {
    name: 'IothError',
    code: 'ENOENT',
    syscall: 'ioth_newstack',
    address: vnl,
    message: expect.stringContaining(`waited 200 ms for the network '${vnl}'`),
    cause: expect.objectContaining({ code: 'ENOENT' }),
  };
  const start = performance.now();
  expect(failureOf(() => new Stack('vdestack', vnl, null, { wait: 200 }))).toMatchObject(expected);
  expect(performance.now() - start).toBeGreaterThan(199);
  await expect(Stack.create('vdestack', vnl, null, { wait: 200 })).rejects.toMatchObject(expected);
});

test('a socket on which nobody listens any more is waited for too', async () => {
  mkdirSync(`${dir}/stale`);
  const server = createServer().listen(`${dir}/stale/ctl`);
  await once(server, 'listening');
  linkSync(`${dir}/stale/ctl`, `${dir}/kept`);
  server.close();
  await once(server, 'close');
  renameSync(`${dir}/kept`, `${dir}/stale/ctl`);
  const waiting = Stack.create('vdestack', `vde://${dir}/stale`, null, { wait: 100 });
  await expect(waiting).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    message: expect.stringContaining('waited 100 ms'),
  });
});

test('what no waiting helps fails at once', async () => {
  const start = performance.now();
  expect(() => new Stack('vdestack', `switch://${dir}/no/sw`, null, { wait: 30_000 })).toThrow('make it first');
  expect(() => new Stack('no-such-plugin', null, null, { wait: 30_000 })).toThrow('there is no stack plugin');
  await expect(Stack.create('vdestack', 'nothing://x', null, { wait: 30_000 })).rejects.toThrow('could not be joined');
  // without the option nothing is waited for
  expect(() => new Stack('vdestack', `vde://${dir}/none`)).toThrow("'switch://PATH' makes one");
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('an AbortSignal ends the wait of create()', async () => {
  const control = new AbortController();
  const waiting = Stack.create('vdestack', `vde://${dir}/none`, null, { wait: 30_000, signal: control.signal });
  setTimeout(() => control.abort('enough'), 50);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
});

test('a wait that makes no sense', async () => {
  for (const [wait, code] of [
    [-1, 'ERR_OUT_OF_RANGE'],
    [Number.NaN, 'ERR_OUT_OF_RANGE'],
    ['5', 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    expect(failureOf(() => new Stack('vdestack', null, null, { wait: wait as number }))).toMatchObject({ code });
    await expect(Stack.create('vdestack', null, null, { wait: wait as number })).rejects.toMatchObject({ code });
  }
});

test('Ctrl-C ends a process whose constructor waits', async () => {
  const source = `
    const { spawn } = await import('node:child_process');
    spawn('sh', ['-c', 'sleep 0.3; kill -INT ' + process.pid], { stdio: 'ignore' });
    new ioth.Stack('vdestack', 'vde://DIR/none', null, { wait: 30000 });`;
  const { code, stdout } = await runText(dir, source.replace('DIR', dir));
  expect({ code, stdout }).toEqual({ code: 'SIGINT', stdout: '' });
});
