import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Lab } from 'ioth/lab';
import { findReach } from '../../../lib/lab/testing/reach.js';
import { runText } from '../../support/child.js';
import { workDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, timer } from '../../support/until.js';

const labFiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`ioth-lab-${process.pid}-`));
const PING = { count: 1, timeout: PATIENCE_MS };

let before: Holdings;
let filesBefore: string[];
beforeEach(() => {
  before = holdings();
  filesBefore = labFiles();
});
afterEach(async () => {
  await expectNothingLeft(before);
  expect(labFiles().filter((file) => !filesBefore.includes(file))).toEqual([]);
});

const threeHosts = {
  networks: { lan: '10.0.0.0/24', wan: { prefix: '10.1.0.0/24', prefix6: 'fd00:1::/64', delay: 5 } },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
} as const;

async function serveHttp(lab: Lab, host: string, text: string): Promise<void> {
  await lab.hosts[host]?.run(async () => {
    const server = createServer((request, response) => response.end(`${text} ${request.socket.remoteAddress}`));
    await once(server.listen(80, '0.0.0.0'), 'listening');
  });
}

it('lets programs talk through routers, by the names of hosts', async () => {
  await using lab = await Lab.create(threeHosts);
  await serveHttp(lab as Lab, 'bob', 'hello');
  const fetched = await lab.hosts.alice.run(() => fetch('http://bob/').then((response) => response.text()));
  expect(fetched).toBe('hello 10.0.0.1');
  expect(await lab.hosts.gate.run(() => fetch('http://bob.lab.test/').then((response) => response.status))).toBe(200);
  const curl = lab.hosts.alice.spawn('curl', ['-s', `http://${lab.hosts.bob.address()}/`]);
  expect(String((await once(curl.stdout as NodeJS.ReadableStream, 'data'))[0])).toBe('hello 10.0.0.1');
  if (curl.exitCode === null) await once(curl, 'exit');
});

it('has what its configuration says, by name', async () => {
  await using lab = await Lab.create({ ...threeHosts, seed: 7 });
  const { alice, gate, bob } = lab.hosts;
  expect(lab.seed).toBe(7);
  expect([alice.networks, gate.networks, bob.networks]).toEqual([['lan'], ['lan', 'wan'], ['wan']]);
  expect([alice.isRouter, gate.isRouter]).toEqual([false, true]);
  expect([gate.address(), gate.address('wan'), gate.address('wan', 6)]).toEqual(['10.0.0.2', '10.1.0.1', 'fd00:1::1']);
  expect(() => alice.address('wan')).toThrow("network must be one that 'alice' is on (lan), not 'wan'");
  expect(() => alice.address('lan', 6)).toThrow("family must be one that network 'lan' has, not 6");
  expect(lab.networks.wan.hosts).toEqual(['gate', 'bob']);
  expect(lab.networks.wan.prefixes).toEqual(['10.1.0.0/24', 'fd00:1::/64']);
  expect(String(gate.stack.interfaces())).toBeDefined();
  expect(gate.stack.if_nameindex().map(([, name]) => name)).toEqual(['lo', 'lan', 'wan']);
  expect(inspect(bob)).toBe('LabHost <bob, 10.1.0.2 fd00:1::2>');
  expect(inspect(gate)).toBe('LabHost <gate, 10.0.0.2 10.1.0.1 fd00:1::1, router>');
  expect(inspect(lab.networks.lan)).toBe('LabNetwork <lan, 10.0.0.0/24, alice gate>');
  expect(inspect(lab)).toContain('└─ bob    10.1.0.2 fd00:1::2');
  expect(lab.diagram()).toMatch(/^graph LR\n/);
  // @ts-expect-error a host that there is not
  expect(lab.hosts.carol).toBeUndefined();
  // @ts-expect-error a network that there is not
  expect(lab.networks.man).toBeUndefined();
  // @ts-expect-error a host on a network that there is not
  await expect(Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { a: 'wan' } })).rejects.toThrow('not');
});

it('lets every host reach every other one, by IPv4 and IPv6', async () => {
  const dual = (n: number) => ({ prefix: `10.0.${n}.0/24`, prefix6: `fd00:0:0:${n}::/64` });
  await using lab = await Lab.create({
    networks: { a: dual(1), b: dual(2), c: dual(3) },
    hosts: { h1: 'a', ab: ['a', 'b'], h2: 'b', bc: ['b', 'c'], h3: 'c' },
  });
  const all = Object.values(lab.hosts);
  const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => [from, to] as const));
  for (const family of [4, 6] as const) {
    const reached = await Promise.all(pairs.map(([from, to]) => findReach(from, to.address(undefined, family))));
    expect(reached.filter(({ pass }) => !pass)).toEqual([]);
  }
});

