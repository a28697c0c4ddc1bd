import { readdirSync, rmSync } from 'node:fs';
import { runText, startScript } from '../../support/child.js';
import { temporaryDirectory, useDirectory } from '../../support/directory.js';

const dir = useDirectory();

test('a server that ran out accepts again once connections close, and does not spin meanwhile', async () => {
  const life = startScript('exhausted.ts');
  const { code } = await life.exit;
  const { stdout, stderr } = life;
  expect({
    code,
    stdout: stdout
      .replace(/turns \d+/, 'turns')
      .trim()
      .split('\n'),
    stderr,
  }).toEqual({
    code: 0,
    stdout: ['full EMFILE true', 'turns', 'stack EMFILE', 'all served', 'late 1', 'closed'],
    stderr: '',
  });
  // a loop that spins turns some thousand times
  expect(Number(/turns (\d+)/.exec(stdout)?.[1])).toBeLessThan(100);
});

test.each([
  ['no network', []],
  ['a network', ['null://']],
  ['a switch', ['switch://DIR/switch']],
])('a stack too many says EMFILE and leaves nothing, whichever descriptor it misses: %s', async (_what, args) => {
  const dir = temporaryDirectory();
  const vnls = args.map((vnl) => vnl.replace('DIR', dir));
  const life = startScript('stack-too-many.ts', vnls);
  const { code } = await life.exit;
  expect({ code, stderr: life.stderr, files: readdirSync(dir) }).toEqual({ code: 0, stderr: '', files: [] });
  rmSync(dir, { recursive: true });
  const lines = life.stdout.trim().split('\n');
  expect(lines.pop()).toBe('closed');
  expect(lines.pop()).toMatch(/^\d+ made 0 0$/);
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) expect(line).toMatch(/^\d+ EMFILE 0 0$/);
});

test('a daemon that is late is waited for, also without a descriptor to read its state', async () => {
  const program = `
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
execFileSync('prlimit', ['--pid=' + process.pid, '--nofile=64:64']);
const stack = new ioth.Stack('vdestack', 'null://');
process.kill(stack.daemonPid, 'SIGSTOP');
while (!readFileSync('/proc/' + stack.daemonPid + '/stat', 'latin1').includes(') T ')) {}
const going = spawn('sh', ['-c', 'sleep 1; kill -CONT $0', stack.daemonPid], { stdio: 'ignore' });
const opened = [];
try {
  for (;;) opened.push(openSync('/dev/null'));
} catch {}
try {
  stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM);
} catch ({ code }) {
  console.log(code);
}
opened.forEach(closeSync);
stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM).close();
if (going.exitCode === null) await once(going, 'exit');
await stack.close();
console.log('closed');`;
  expect(await runText(dir.path, program)).toEqual({ code: 0, stdout: 'EMFILE\nclosed\n', stderr: '' });
});
