import { execFileSync } from 'node:child_process';
import { runScript, startScript } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';

/* What is slow or idle costs little: in processes of their own, whose descriptors are nobody else's. */

const MB = 1024 * 1024;
/** `npm run soak` does it with more, and looks at the memory of the process. */
const BYTES = 64 * MB;
/** What is written and not received: buffers of the kernel, and a little in the process. */
const MOST_UNDER_WAY = 32 * MB;

/** IOTH_REPEAT=5 has ten thousand. */
const CONNECTIONS = 2000 * Number(process.env.IOTH_REPEAT ?? 1);
/** What a process has open besides. */
const SPARE_DESCRIPTORS = 200;

const dir = useDirectory();

it('a slow reader holds a fast writer', async () => {
  const outcome = await runScript('slow-reader.ts', [dir.path, BYTES]);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const { underWay, writable, buffers, waits, ...rest } = JSON.parse(outcome.stdout);
  expect(rest).toMatchObject({ length: BYTES, equal: true, handles: [0, 0] });
  expect(waits).toBeGreaterThan(BYTES / MB / 2);
  expect(writable).toBeLessThan(MB);
  // the kernel's buffers were full
  expect(buffers).toBeGreaterThan(MB);
  expect(underWay).toBeLessThan(MOST_UNDER_WAY);
});

it(`${CONNECTIONS} idle connections are on one stack, are served, and closed`, async () => {
  const limit = descriptorLimit();
  const count = Math.min(CONNECTIONS, limit - SPARE_DESCRIPTORS);
  if (count < CONNECTIONS) console.log(`a process may have ${limit} descriptors (ulimit -n): ${count} connections`);
  const start = (role: string, vnl: string) => startScript('idle-connections.ts', [role, vnl, count]);
  const server = start('serve', `switch://${dir.path}/switch`);
  try {
    await server.says('listening');
    const client = start('ask', `vde://${dir.path}/switch`);
    await server.says('all');
    client.end();
    const outcomes = [await client.exit];
    server.end();
    outcomes.push(await server.exit);
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { before, idle, handles, open, left, after } = JSON.parse(stdout.replace('listening\nall\n', ''));
      expect(handles).toBe(count + i); // the server listens too
      expect(idle.descriptors).toBeGreaterThan(count);
      expect(open).toBeLessThanOrEqual(i);
      expect(left).toBe(0);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
      expect(after.resources).toBe(before.resources);
      expect(after.listeners).toBe(before.listeners);
    }
  } finally {
    await server.stop();
  }
});

/** Node has raised its own as far as it may, and a child inherits that. */
function descriptorLimit(): number {
  const text = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}