it('is partitioned and heals, on one network or all', async () => {
  await using lab = await Lab.create(threeHosts);
  const { alice, gate } = lab.hosts;
  const answers = async (from: typeof alice, to: string) =>
    (await from.ping(to, { count: 1, timeout: 300 })).received === 1;
  expect((await alice.ping('bob', PING)).received).toBe(1);
  await lab.networks.wan.partition(['gate'], ['bob']);
  expect(await answers(alice, 'bob')).toBe(false);
  expect((await alice.ping('gate', PING)).received).toBe(1);
  await lab.networks.wan.heal();
  expect((await alice.ping('bob', PING)).received).toBe(1);
  await lab.partition(['alice']);
  expect(await answers(alice, 'gate')).toBe(false);
  expect((await gate.ping('bob', PING)).received).toBe(1);
  await lab.heal();
  expect((await alice.ping('bob', PING)).received).toBe(1);

  await expect(lab.partition(['alice', 'bob'], ['bob'])).rejects.toThrow("groups must be with 'bob' once");
  await expect(lab.partition(['carol' as 'bob'])).rejects.toThrow(
    "groups must be a host of the lab (alice, gate, bob), not 'carol'",
  );
  await expect(lab.networks.wan.partition(['alice'])).rejects.toThrow(
    "a host on network 'wan' (gate, bob), not 'alice'",
  );
});

it('sets faults of one direction while it runs', async () => {
  await using lab = await Lab.create(threeHosts);
  const { gate, bob } = lab.hosts;
  // there and back, 5 ms each
  const isDue = timer(9);
  expect((await bob.ping('gate', PING)).received).toBe(1);
  await delay(0);
  expect(isDue()).toBe(true);
  await lab.networks.wan.set({ loss: 1 }, { from: 'bob', to: ['gate'] });
  expect((await gate.ping('bob', { count: 1, timeout: 200 })).received).toBe(0);
  expect((await lab.networks.wan.stats()).total.dropped.loss).toBeGreaterThan(0);
  await lab.networks.wan.set({});
  expect((await gate.ping('bob', PING)).received).toBe(1);
  await expect(lab.networks.wan.set({ loss: 2 })).rejects.toThrow(/loss must be/);
  await expect(lab.networks.wan.set({}, { from: 'alice' })).rejects.toThrow(
    "path.from must be a host on network 'wan'",
  );
  await expect(lab.networks.wan.set({}, { form: 'bob' } as object)).rejects.toThrow("without 'form'");
});

it('takes the cables of a host out, and puts them in again', async () => {
  await using lab = await Lab.create(threeHosts);
  const { alice, bob } = lab.hosts;
  await lab.down('bob');
  expect([bob.isUp, inspect(bob)]).toEqual([false, 'LabHost <bob, 10.1.0.2 fd00:1::2, down>']);
  expect((await alice.ping('bob', { count: 1, timeout: 300 })).received).toBe(0);
  await lab.up('bob');
  expect((await alice.ping('bob', PING)).received).toBe(1);
  await expect(lab.down('carol' as 'bob')).rejects.toThrow(
    "host must be a host of the lab (alice, gate, bob), not 'carol'",
  );
});

it('restarts a host: its connections end without a word, and it has the same addresses', async () => {
  await using lab = await Lab.create({ ...threeHosts, dns: 'gate' });
  const { alice, gate, bob } = lab.hosts;
  const server = bob.run(() => createTcpServer());
  const accepted = once(server, 'connection');
  await once(server.listen(9, '0.0.0.0'), 'listening');
  const client: Socket = alice.run(() => connect(9, 'bob'));
  await Promise.all([once(client, 'connect'), accepted]);
  const heard: string[] = [];
  for (const event of ['end', 'close', 'error'] as const) client.on(event, () => heard.push(event));

  const stack = bob.stack;
  expect(await lab.restart('bob')).toBe(bob);
  expect(stack.closed).toBe(true);
  expect(bob.stack).not.toBe(stack);
  expect((await alice.ping('bob', PING)).address).toBe('10.1.0.2');
  expect(heard).toEqual([]);
  // what it does not know any more it resets
  client.write('still there?');
  expect(await once(client, 'error').catch((error) => [error])).toMatchObject([{ code: 'ECONNRESET' }]);

  await lab.restart('gate');
  await lab.down('gate');
  await lab.restart('gate');
  expect(gate.isUp).toBe(false);
  expect((await alice.ping(lab.hosts.gate.address(), { count: 1, timeout: 300 })).received).toBe(0);
  await lab.up('gate');
  // its services are there again
  expect((await alice.ping('bob', PING)).address).toBe('10.1.0.2');
});

