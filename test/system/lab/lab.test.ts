import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type Socket,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { AF_INET, SOCK_DGRAM } from 'ioth';
import { Lab, type LabHost } from 'ioth/lab';
import { findReach } from '../../../lib/lab/testing/reach.js';
import { runText } from '../../support/child.js';
import { workDirectory } from '../../support/directory.js';
import { makePatient, patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, timer, until } from '../../support/until.js';

// on a busy machine a handshake takes longer than 250 ms, and nobody listens on the next address
setDefaultAutoSelectFamilyAttemptTimeout(PATIENCE_MS);

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
    const server = createServer((request, response) => {
      response.end(`${text} ${request.socket.remoteAddress?.replace('::ffff:', '')}`);
    });
    // for both families: Node gives the address of one 250 ms, and then tries that of the other
    await once(server.listen(80, '::'), 'listening');
  });
}

it('lets programs talk through routers, by the names of hosts', async () => {
  await using lab = await patientLab(threeHosts);
  await serveHttp(lab as Lab, 'bob', 'hello');
  const fetched = await lab.hosts.alice.run(() => fetch('http://bob/').then((response) => response.text()));
  expect(fetched).toBe('hello 10.0.0.1');
  expect(await lab.hosts.gate.run(() => fetch('http://bob.lab.test/').then((response) => response.status))).toBe(200);
  const curl = lab.hosts.alice.spawn('curl', ['-s', `http://${lab.hosts.bob.address()}/`]);
  expect(String((await once(curl.stdout as NodeJS.ReadableStream, 'data'))[0])).toBe('hello 10.0.0.1');
  if (curl.exitCode === null) await once(curl, 'exit');
});

it('has what its configuration says, by name', async () => {
  await using lab = await patientLab({ ...threeHosts, seed: 7 });
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

it('tells hosts the MACs of their neighbours if there are many: gc_thresh3 does not count these', async () => {
  const names = Array.from({ length: 24 }, (_, n) => `h${n}`);
  await using lab = await patientLab({
    networks: { lan: '10.0.0.0/24' },
    hosts: Object.fromEntries(names.map((name) => [name, 'lan' as const])),
  });
  const [first, ...others] = Object.values<LabHost<'lan'>>(lab.hosts);
  const [, ...lines] = readFileSync(`/proc/${first?.stack.daemonPid}/net/arp`, 'utf8').trim().split('\n');
  const known = lines.map((line) => line.split(/\s+/)).map(([address, , flags, mac]) => `${address} ${flags} ${mac}`);
  const complete = '0x2';
  expect(known.sort()).toEqual(
    others.map((host) => `${host.address()} ${complete} ${host.stack.linkgetaddr('lan')}`).sort(),
  );
  expect((await first?.ping(`h${others.length}`, PING))?.received).toBe(1);
});

it('lets every host reach every other one, by IPv4 and IPv6', async () => {
  const dual = (n: number) => ({ prefix: `10.0.${n}.0/24`, prefix6: `fd00:0:0:${n}::/64` });
  await using lab = await patientLab({
    networks: { a: dual(1), b: dual(2), c: dual(3) },
    hosts: { h1: 'a', ab: ['a', 'b'], h2: 'b', bc: ['b', 'c'], h3: 'c' },
  });
  const all = Object.values(lab.hosts);
  const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => [from, to] as const));
  for (const family of [4, 6] as const) {
    const reached = await Promise.all(
      pairs.map(([from, to]) => findReach(from, to.address(undefined, family), undefined, { timeout: PATIENCE_MS })),
    );
    expect(reached.filter(({ pass }) => !pass)).toEqual([]);
  }
});

