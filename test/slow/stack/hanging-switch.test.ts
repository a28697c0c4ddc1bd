import { mkdirSync } from 'node:fs';
import { runText, start, startText } from '../../support/child.js';
import { buildCli, startIoth } from '../../support/cli.js';
import { useDirectory } from '../../support/directory.js';
import { HungSwitch } from '../../support/hung-switch.js';
import { until } from '../../support/until.js';

/* vde_open(3) waits for the answer of a switch without a limit: each of these blocked its process for ever. */

const directory = useDirectory();
let hung: HungSwitch;
beforeEach(async () => {
  hung = await HungSwitch.start(directory.path);
});
afterEach(() => hung.stop());

/** Prints the code of what `work` throws, and how often the loop turned meanwhile. */
const FAILING = `
  const failing = async (work) => {
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    const error = await (async () => work())().catch((error) => error);
    clearInterval(timer);
    console.log(error.code, turns > 0 ? 'turned' : 'blocked', error.message ?? error);
  };
`;

function quoted(text: string): string {
  return JSON.stringify(text);
}

describe('a switch that accepts and never answers', () => {
  it('ends create() with ETIMEDOUT while the loop turns', async () => {
    const text = `await failing(() => ioth.Stack.create('vdestack', ${quoted(hung.vnl)}, null, { wait: 600 }));`;
    const { code, stdout } = await runText(directory.path, FAILING + text);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^ETIMEDOUT turned ioth_newstack ETIMEDOUT .*did not answer within (5\d\d|600) ms\n$/,
      ),
    });
  });

  it('ends the constructor with ETIMEDOUT, whatever stands around the locator', async () => {
    const text = ['', '[3]'].map((tail) => {
      return `await failing(() => new ioth.Stack('vdestack', 'left:' + ${quoted(hung.vnl + tail)}, null, { wait: 10 }));`;
    });
    const { code, stdout } = await runText(directory.path, FAILING + text.join('\n'));
    expect({ code, lines: stdout.split('\n') }).toEqual({
      code: 0,
      lines: [expect.stringMatching(/^ETIMEDOUT blocked/), expect.stringMatching(/^ETIMEDOUT blocked/), ''],
    });
  });

  it('has ten seconds where nobody says how long', async () => {
    const text = [
      `await failing(() => ioth.Stack.create('vdestack', ${quoted(hung.vnl)}));`,
      `await failing(() => new ioth.Stack('vdestack', ${quoted(hung.vnl)}));`,
    ];
    const ends = await Promise.all(
      text.map((line, i) => {
        mkdirSync(`${directory.path}/${i}`);
        return runText(`${directory.path}/${i}`, FAILING + line);
      }),
    );
    expect(ends.map(({ stdout }) => stdout)).toEqual(
      ['turned', 'blocked'].map((how) =>
        expect.stringMatching(new RegExp(`^ETIMEDOUT ${how} .*did not answer within 10000 ms\n$`)),
      ),
    );
  });

  it('does not hold up an AbortSignal', async () => {
    const text = `
      const signal = AbortSignal.timeout(100);
      await failing(() => ioth.Stack.create('vdestack', ${quoted(hung.vnl)}, null, { signal, wait: 50_000 }));`;
    const { code, stdout } = await runText(directory.path, FAILING + text);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ABORT_ERR turned/) });
  });

  it.each(['new ioth.Stack', 'await ioth.Stack.create'])('does not hold up Ctrl-C: %s', async (make) => {
    const peer = hung.nextPeer();
    const child = startText(directory.path, `${make}('vdestack', ${quoted(hung.vnl)}, null, { wait: 50_000 });`);
    await peer;
    child.kill('SIGINT');
    expect(await child.exit).toEqual({ code: 'SIGINT', stdout: '', stderr: '' });
  });

  it('lets a program that listens to the signal go on', async () => {
    const peer = hung.nextPeer();
    const text = `
      process.once('SIGINT', () => console.log('heard'));
      await failing(() => new ioth.Stack('vdestack', ${quoted(hung.vnl)}, null, { wait: 50_000 }));`;
    const child = startText(directory.path, FAILING + text);
    await peer;
    child.kill('SIGINT');
    expect(await child.exit).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^EINTR blocked .*\nheard\n$/),
    });
  });

  it('does not hold up Ctrl-C in `ioth ip`', async () => {
    await buildCli();
    const peer = hung.nextPeer();
    const child = startIoth(['ip', hung.vnl]);
    await peer;
    child.kill('SIGINT');
    await child.exit;
    expect(child.stdout).toBe('');
  });

  it('ends the constructor in a worker thread too', async () => {
    const text = `
      import { Worker, isMainThread } from 'node:worker_threads';
      import { fileURLToPath } from 'node:url';
      if (isMainThread) new Worker(fileURLToPath(import.meta.url));
      else await failing(() => new ioth.Stack('vdestack', ${quoted(hung.vnl)}, null, { wait: 10 }));`;
    const { code, stdout } = await runText(directory.path, FAILING + text);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ETIMEDOUT blocked/) });
  });

  it('is left when it begins to answer', async () => {
    // the kernel accepts for it
    const text = `
      const stack = await ioth.Stack.create('vdestack', ${quoted(`vde://${directory.path}/sw`)}, null, { wait: 50_000 });
      console.log(stack.if_nameindex().length);
      await stack.close();`;
    const sw = start('vde_switch', ['-s', `${directory.path}/sw`, '-x']);
    await until(
      'the switch is there',
      async () => (await start('test', ['-S', `${directory.path}/sw/ctl`]).exit).code === 0,
    );
    sw.kill('SIGSTOP');
    const child = startText(directory.path, text);
    await new Promise((rest) => setTimeout(rest, 500));
    sw.kill('SIGCONT');
    expect(await child.exit).toEqual({ code: 0, stdout: '2\n', stderr: '' });
    await sw.stop('SIGTERM');
  });
});

describe('the switch of another stack of this process', () => {
  const SWITCH = `
    const vnl = 'switch://' + process.cwd() + '/sw';
    const left = new ioth.Stack('vdestack', vnl);
    left.on('error', () => {});
    const join = (wait) => new ioth.Stack('vdestack', vnl.replace('switch', 'vde'), null, { wait });
    const create = (wait) => ioth.Stack.create('vdestack', vnl.replace('switch', 'vde'), null, { wait });
  `;

  it('is waited for while its daemon is stopped', async () => {
    const text = `
      process.kill(left.daemonPid, 'SIGSTOP');
      await failing(() => join(10));
      await failing(() => create(600));
      process.kill(left.daemonPid, 'SIGCONT');
      const right = await create(50_000);
      console.log(right.if_nameindex().length);
      await right.close();
      await left.close();`;
    const { code, stdout, stderr } = await runText(directory.path, FAILING + SWITCH + text);
    expect({ code, stderr, lines: stdout.split('\n') }).toEqual({
      code: 0,
      stderr: '',
      lines: [expect.stringMatching(/^ETIMEDOUT blocked/), expect.stringMatching(/^ETIMEDOUT turned/), '2', ''],
    });
  });

  it('is not waited for for ever where its daemon was killed in the same turn', async () => {
    const text = (work: string) => `
      process.kill(left.daemonPid, 'SIGKILL');
      await failing(() => ${work});
      await left.close();`;
    const sync = await runText(directory.path, FAILING + SWITCH + text('join(10)'));
    expect(sync).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^ETIMEDOUT blocked/) });
    const async = await runText(directory.path, FAILING + SWITCH + text('create(0)'));
    expect(async).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^(ENOENT|ECONNREFUSED) /) });
  });
});
