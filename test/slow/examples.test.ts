import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSource, startSource } from '../support/child.js';
import { ROOT } from '../support/compiled.js';
import { workDirectory } from '../support/directory.js';

const example = (name: string, ...args: string[]) => startSource(`examples/${name}.ts`, [...args], {});

const SOURCES = readdirSync(join(ROOT, 'examples'));
/** Programs rather than samples: test/lab has their tests. */
const PROGRAMS = ['replicated_log.ts', 'hole_punching.ts'];

it('has examples of less than 60 lines that need no outside network', () => {
  expect(SOURCES).toEqual(
    expect.arrayContaining([
      'demo.ts',
      'dhcp.ts',
      'echo_client.ts',
      'echo_server.ts',
      'example.ts',
      'express.ts',
      'fetch.ts',
      'http_server.ts',
      'newstackc.ts',
      'override.ts',
      'ten_servers.ts',
      'udp_client.ts',
      'udp_server.ts',
    ]),
  );
  for (const source of SOURCES) {
    const text = readFileSync(join(ROOT, 'examples', source), 'utf8');
    if (!PROGRAMS.includes(source)) expect(text.split('\n').length).toBeLessThan(60);
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
      const piped = await runSource(`examples/${name}_client.ts`, [`vde://${dir}/sw`], { input: 'one\ntwo\n' });
      expect(piped).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });

      // both at once: the answer is there before the input ends
      const client = example(`${name}_client`, `vde://${dir}/sw`);
      client.write('three\n');
      await client.says('three\n');
      client.end('four\nno newline');
      const expected = { code: 0, stdout: 'three\nfour\nno newline\n' };
      expect(await client.exit).toMatchObject(expected);

      server.kill(signal);
      const { code, stdout, stderr } = await server.exit;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^10\.0\.0\.2:\d+ says "three/m);
      expect(readdirSync(dir)).toEqual([]);
    } finally {
      server.kill('SIGKILL');
      await server.exit;
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
    expect(await server.exit).toMatchObject({ code: 0 });
    expect(await client.exit).toMatchObject({ code: 0, stdout: 'hello\n' });
  } finally {
    server.kill('SIGKILL');
    await server.exit;
    await remove();
  }
});

it('runs the tour of one stack', async () => {
  const { code, stdout } = await runSource('examples/example.ts', ['null://']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^vde0: up, MAC 80:00:42:0e:e7:3a, MTU 1400, 10\.0\.0\.1\/24 fd00::1\/64/m);
  expect(stdout).toMatch(/^default via 10\.0\.0\.254$/m);
  expect(stdout).toMatch(/ENODEV.*bananas/);
});

it('makes and configures a stack by one string', async () => {
  const { code, stdout } = await runSource('examples/newstackc.ts', ['null://']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^vde0 \(.*\): 10\.0\.0\.1\/24 fd00::1\/64$/m);
  expect(stdout).toMatch(/^default via 10\.0\.0\.254\nsearch example\.org\nnameserver 10\.0\.0\.53$/m);
  expect(stdout).toMatch(/^10\.0\.0\.2$/m);
});

it('configures a stack from the network, and gives the lease back', async () => {
  const { code, stdout, stderr } = await runSource('examples/dhcp.ts', ['slirp://', '0.1']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^lease by dhcp4: 10\.0\.2\.\d+\/24 for \d+ s, router 10\.0\.2\.2$/m);
  expect(stdout).toMatch(/^nameserver 10\.0\.2\.3$/m);
  expect(stdout).toMatch(/giving the leases back\n$/);
});

it.each([
  ['http_server', 'hello 10.0.0.2'],
  ['express', 'express says hello to 10.0.0.2'],
])('serves http on one stack (%s), and fetches from another', async (name, hello) => {
  const { dir, remove } = workDirectory();
  const server = example(name, `switch://${dir}/sw`);
  try {
    await server.says('http://10.0.0.1/');
    const fetched = await runSource('examples/fetch.ts', [`vde://${dir}/sw`]);
    expect(fetched).toEqual({ code: 0, stdout: `200 ${hello}\n`, stderr: '' });
    server.kill('SIGTERM');
    const { code, stderr } = await server.exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  } finally {
    server.kill('SIGKILL');
    await server.exit;
    await remove();
  }
});

it('puts Node on a stack, and takes that back', async () => {
  const { dir, remove } = workDirectory();
  const { code, stdout } = await runSource('examples/override.ts', [`switch://${dir}/sw`]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'on the stack: you are 10.0.0.1\non the host: EADDRNOTAVAIL\n',
  });
  await remove();
});

it('has ten servers that ask each other', async () => {
  const { dir, remove } = workDirectory();
  const { code, stdout } = await runSource('examples/ten_servers.ts', [`switch://${dir}/sw`]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '90 of 90 answers came from the right host\n' });
  await remove();
});

it('runs the demo, which leaves nothing', async () => {
  const { dir, remove } = workDirectory();
  const { code, stdout, stderr } = await runSource('examples/demo.ts', [], { env: { TMPDIR: dir } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/TCP {2}right sent 'hello', got 'hello'/);
  expect(stdout).toMatch(/UDP {2}left got 'ping' from \[fd00::2\]:\d+/);
  expect(stdout).toMatch(/UDP {2}right got 'pong'/);
  // tsx has a cache there
  expect(readdirSync(dir).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  await remove();
});

it('says how each is used when it gets no network', async () => {
  // one after the other: a dozen at once would each take all of their time
  for (const source of SOURCES.filter((source) => source !== 'demo.ts' && !PROGRAMS.includes(source))) {
    const { code, stdout, stderr } = await runSource(`examples/${source}`, []);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`usage: npx tsx examples/${source} VNL`);
  }
});

it('punches holes for the pairs of NATs that RFC 5128, 3.3 names, and no others', async () => {
  const kinds = ['full-cone', 'restricted-cone', 'port-restricted', 'symmetric'];
  const isRestrictive = (kind: string) => kind === 'symmetric' || kind === 'port-restricted';
  const expected = kinds.flatMap((left) =>
    kinds.map((right) => {
      const fails = [left, right].includes('symmetric') && isRestrictive(left) && isRestrictive(right);
      return `${left.padEnd(15)} ${right.padEnd(15)} ${fails ? 'fails' : 'works'}`;
    }),
  );
  const { code, stdout } = await runSource('examples/hole_punching.ts');
  expect({ code, lines: stdout.trimEnd().split('\n') }).toEqual({ code: 0, lines: expected });
});
