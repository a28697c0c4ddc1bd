import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Running, run, TSX, workDirectory } from './support/run.js';

const example = (name: string, ...args: string[]) => new Running(TSX, [`examples/${name}.ts`, ...args], {});

const SOURCES = readdirSync(join(ROOT, 'examples'));

it('has examples of less than 60 lines that need no outside network', () => {
  expect(SOURCES).toEqual(
    expect.arrayContaining([
      'demo.ts',
      'echo_client.ts',
      'echo_server.ts',
      'example.ts',
      'udp_client.ts',
      'udp_server.ts',
    ]),
  );
  for (const source of SOURCES) {
    const text = readFileSync(join(ROOT, 'examples', source), 'utf8');
    expect(text.split('\n').length).toBeLessThan(60);
    expect(text).not.toMatch(/vxvde/);
  }
});

describe.each([
  ['TCP', 'echo', 'SIGINT'],
  ['UDP', 'udp', 'SIGTERM'],
] as const)('the %s pair', (_protocol, name, signal) => {
  it(`echoes lines through a switch; the server ends on ${signal}`, async () => {
    const { dir, remove } = workDirectory();
    const server = example(`${name}_server`, `switch://${dir}/sw`);
    try {
      await server.says('10.0.0.1:5000');
      const piped = await run(TSX, [`examples/${name}_client.ts`, `vde://${dir}/sw`], { input: 'one\ntwo\n' });
      expect(piped).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });

      // both at once: the answer is there before the input ends
      const client = example(`${name}_client`, `vde://${dir}/sw`);
      client.write('three\n');
      await client.says('three\n');
      client.end('four\nno newline');
      const expected = { code: 0, stdout: 'three\nfour\nno newline\n' };
      expect(await client.done).toMatchObject(expected);

      server.kill(signal);
      const { code, stdout, stderr } = await server.done;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^10\.0\.0\.2:\d+ says "three/m);
      expect(readdirSync(dir)).toEqual([]);
    } finally {
      server.kill('SIGKILL');
      await server.done;
      await remove();
    }
  });
});

it('ends the TCP client when the server goes away', async () => {
  const { dir, remove } = workDirectory();
  const server = example('echo_server', `switch://${dir}/sw`);
  try {
    await server.says('10.0.0.1:5000');
    const client = example('echo_client', `vde://${dir}/sw`);
    client.write('hello\n');
    await client.says('hello\n');
    server.kill('SIGTERM');
    expect(await server.done).toMatchObject({ code: 0 });
    expect(await client.done).toMatchObject({ code: 0, stdout: 'hello\n' });
  } finally {
    server.kill('SIGKILL');
    await server.done;
    await remove();
  }
});

it('runs the tour of one stack', async () => {
  const { code, stdout } = await run(TSX, ['examples/example.ts', 'null://']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^vde0: up, MAC 80:00:42:0e:e7:3a, MTU 1400, 10\.0\.0\.1\/24 fd00::1\/64/m);
  expect(stdout).toMatch(/^default via 10\.0\.0\.254$/m);
  expect(stdout).toMatch(/ENODEV.*bananas/);
});

it('runs the demo, which leaves nothing', async () => {
  const { dir, remove } = workDirectory();
  const { code, stdout, stderr } = await run(TSX, ['examples/demo.ts'], { env: { ...process.env, TMPDIR: dir } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/TCP {2}right sent 'hello', got 'hello'/);
  expect(stdout).toMatch(/UDP {2}left got 'ping' from \[fd00::2\]:\d+/);
  expect(stdout).toMatch(/UDP {2}right got 'pong'/);
  // tsx has a cache there
  expect(readdirSync(dir).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  await remove();
});

it('says how each is used when it gets no network', async () => {
  const needVnl = SOURCES.filter((source) => source !== 'demo.ts');
  const outcomes = await Promise.all(needVnl.map((source) => run(TSX, [`examples/${source}`])));
  for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`usage: npx tsx examples/${needVnl[i]} VNL`);
  }
});