it('captures a network, which tcpdump reads', async () => {
  const { dir, remove } = workDirectory();
  const file = join(dir, 'wan.pcapng');
  await using lab = await Lab.create(threeHosts);
  const capture = await lab.networks.wan.capture(file);
  await lab.hosts.alice.ping('bob', PING);
  await capture.stop();
  const text = execFileSync('tcpdump', ['-nr', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  expect(text).toMatch(/10\.0\.0\.1 > 10\.1\.0\.2: ICMP echo request/);
  expect((await lab.networks.wan.recentFrames()).length).toBeGreaterThan(100);
  await remove();
});

it('leaves nothing where a host gets no address', async () => {
  const config = {
    networks: { lan: { prefix: '10.0.0.0/24', loss: 1 } },
    hosts: { a: 'lan', b: 'lan' },
    dhcp: 'a',
  } as const;
  await expect(Lab.create(config)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

it('is closed once, whatever goes on, and then says so', async () => {
  const lab = await Lab.create(threeHosts);
  const { alice } = lab.hosts;
  await serveHttp(lab as Lab, 'bob', 'never');
  const fetched = alice.run(() => fetch('http://bob:81/')).catch((error) => error);
  const restarted = lab.restart('bob').catch((error) => error);
  await Promise.all([lab.close(), lab.close()]);
  expect((await fetched).message).toBe('fetch failed');
  await restarted;
  expect(lab.closed).toBe(true);
  expect(inspect(lab)).toMatch(/^Lab <closed>/);
  expect(() => alice.stack).toThrow("stack: host 'alice' is not running");
  await expect(alice.ping('bob')).rejects.toThrow("host 'alice' is not running");
  await expect(lab.restart('bob')).rejects.toThrow('lab: the lab was closed');
  expect(() => new (Lab as unknown as new () => Lab)()).toThrow('Lab.create');
});

it('has a way out of the lab only where it is asked for', async () => {
  // no packet leaves the machine: slirp itself answers
  await using lab = await Lab.create({
    networks: { lan: '10.0.0.0/24', net: { exit: 'slirp' } },
    hosts: { alice: 'lan', gate: ['lan', 'net'] },
  });
  const { alice, gate } = lab.hosts;
  expect(String(lab)).toContain('net 10.0.2.0/24 exit=slirp\n└─ gate   10.0.2.1  routes to lan');
  expect((await gate.ping('10.0.2.2', PING)).received).toBe(1);
  expect(gate.stack.routes().filter(({ dst }) => dst === null || dst === '0.0.0.0')).toMatchObject([
    { gw: '10.0.2.2' },
  ]);
  expect(gate.stack.dns.getServers()).toEqual(['10.0.2.3']);
  expect(alice.stack.routes().some(({ dst_prefixlen }) => dst_prefixlen === 0)).toBe(false);
  expect(alice.stack.dns.getServers()).toEqual([]);
  await lab.partition(['gate']);
  expect((await gate.ping('10.0.2.2', { count: 1, timeout: 200 })).received).toBe(0);
});

it.each([
  ['process.exit(3)', 3],
  ["throw new Error('over')", 1],
  ["process.kill(process.pid, 'SIGTERM')", 'SIGTERM'],
])('is gone with its process: %s', async (end, code) => {
  const { dir, remove } = workDirectory();
  const source = `
    const { Lab } = await import('ioth/lab');
    const lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { a: 'lan', b: 'lan' } });
    console.log('made');
    setImmediate(() => { ${end} });
    setTimeout(() => {}, 10_000);`;
  const result = await runText(dir, source, { env: { TMPDIR: dir } });
  expect(result).toMatchObject({ code, stdout: 'made\n' });
  expect(readdirSync(dir).filter((name) => name.startsWith('ioth-lab-'))).toEqual([]);
  expect(existsSync(dir)).toBe(true);
  await remove();
});

it('of many hosts is made, reached and closed in seconds', async () => {
  const networks = Object.fromEntries(['a', 'b', 'c'].map((name, i) => [name, `10.1.${i}.0/24`]));
  const routers = Object.fromEntries(Object.keys(networks).map((name) => [`router-${name}`, [name, 'backbone']]));
  const members = Array.from({ length: 12 }, (_, i) => [`host${i}`, Object.keys(networks)[i % 3] as string]);
  const lab = await Lab.create({
    networks: { backbone: '10.0.0.0/24', ...networks },
    hosts: { ...routers, ...Object.fromEntries(members) },
  });
  try {
    const all = Object.values(lab.hosts);
    for (const from of all) {
      const reached = await Promise.all(all.filter((to) => to !== from).map((to) => findReach(from, to)));
      expect(reached.filter(({ pass }) => !pass)).toEqual([]);
    }
  } finally {
    await lab.close();
  }
});
