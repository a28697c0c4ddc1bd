import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'ioth';
import { buildCli, ioth, startIoth } from '../../support/cli.js';
import { temporaryDirectory, useDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { until } from '../../support/until.js';

/* `ioth switch`, `ip`, `dig` and `run`, on networks of the tests' own. */

beforeAll(buildCli);

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

/** Whether there are as many of one as of the other, and some. */
function hasAsMany(text: string, one: string, other: string): boolean {
  const count = text.split(one).length;
  return count > 1 && text.split(other).length === count;
}

describe('ioth switch', () => {
  const directory = useDirectory();
  let dir: string;
  beforeEach(() => {
    dir = directory.path;
  });

  it.each([
    ['switch', [], 'SIGINT', 130],
    ['hub', ['--hub'], 'SIGTERM', 143],
  ] as const)(
    'a %s: who joins and leaves, as it happens, until a signal ends it',
    async (_what, options, signal, code) => {
      const path = join(dir, 'sw');
      const running = startIoth(['switch', ...options, path]);
      await running.says(`join it with vde://${path}`);
      const stack = new Stack('vdestack', `vde://${path}`);
      await running.says(`: process ${process.pid} (`);
      await stack.close();
      await until('all have left', () => hasAsMany(running.stdout, 'joined ', 'left '));
      running.kill(signal);
      const outcome = await running.exit;
      expect(outcome).toMatchObject({ code, stderr: '' });
      const events = outcome.stdout.trim().split('\n').slice(1);
      const time = '\\d\\d:\\d\\d:\\d\\d';
      const who = `port \\d+: process ${process.pid} \\(.+\\), user ${process.getuid?.()}`;
      const [joined, left] = ['joined', 'left  '].map((event) => new RegExp(`^${time} ${event} ${who}$`)) as [
        RegExp,
        RegExp,
      ];
      // a stack asks first whether the switch answers: a peer of its own, which may be gone before it is seen
      for (const [i, event] of events.entries()) expect(event).toMatch(i % 2 === 0 ? joined : left);
      expect(existsSync(path)).toBe(false);
    },
  );

  it('frames pass between processes that join it', async () => {
    const path = join(dir, 'sw');
    const running = startIoth(['switch', path, '--json', '--mode', '660']);
    await running.says('"ready"');
    expect(statSync(join(path, 'ctl')).mode & 0o777).toBe(0o660);
    const server = startIoth(['nc', '-l', `vde://${path},eth,ip=10.0.0.1/24`, '5000']);
    server.end();
    await server.warns('listening');
    const client = await ioth(['nc', `vde://${path},eth,ip=10.0.0.2/24`, '10.0.0.1', '5000'], { input: 'hello' });
    expect(client).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await server.exit).toMatchObject({ code: 0, stdout: 'hello' });
    await until('all have left', () => hasAsMany(running.stdout, '"joined"', '"left"'));
    running.kill('SIGINT');
    const events = (await running.exit).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0]).toEqual({ event: 'ready', time: expect.any(String), path, vnl: `vde://${path}` });
    const pids = new Set(events.slice(1).map(({ pid }) => pid));
    expect(pids.size).toBeGreaterThanOrEqual(2);
    expect(events[1]).toMatchObject({ pid: expect.any(Number), uid: process.getuid?.(), command: expect.any(String) });
  });

  it.each([
    ['a place that is served', 1, 'EADDRINUSE', (path: string) => path],
    ['a directory of somebody', 1, 'EEXIST', () => join(dir, 'taken')],
    ['a place without a directory above', 1, 'make it first', () => join(dir, 'no/sw')],
    ['a path that is too long', 1, 'ENAMETOOLONG', () => join(dir, 'x'.repeat(100))],
    ['a path with brackets', 2, 'must not contain brackets', () => join(dir, 'a[b]')],
  ])('%s: exit code %i', async (_what, code, message, pathOf) => {
    mkdirSync(join(dir, 'taken'));
    writeFileSync(join(dir, 'taken/file'), '');
    const stack = new Stack('vdestack', `switch://${dir}/sw`);
    const outcome = await ioth(['switch', pathOf(join(dir, 'sw'))]);
    await stack.close();
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  it('a mode that is none: exit code 2', async () => {
    expect(await ioth(['switch', '-m', 'rwx', join(dir, 'sw')])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('with a DHCP and name server', () => {
  const lan = useNetwork(0, 'file');
  beforeAll(async () => {
    const server = lan.stack('10.0.0.1/24');
    server.linksetupdown(server.if_nametoindex('lo'), true);
    await lan.dnsmasq(
      server,
      '--port=53',
      '--dhcp-range=10.0.0.50,10.0.0.60,255.255.255.0,1h',
      '--no-resolv',
      '--no-hosts',
      '--host-record=www.example.org,10.0.0.80,fd00::80',
      '--cname=alias.example.org,www.example.org',
      '--mx-host=example.org,mail.example.org,10',
      '--txt-record=example.org,say "hi"',
      '--local=/example.org/',
    );
  });

  it('ioth ip shows the lease', async () => {
    const config = `${lan.vnl},eth,dhcp`;
    const { code, stdout, stderr } = await ioth(['ip', config]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^lo +DOWN$/);
    expect(lines[1]).toMatch(/^vde0 +(UP|UNKNOWN) +10\.0\.0\.(5\d|60)\/24( |$)/);
    expect(lines).toContain('default via 10.0.0.1 dev vde0');
    expect(lines).toContainEqual(
      expect.stringMatching(/^10\.0\.0\.0\/24 dev vde0 proto kernel scope link src 10\.0\.0\.(5\d|60)$/),
    );
    expect(lines.at(-1)).toBe('nameserver 10.0.0.1');
  });

  it('ioth ip --json: all, and each part', async () => {
    const config = `${lan.vnl},eth,ip=10.0.0.2/24,gw=10.0.0.1,dns=10.0.0.1`;
    const [all, addr, link, route] = await Promise.all(
      [[], ['addr'], ['link'], ['route']].map(async (word) => {
        const { code, stdout } = await ioth(['ip', '--json', config, ...word]);
        expect(code).toBe(0);
        return JSON.parse(stdout);
      }),
    );
    const vde0 = { name: 'vde0', up: true, mac: expect.any(String), mtu: 1500 };
    const addresses = expect.arrayContaining([expect.objectContaining({ address: '10.0.0.2', prefixlen: 24 })]);
    const gateway = expect.objectContaining({ dst: '0.0.0.0', dst_prefixlen: 0, gw: '10.0.0.1' });
    expect(all).toMatchObject({ nameservers: ['10.0.0.1'], routes: expect.arrayContaining([gateway]) });
    expect(addr[1]).toMatchObject({ ...vde0, addresses });
    expect(link[1]).toMatchObject(vde0);
    expect(link[1]).not.toHaveProperty('addresses');
    expect(route).toContainEqual(gateway);
  });

  it.each([
    [['www.example.org'], /^www\.example\.org\. +\d+ +IN +A +10\.0\.0\.80$/],
    [['www.example.org', 'aaaa'], /^www\.example\.org\. +\d+ +IN +AAAA +fd00::80$/],
    [['alias.example.org'], /^www\.example\.org\. +\d+ +IN +A +10\.0\.0\.80$/],
    [['example.org', 'MX'], /^example\.org\. +\d+ +IN +MX +10 mail\.example\.org\.$/],
    [['example.org', 'TXT'], /^example\.org\. +\d+ +IN +TXT +"say \\"hi\\""$/],
    [['10.0.0.80'], /^80\.0\.0\.10\.in-addr\.arpa\. +\d+ +IN +PTR +www\.example\.org\.$/],
    [['www.example.org', '@10.0.0.1:53'], /A +10\.0\.0\.80$/],
  ])('ioth dig %j', async (query, line) => {
    const config = `${lan.vnl},eth,ip=10.0.0.2/24,dns=10.0.0.1`;
    const { code, stdout, stderr } = await ioth(['dig', config, ...query]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd()).toMatch(line);
  });

  it('ioth dig --json', async () => {
    const { stdout } = await ioth(['dig', '--json', `${lan.vnl},eth,dhcp`, 'www.example.org']);
    expect(JSON.parse(stdout)).toEqual([
      { name: 'www.example.org', ttl: expect.any(Number), type: 'A', data: '10.0.0.80' },
    ]);
  });

  it.each([
    [['no.example.org'], 1, 'no.example.org: no such name (NXDOMAIN)'],
    [['example.org', 'SRV'], 1, 'example.org: no SRV record'],
    [['www.example.org', '@10.0.0.99', '-w', '0.2'], 1, 'ETIMEOUT'],
    [['www.example.org', 'BANANA'], 2, "'BANANA' is none of A, AAAA"],
    [['www.example.org', '@nowhere'], 2, 'the server must be an address'],
    [['www.example.org', '@10.0.0.1', '@10.0.0.2'], 2, 'only one server can be asked'],
  ])('ioth dig %j: exit code %i', async (query, code, message) => {
    const outcome = await ioth(['dig', `${lan.vnl},eth,ip=10.0.0.2/24,dns=10.0.0.1`, ...query]);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });
});

it('ioth ip: nobody answers DHCP in the time it has', async () => {
  const outcome = await ioth(['ip', '-w', '0.3', 'null://,eth,dhcp']);
  expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ETIMEDOUT') });
});

it.each([
  [['addresses'], "'addresses' is none of addr, link, route"],
  [['-w', 'soon'], "--wait must be a number, 0.001 to 1000000, not 'soon'".replace('0.001', 'from 0.001')],
])('ioth ip CONFIG %j: exit code 2', async (args, message) => {
  const outcome = await ioth(['ip', 'null://', ...args]);
  expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
});

it('Ctrl-C while it waits for DHCP: exit code 130, and nothing is left', async () => {
  const dir = temporaryDirectory();
  const running = startIoth(['ip', '-w', '60', `switch://${dir}/sw,eth,dhcp`]);
  const server = spawn('sh', ['-c', `until [ -e ${dir}/sw/ctl ]; do sleep 0.02; done`]);
  await once(server, 'exit');
  running.kill('SIGINT');
  expect(await running.exit).toEqual({ code: 130, stdout: '', stderr: '' });
  expect(existsSync(`${dir}/sw`)).toBe(false);
  rmSync(dir, { recursive: true });
});