it('is partitioned and heals, on one network or all', async () => {
  await using lab = await patientLab(threeHosts);
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
  await using lab = await patientLab(threeHosts);
  const { gate, bob } = lab.hosts;
  // there and back, 5 ms each
  const isDue = timer(9);
  expect((await bob.ping('gate', PING)).received).toBe(1);
  await delay(0);
  expect(isDue()).toBe(true);
  await lab.networks.wan.set({ loss: 1 }, { from: 'bob', to: ['gate'] });
  expect((await gate.ping('bob', { count: 1, timeout: 200 })).received).toBe(0);
  await until('a frame is lost', async () => (await lab.networks.wan.stats()).total.dropped.loss > 0);
  await lab.networks.wan.set({});
  expect((await gate.ping('bob', PING)).received).toBe(1);
  await expect(lab.networks.wan.set({ loss: 2 })).rejects.toThrow(/loss must be/);
  await expect(lab.networks.wan.set({}, { from: 'alice' })).rejects.toThrow(
    "path.from must be a host on network 'wan'",
  );
  await expect(lab.networks.wan.set({}, { form: 'bob' } as object)).rejects.toThrow("without 'form'");
});

it('cuts ways between hosts, one way or both, and heals them', async () => {
  await using lab = await patientLab({
    networks: { lan: { prefix: '10.0.0.0/24', delay: 1 }, wan: '10.1.0.0/24' },
    hosts: { a: 'lan', b: 'lan', c: ['lan', 'wan'], d: 'wan' },
  });
  const { a, b, c } = lab.hosts;
  const { lan } = lab.networks;
  const answers = async (from: typeof a, to: string) =>
    (await from.ping(to, { count: 1, timeout: 300 })).received === 1;
  for (const to of ['b', 'c'] as const) expect((await a.ping(to, PING)).received).toBe(1);
  expect((await b.ping('c', PING)).received).toBe(1);
  // a and b are apart, and both reach c
  await lan.cut('a', 'b');
  expect([await answers(a, 'b'), await answers(b, 'a')]).toEqual([false, false]);
  expect([(await a.ping('c', PING)).received, (await b.ping('c', PING)).received]).toEqual([1, 1]);
  await lan.heal();
  // one way: what a says arrives, and the answer does not
  await lan.cut({ from: 'b', to: 'a' });
  const comments: string[] = [];
  const capture = await lan.capture(undefined, {
    onFrame: (_frame, _time, { comment }) => comment && comments.push(comment),
  });
  expect(await answers(a, 'b')).toBe(false);
  await until('the answer is dropped', () => comments.includes('to a: dropped: cut'));
  await until('it is counted', async () => (await lan.stats()).ports.b.dropped.cut > 0);
  await capture.stop();
  await lab.cut('c', ['a', 'd']);
  expect([await answers(a, 'c'), await answers(c, 'd'), (await c.ping('b', PING)).received]).toEqual([false, false, 1]);
  await lab.heal();
  expect((await a.ping('d', PING)).received).toBe(1);
  // the delay was never gone
  expect((await lan.stats()).total.dropped.loss).toBe(0);

  await expect(lab.cut('a', 'd')).rejects.toThrow(
    "'a' must be on a network of 'd': cut it from the router between them",
  );
  await expect(lab.cut('a', 'e' as 'd')).rejects.toThrow("b must be a host of the lab (a, b, c, d), not 'e'");
  await expect(lan.cut({ from: 'd' })).rejects.toThrow("path.from must be a host on network 'lan' (a, b, c), not 'd'");
  await expect(lan.cut({})).rejects.toThrow('the arguments must be two names or lists, or one { from, to }');
});

