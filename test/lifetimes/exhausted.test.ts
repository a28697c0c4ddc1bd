import { Life } from '../support/life.js';

const few = { shell: 'ulimit -n 64' };

test('a server that ran out accepts again once connections close, and does not spin meanwhile', async () => {
  const life = new Life('exhausted.ts', [], few);
  const { status } = await life.ended;
  const { stdout, stderr } = life;
  expect({
    status,
    stdout: stdout
      .replace(/cpu \d+/, 'cpu')
      .trim()
      .split('\n'),
    stderr,
  }).toEqual({
    status: 0,
    stdout: ['full EMFILE true', 'cpu', 'stack EMFILE', 'all served', 'late 1', 'closed'],
    stderr: '',
  });
  // of a second
  expect(Number(/cpu (\d+)/.exec(stdout)?.[1])).toBeLessThan(150);
});

test('a stack too many says EMFILE and leaves nothing, whichever descriptor it misses', async () => {
  const life = new Life('stack-too-many.ts', [], few);
  const { status } = await life.ended;
  expect({ status, stderr: life.stderr }).toEqual({ status: 0, stderr: '' });
  const lines = life.stdout.trim().split('\n');
  expect(lines.pop()).toBe('closed');
  expect(lines.pop()).toMatch(/^\d+ made 0 0$/);
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(line).toMatch(/^\d+ EMFILE 0 0$/);
});
