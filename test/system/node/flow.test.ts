import { execFileSync } from 'node:child_process';
import { startScript } from '../../support/child.js';
import { workDirectory } from '../../support/directory.js';

const child = (name: string, args: string[], limit: number) => startScript(`${name}.ts`, args, { limit });

/* What is slow or idle costs little: in processes of their own, whose memory and descriptors are nobody else's. */

const MB = 1024 * 1024;
/** All of it with IOTH_TEST_LARGE=1: 1 GB takes about 20 seconds. */
const BYTES = process.env.IOTH_TEST_LARGE === '1' ? 1024 * MB : 256 * MB;
const MAX_GROWTH = 32 * MB;

const CONNECTIONS = 10_000;
/** What a process has open besides. */
const SPARE_DESCRIPTORS = 200;

let dir: string;
let remove: () => Promise<void>;
beforeEach(() => {
  ({ dir, remove } = workDirectory());
});
afterEach(() => remove());

it('a slow reader holds a fast writer', async () => {
  const outcome = await child('slow-reader', [dir, `${BYTES}`], 90_000).exit;
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const { rss, writable, buffers, waits, ...rest } = JSON.parse(outcome.stdout);
  expect(rest).toMatchObject({ length: BYTES, equal: true, handles: [0, 0] });
  expect(waits).toBeGreaterThan(BYTES / MB / 2);
  expect(writable).toBeLessThan(MB);
  // the kernel's buffers were full
  expect(buffers).toBeGreaterThan(MB);
  expect(rss + buffers).toBeLessThan(MAX_GROWTH);
});

it(`${CONNECTIONS} idle connections are on one stack, are served, and closed`, async () => {
  const limit = descriptorLimit();
  const count = Math.min(CONNECTIONS, limit - SPARE_DESCRIPTORS);
  if (count < CONNECTIONS) console.log(`a process may have ${limit} descriptors (ulimit -n): ${count} connections`);
  const start = (role: string, vnl: string) => child('idle-connections', [role, vnl, `${count}`], 50_000);
  const server = start('serve', `switch://${dir}/switch`);
  try {
    await server.says('listening');
    const client = start('ask', `vde://${dir}/switch`);
    const outcomes = [await client.exit];
    server.end();
    outcomes.push(await server.exit);
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { before, idle, handles, open, left, after } = JSON.parse(stdout.replace('listening\n', ''));
      expect(handles).toBe(count + i); // the server listens too
      expect(idle.descriptors).toBeGreaterThan(count);
      expect(open).toBeLessThanOrEqual(i);
      expect(left).toBe(0);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
      expect(after.resources).toBe(before.resources);
      expect(after.listeners).toBe(before.listeners);
    }
  } finally {
    server.kill('SIGKILL');
    await server.exit;
  }
});

/** Node has raised its own as far as it may, and a child inherits that. */
function descriptorLimit(): number {
  const text = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}
