import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Stack } from 'ioth';
import { NativeStack } from '../../../lib/vdestack/native-stack.js';
import { runText } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { failureOf } from '../../support/failure.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, timer } from '../../support/until.js';

const directory = useDirectory();
let dir: string;
let before: Holdings;
beforeEach(() => {
  before = holdings();
  dir = directory.path;
});
afterEach(() => expectNothingLeft(before));

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
  let isMade = false;
  const creating = Stack.create('vdestack', `vde://${dir}/sw`, null, { wait: PATIENCE_MS }).finally(() => {
    isMade = true;
  });
  await delay(50);
  expect(isMade).toBe(false);
  const server = new Stack('vdestack', `switch://${dir}/sw`);
  const stack = await creating;
  await stack.close();
  await server.close();
});

test.each(['the constructor', 'create()'])('%s waits for the switch of another process', async (way) => {
  const { stop } = laterSwitch();
  const options = { stack: 'vdestack', vnl: `vde://${dir}/sw`, wait: PATIENCE_MS };
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
  const isDue = timer(190);
  expect(failureOf(() => new Stack('vdestack', vnl, null, { wait: 200 }))).toMatchObject(expected);
  await delay(0);
  expect(isDue()).toBe(true);
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

test('what no waiting helps fails without a wait', async () => {
  // longer than a test may take
  const wait = 10 * PATIENCE_MS;
  expect(() => new Stack('vdestack', `switch://${dir}/no/sw`, null, { wait })).toThrow('make it first');
  expect(() => new Stack('no-such-plugin', null, null, { wait })).toThrow('there is no stack plugin');
  await expect(Stack.create('vdestack', 'nothing://x', null, { wait })).rejects.toThrow('could not be joined');
  // without the option nothing is waited for
  expect(() => new Stack('vdestack', `vde://${dir}/none`)).toThrow("'switch://PATH' makes one");
});

test('an AbortSignal ends the wait of create()', async () => {
  const control = new AbortController();
  const waiting = Stack.create('vdestack', `vde://${dir}/none`, null, {
    wait: 10 * PATIENCE_MS,
    signal: control.signal,
  });
  setTimeout(() => control.abort('enough'), 50);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
});

test.each([undefined, 'vde', 'switch'])(
  'with a signal that is aborted already create() makes no stack: %p',
  async (kind) => {
    const makes = jest.spyOn(NativeStack, 'open');
    const options = { signal: AbortSignal.abort('enough') };
    const creating = Stack.create('vdestack', kind && `${kind}://${dir}/sw`, null, options);
    await expect(creating).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(makes).not.toHaveBeenCalled();
    makes.mockRestore();
  },
);

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
    new ioth.Stack('vdestack', 'vde://DIR/none', null, { wait: 600000 });`;
  const { code, stdout } = await runText(dir, source.replace('DIR', dir));
  expect({ code, stdout }).toEqual({ code: 'SIGINT', stdout: '' });
});
