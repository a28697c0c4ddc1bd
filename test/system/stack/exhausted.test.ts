import { readdirSync, rmSync } from 'node:fs';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';

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
