import { setTimeout as delay } from 'node:timers/promises';
import { type Child, start, startScript, startText } from '../../support/child.js';
import { compileSources } from '../../support/compile.js';
import { compiledUrl } from '../../support/compiled.js';
import { temporaryDirectory } from '../../support/directory.js';
import { childOf, isZombie, untilItPolls } from '../../support/processes.js';
import { until } from '../../support/until.js';

async function blocked(way: string): Promise<Child> {
  const life = startScript('blocked.ts', [way]);
  await life.line('ready');
  return life;
}

/** Waits for its end, which nothing else would bring, and checks that no daemon is left. */
async function endOf(life: Child): Promise<number | string> {
  const { code } = await life.exit;
  expect(await life.groupGone()).toEqual([]);
  return code;
}

test.each(['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const)(
  '%s ends a script that blocks and catches everything, and its daemon',
  async (signal) => {
    const life = await blocked('plain');
    await untilItPolls(life.pid);
    life.kill(signal);
    expect(await endOf(life)).toBe(signal);
    expect([life.stdout, life.stderr]).toEqual(['ready\n', '']);
  },
);

test('SIGTERM ends a script whose blocking calls never wait', async () => {
  const life = await blocked('never waits');
  await life.line('sends');
  life.kill('SIGTERM');
  expect(await endOf(life)).toBe('SIGTERM');
});

test('with a handler of the program the call ends with EINTR, and the handler runs', async () => {
  const life = await blocked('handler');
  await untilItPolls(life.pid);
  life.kill('SIGINT');
  expect(await endOf(life)).toBe(0);
  expect(life.stdout).toMatch(/^ready\nthrew EINTR recv: .*interrupted by SIGINT.*\nhandler\nclosed\n$/);
});

test('a program that is stopped and goes on, as by Ctrl-Z and fg, gets the sockets that it asked for', async () => {
  const life = startText(
    temporaryDirectory(),
    `const stack = new ioth.Stack('vdestack', 'null://');
    console.log('asks');
    process.stdin.on('end', async () => {
      await stack.close();
      console.log('closed');
    }).resume();
    setInterval(() => {
      for (let i = 0; i < 100 && !stack.closed; i++) {
        for (const type of [ioth.SOCK_STREAM, ioth.SOCK_DGRAM]) {
          using socket = stack.socket(ioth.AF_INET, type);
          if (socket.getsockopt(ioth.SOL_SOCKET, ioth.SO_TYPE) !== type) throw new Error('the answer of another call');
        }
      }
    }).unref();`,
  );
  await life.line('asks');
  for (let i = 0; i < 100 && !life.stderr; i++) {
    life.killGroup('SIGSTOP');
    await delay(1);
    life.killGroup('SIGCONT');
    await delay(3);
  }
  life.end();
  expect(await life.exit).toEqual({ code: 0, stdout: 'asks\nclosed\n', stderr: '' });
});

test('SIGCHLD ends neither the call nor the script', async () => {
  const life = await blocked('child');
  const child = Number(await life.line('child'));
  const daemon = Number(await life.line('daemon'));
  await untilItPolls(life.pid);
  for (let i = 0; i < 5; i++) {
    life.kill('SIGCHLD');
    await delay(20);
  }
  process.kill(child);
  await until('the child has ended', () => isZombie(child));
  await untilItPolls(life.pid);
  process.kill(daemon, 'SIGKILL');
  expect(await endOf(life)).toBe(0);
  expect(life.stdout).toMatch(/^ready\nchild \d+\ndaemon \d+\nthrew ERR_STACK_DEAD recv: /);
  expect(life.stdout).toContain('child ended\n');
});

test.each(['daemon', 'listener'])('a daemon that dies ends the call with ERR_STACK_DEAD (%s)', async (way) => {
  const life = await blocked(way);
  const daemon = Number(await life.line('daemon'));
  await untilItPolls(life.pid);
  process.kill(daemon, 'SIGKILL');
  expect(await endOf(life)).toBe(0);
  expect(life.stdout).toMatch(/\nthrew ERR_STACK_DEAD.*\nevent ERR_STACK_DEAD\nclosed\n$/);
});

test('worker.terminate() ends a worker that blocks', async () => {
  const life = await blocked('worker');
  await life.line('terminated');
  expect((await life.exit).code).toBe(0);
});

test("Ctrl-C in Node's REPL ends the call with EINTR, and the REPL goes on", async () => {
  compileSources();
  const library = compiledUrl('lib/index.ts');
  // exec: a shell in the terminal's foreground group would get the signal too
  const command = `exec '${process.execPath}'`;
  const env = { TERM: 'dumb', NO_COLOR: '1' };
  const repl = start('script', ['-qfec', command, '/dev/null'], { env });
  await repl.says('> ');
  repl.write(`const { Stack, AF_INET, SOCK_DGRAM } = await import('${library}'); 'loa' + 'ded'\n`);
  await repl.says("'loaded'");
  repl.write(
    `const stack = new Stack('vdestack', 'null://'); const socket = stack.socket(AF_INET, SOCK_DGRAM); 'ma' + 'de'\n`,
  );
  await repl.says("'made'");
  for (const round of [1, 2]) {
    repl.write(`process.stdout.write('bloc' + 'ks ${round}'); socket.sync.recv(1)\n`);
    await repl.says(`blocks ${round}`);
    await untilItPolls(childOf(repl.pid));
    repl.write('\x03');
    await repl.says('interrupted by SIGINT', round);
    repl.write(`'go' + 'es on ${round}'\n`);
    await repl.says(`'goes on ${round}'`);
  }
  repl.write('stack.closeSync()\n.exit\n');
  const { code, stdout } = await repl.exit;
  expect(code).toBe(0);
  expect(stdout.match(/IothError: recv EINTR: .*interrupted by SIGINT/g)).toHaveLength(2);
});