it('has links of its hosts with faults each way, which reset() brings back', async () => {
  await using lab = await patientLab({
    networks: { wan: { prefix: '10.1.0.0/24', delay: 10 } },
    hosts: {
      alice: { networks: 'wan', links: { wan: { up: { loss: 1 }, down: { delay: 30 } } } },
      bob: { networks: 'wan', links: { wan: { profile: 'lan' } } },
      carol: 'wan',
    },
  });
  const { wan } = lab.networks;
  const { alice, bob, carol } = lab.hosts;
  const isReached = async () => (await carol.ping('alice', { count: 1, timeout: 300 })).received === 1;
  expect((await carol.ping('bob', PING)).received).toBe(1);
  expect(await isReached()).toBe(false);
  // from the first frame on: alice has said nothing yet that anybody heard
  await until('alice says something', async () => (await wan.stats()).ports.alice.received.frames > 0);
  const { received, dropped } = (await wan.stats()).ports.alice;
  expect(dropped.loss).toBe(received.frames);
  await wan.set({}, { up: 'alice' });
  // to alice 40 ms, back 10
  expect((await carol.ping('alice', PING)).received).toBe(1);
  const isDue = timer(49);
  expect((await carol.ping('alice', PING)).received).toBe(1);
  await delay(0);
  expect(isDue()).toBe(true);
  // between hosts no faults, and the own links as they are
  await wan.set({});
  expect((await alice.ping('bob', PING)).received).toBe(1);
  await wan.reset({ up: 'alice' });
  expect(await isReached()).toBe(false);
  await wan.set({}, { up: 'alice' });
  await lab.restart('alice');
  makePatient(lab);
  expect((await bob.ping('alice', PING)).received).toBe(1);
  await lab.reset();
  expect(await isReached()).toBe(false);
  expect(String(lab)).toBe(
    [
      'wan 10.1.0.0/24 delay=10',
      '├─ alice  10.1.0.1  up: loss=1  down: delay=30',
      '├─ bob    10.1.0.2  link: profile=lan',
      '└─ carol  10.1.0.3',
    ].join('\n'),
  );
  await expect(wan.set({}, { up: 'alice', from: 'bob' })).rejects.toThrow('path must be either { from, to } or');
  await expect(wan.reset({ to: 'dave' as 'bob' })).rejects.toThrow("path.to must be a host on network 'wan'");
});

it('repeats the losses on the links of hosts', async () => {
  const runs: string[] = [];
  for (let run = 0; run < 2; run++) {
    await using lab = await patientLab({
      networks: { lan: '10.0.0.0/24' },
      hosts: { a: { networks: 'lan', links: { lan: { up: { loss: 0.3 } } } }, b: 'lan' },
      seed: 9,
    });
    const { lan } = lab.networks;
    const sender = lab.hosts.a.stack.socket(AF_INET, SOCK_DGRAM);
    // neighbours first, without faults
    await lan.set({}, { up: 'a' });
    expect((await lab.hosts.a.ping('b', PING)).received).toBe(1);
    await lan.reset();
    let fates = '';
    const capture = await lan.capture(undefined, {
      onFrame: (frame, _time, { comment }) => {
        const isDatagram = frame.readUInt16BE(12) === 0x0800 && frame[23] === 17;
        if (isDatagram) fates += comment === 'dropped: loss' ? 'x' : '.';
      },
    });
    for (let n = 0; n < 40; n++) await sender.sendto(`${n}`, ['10.0.0.2', 9]);
    while (fates.length < 40) await delay(5);
    await capture.stop();
    runs.push(fates);
    sender.close();
  }
  expect(runs[1]).toBe(runs[0]);
  expect(runs[0]).toMatch(/x/);
});

it('has networks with an MTU of their own', async () => {
  await using lab = await patientLab({
    networks: { tunnel: { prefix: '10.0.0.0/24', mtu: 1400 }, jumbo: { prefix: '10.1.0.0/24', mtu: 9216 } },
    hosts: { a: 'tunnel', gate: ['tunnel', 'jumbo'], b: 'jumbo' },
  });
  const { a, gate, b } = lab.hosts;
  const mtuOf = (host: typeof a, name: string) => host.stack.interfaces().find((each) => each.name === name)?.mtu;
  expect([mtuOf(a, 'tunnel'), mtuOf(gate, 'tunnel'), mtuOf(gate, 'jumbo'), mtuOf(b, 'jumbo')]).toEqual([
    1400, 1400, 9216, 9216,
  ]);
  // 20 bytes of IPv4, 8 of ICMP: the longest frame arrives in one piece
  let longest = 0;
  const capture = await lab.networks.jumbo.capture(undefined, {
    onFrame: (frame) => {
      longest = Math.max(longest, frame.length);
    },
  });
  expect((await gate.ping('b', { ...PING, size: 9216 - 28 })).received).toBe(1);
  await capture.stop();
  expect(longest).toBe(9216 + 14);
  await lab.restart('b');
  expect(mtuOf(b, 'jumbo')).toBe(9216);
});

