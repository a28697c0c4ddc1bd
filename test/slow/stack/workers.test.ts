import { startScript } from '../../support/child.js';

/** What a worker leaves of two stacks and three sockets. */
const nothing = '0 descriptors, 0 daemons';

test.concurrent('stacks of worker threads work, and go with the worker; those of the main thread are not touched', async () => {
  const ways = ['end', 'exit', 'exception', 'exit while closing'];
  const life = startScript('workers.ts', ways);
  const { code } = await life.exit;
  expect({ code, lines: life.stdout.trim().split('\n'), stderr: life.stderr }).toEqual({
    code: 0,
    lines: [
      `end: 0, mine, ${nothing}`,
      `exit: 5, mine, ${nothing}`,
      `exception: 1 nobody catches this, mine, ${nothing}`,
      `exit while closing: 5, mine, ${nothing}`,
    ],
    stderr: '',
  });
});

test.concurrent('worker.terminate() ends the daemons; the descriptors of what was open stay until the process ends', async () => {
  const ways = ['terminate', 'terminate without sockets', 'terminate with data', 'terminate while closing', 'end'];
  const life = startScript('workers.ts', ways);
  const { code } = await life.exit;
  const lines = life.stdout.trim().split('\n');
  expect({ code, stderr: life.stderr }).toEqual({ code: 0, stderr: '' });
  expect(lines.slice(-2)).toEqual([`terminate while closing: 1, mine, ${nothing}`, `end: 0, mine, ${nothing}`]);
  for (const line of lines.slice(0, -2)) {
    expect(line).toMatch(/^terminate.*: 1, mine, \d+ descriptors, 0 daemons$/);
    expect(Number(/(\d+) descriptors/.exec(line)?.[1])).toBeLessThanOrEqual(13);
  }
});