it('takes the cables of a host out, and puts them in again', async () => {
  await using lab = await patientLab(threeHosts);
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
  await using lab = await patientLab({ ...threeHosts, dns: 'gate' });
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
  makePatient(lab);
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
  makePatient(lab);
  expect(gate.isUp).toBe(false);
  expect((await alice.ping(lab.hosts.gate.address(), { count: 1, timeout: 300 })).received).toBe(0);
  await lab.up('gate');
  // its services are there again
  expect((await alice.ping('bob', PING)).address).toBe('10.1.0.2');
});

it.each(['', '/0-1', '/1-1'])(
  'restarts a host whose restart has failed: the place of its cables was away: %s',
  async (part) => {
    await using lab = await Lab.create({ ...threeHosts, dns: 'gate' });
    const { alice, gate } = lab.hosts;
    const place = join(tmpdir(), `${labFiles().find((name) => !filesBefore.includes(name))}${part}`);
    // a directory is no socket, which a cable would remove
    renameSync(place, `${place}-away`);
    if (part !== '') mkdirSync(place);
    for (let n = 0; n < 2; n++) await expect(lab.restart('gate')).rejects.toMatchObject({ syscall: 'vde_open' });
    expect(() => gate.stack).toThrow("stack: host 'gate' is not running");
    if (part !== '') rmdirSync(place);
    renameSync(`${place}-away`, place);

    expect(await lab.restart('gate')).toBe(gate);
    // its services are there again
    expect((await alice.ping('bob', PING)).address).toBe('10.1.0.2');
  },
);

it('captures a network, which tcpdump reads', async () => {
  const { dir, remove } = workDirectory();
  const file = join(dir, 'wan.pcapng');
  await using lab = await patientLab(threeHosts);
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
  await using lab = await patientLab({
    networks: { lan: '10.0.0.0/24', net: { exit: 'slirp' } },
    hosts: { alice: 'lan', gate: ['lan', 'net'] },
  });
  const { alice, gate } = lab.hosts;
  expect(String(lab)).toContain('net 10.0.2.0/24 exit=slirp\n└─ gate   10.0.2.1  routes to lan');
  expect((await gate.ping('10.0.2.2', PING)).received).toBe(1);
  expect(gate.stack.routes(AF_INET).filter(({ dst_prefixlen }) => dst_prefixlen === 0)).toMatchObject([
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

it('of many hosts is made, reached and closed', async () => {
  const networks = Object.fromEntries(['a', 'b', 'c'].map((name, i) => [name, `10.1.${i}.0/24`]));
  const routers = Object.fromEntries(Object.keys(networks).map((name) => [`router-${name}`, [name, 'backbone']]));
  const members = Array.from({ length: 12 }, (_, i) => [`host${i}`, Object.keys(networks)[i % 3] as string]);
  const lab = await patientLab({
    networks: { backbone: '10.0.0.0/24', ...networks },
    hosts: { ...routers, ...Object.fromEntries(members) },
  });
  try {
    const all = Object.values(lab.hosts);
    for (const from of all) {
      const others = all.filter((to) => to !== from);
      const reached = await Promise.all(others.map((to) => findReach(from, to, undefined, { timeout: PATIENCE_MS })));
      expect(reached.filter(({ pass }) => !pass)).toEqual([]);
    }
  } finally {
    await lab.close();
  }
});
