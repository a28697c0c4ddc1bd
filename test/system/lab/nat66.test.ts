import { once } from 'node:events';
import { createServer } from 'node:http';
import { AF_INET6, IPPROTO_IPV6, IPV6_RECVERR, IPV6_UNICAST_HOPS, SOCK_DGRAM, type Socket } from 'ioth';
import { Lab, type LabHost } from 'ioth/lab';
import { describeFrame } from 'ioth/vde';
import { get, patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* Private prefixes of IPv6, which others stand for outside (RFC 6296), between real stacks: docs/nat.md. */

const PING = { count: 1, timeout: PATIENCE_MS };
const ALICE = '2001:db8:1:0:cf48::2';
const BOB = '2001:db8:2:0:cf47::2';

const TWO_HOMES = {
  networks: {
    internet: { prefix: '203.0.113.0/24', prefix6: '2001:db8::/64' },
    far: { prefix: '198.51.100.0/24', prefix6: '2001:db8:0:1::/64' },
    home: { prefix: '192.168.1.0/24', prefix6: 'fd00:2::/64' },
    office: { prefix: '192.168.1.0/24', prefix6: 'fd00:2::/64' },
  },
  hosts: {
    meet: 'internet',
    fritz: { networks: ['home', 'internet'], nat: { type: 'home', prefix6: '2001:db8:1::/64' } },
    cisco: { networks: ['office', 'internet'], nat: { type: 'corporate', prefix6: '2001:db8:2::/64' } },
    gate: ['internet', 'far'],
    server: 'far',
    alice: 'home',
    carol: 'home',
    bob: 'office',
  },
} as const;

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

function udp6(host: LabHost, port: number): Socket {
  const socket = host.stack.socket(AF_INET6, SOCK_DGRAM);
  socket.settimeout(PATIENCE_MS / 1000);
  socket.bind(['::', port]);
  return socket;
}

async function serveHttp(host: LabHost): Promise<void> {
  await host.run(async () => {
    const server = createServer(({ socket }, response) => response.end(`you are ${socket.remoteAddress}`));
    await once(server.listen(80), 'listening');
  });
}

it('hosts behind it have addresses outside, in both directions, also far away and behind another one', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, server, alice, bob } = lab.hosts;
  const comments: string[] = [];
  const capture = await lab.networks.internet.capture(undefined, {
    onFrame: (frame, _time, { comment }) => comments.push(`${describeFrame(frame)} ## ${comment}`),
  });
  for (const host of [meet, server, alice]) await serveHttp(host);
  expect(await get(alice, `http://[${meet.address('internet', 6)}]/`)).toBe(`you are ${ALICE}`);
  expect(await get(alice, `http://[${server.address('far', 6)}]/`)).toBe(`you are ${ALICE}`);
  expect(await get(server, `http://[${ALICE}]/`)).toBe(`you are ${server.address('far', 6)}`);
  expect(await get(meet, 'http://alice/')).toBe(`you are ${meet.address('internet', 6)}`);
  expect(await get(bob, 'http://alice/')).toBe(`you are ${BOB}`);
  expect((await meet.ping(ALICE, PING)).received).toBe(1);
  await capture.stop();
  const said = comments.filter((line) => line.includes(' > 2001:db8::1.80: Flags [S]'));
  expect(said[0]).toMatch(new RegExp(`^IP6 ${ALICE}\\.\\d+ > .* ## nat66: fd00:2::2 → ${ALICE}$`));
  expect(comments.filter((line) => / fd00:/.test(line.split(' ## ')[0]!))).toEqual([]);
});

it('the private prefix has no route from outside, and no way by hand', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, fritz } = lab.hosts;
  const [probe] = (await meet.ping('fd00:2::2', PING)).probes;
  expect(probe?.error).toMatchObject({ code: 'ENETUNREACH' });
  meet.stack.iproute_add(`fd00:2::/64 via ${fritz.address('internet', 6)}`);
  expect((await meet.ping('fd00:2::2', { count: 1, timeout: 300 })).received).toBe(0);
  const dropped = async () => (await lab.networks.internet.stats()).ports.meet!.dropped.nat;
  await until('the NAT drops it', async () => (await dropped()) > 0);
  expect(await dropped()).toBe(1);
  expect(String(lab)).toContain('NAT of home, home, 2001:db8:1::/64');
});

it('carries errors: a closed port inside and outside, hop limits', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, server, alice } = lab.hosts;
  const failureOf = async (host: LabHost, to: string, hops = 64) => {
    using socket = host.stack.socket(AF_INET6, SOCK_DGRAM);
    socket.settimeout(PATIENCE_MS / 1000);
    socket.setsockopt(IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    socket.setsockopt(IPPROTO_IPV6, IPV6_RECVERR, 1);
    await socket.connect(`[${to}]:9999`);
    await socket.send('hello');
    return await socket.recv(10).then(String, (error: NodeJS.ErrnoException) => error.code);
  };
  expect(await failureOf(alice, meet.address('internet', 6)!)).toBe('ECONNREFUSED');
  expect(await failureOf(meet, ALICE)).toBe('ECONNREFUSED');
  expect(await failureOf(alice, server.address('far', 6)!, 2)).toBe('EHOSTUNREACH');
  // fritz itself tells about a packet to inside
  expect(await failureOf(meet, ALICE, 1)).toBe('EHOSTUNREACH');
});

it('carries large datagrams in fragments, and makes a turn for hosts inside', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { fritz, meet, alice, carol } = lab.hosts;
  using server = udp6(meet, 7);
  using a = udp6(alice, 5000);
  using c = udp6(carol, 6000);
  const data = Buffer.alloc(8000, 'ioth');
  await a.sendto(data, `[${meet.address('internet', 6)}]:7`);
  const [received, from] = await server.recvfrom(10_000);
  expect([received.equals(data), from]).toMatchObject([true, { address: ALICE, port: 5000 }]);
  await server.sendto(data, from);
  expect((await a.recv(10_000)).equals(data)).toBe(true);
  for (let i = 0; i < 3; i++) {
    await a.sendto('hello', '[2001:db8:1:0:cf48::3]:6000');
    expect((await c.recvfrom(100))[1]).toMatchObject({ address: ALICE, port: 5000 });
    await c.sendto('back', `[${ALICE}]:5000`);
    expect((await a.recvfrom(100))[1]).toMatchObject({ address: '2001:db8:1:0:cf48::3', port: 6000 });
  }
  await fritz.nat.set('corporate');
  await a.sendto('hello', '[2001:db8:1:0:cf48::3]:6000');
  expect((await carol.ping('alice', PING)).received).toBe(1);
  const recent = await lab.networks.home.recentFrames();
  expect(recent.toString()).toContain('dropped: nat66: no hairpin');
});

it.each<[string, object, object, string]>([
  ['a prefix of another length', {}, { prefix6: '2001:db8:1::/48' }, 'as long as the one inside, fd00:2::/64'],
  ['an IPv4 prefix', {}, { prefix6: '10.0.0.0/24' }, 'must be an IPv6 prefix'],
  ['a prefix that a network has', {}, { prefix6: '2001:db8::/64' }, 'not with 2001:db8::/64'],
  ['a long prefix', { home: { prefix6: 'fd00:2::/96' } }, { prefix6: '2001:db8:1::/96' }, 'and of 64 bits at most'],
  ['no IPv6 inside', { home: '192.168.1.0/24' }, { prefix6: '2001:db8:1::/64' }, 'with one network inside that has'],
  [
    'no IPv6 outside',
    { internet: '203.0.113.0/24' },
    { prefix6: '2001:db8:1::/64' },
    "network outside, 'internet', has a",
  ],
])('refuses %s', async (_what, networks, nat, message) => {
  const config = {
    networks: { internet: TWO_HOMES.networks.internet, home: TWO_HOMES.networks.home, ...networks },
    hosts: { fritz: { networks: ['home', 'internet'], nat } },
  };
  const made = Lab.create(config as never);
  await expect(made).rejects.toThrow('config.hosts.fritz.nat.prefix6');
  await expect(made).rejects.toThrow(message);
});

it('refuses two routers with one prefix outside, two networks inside, and a way around', async () => {
  const { networks, hosts } = TWO_HOMES;
  const create = (more: object) => Lab.create({ networks, hosts: { ...hosts, ...more } } as never);
  const nat = { prefix6: '2001:db8:1::/64' };
  await expect(create({ cisco: { networks: ['office', 'internet'], nat } })).rejects.toThrow(
    'not with 2001:db8:1::/64',
  );
  const { internet, home } = networks;
  const around = { networks: { internet, home }, hosts: { fritz: hosts.fritz, gate: ['home', 'internet'] } };
  await expect(Lab.create(around as never)).rejects.toThrow('the only way between');
  const two = { home: { prefix6: 'fd00:2::/64' }, cellar: { prefix6: 'fd00:3::/64' }, internet };
  const config = { networks: two, hosts: { fritz: { networks: ['home', 'cellar', 'internet'], nat } } };
  await expect(Lab.create(config as never)).rejects.toThrow("with one network inside that has a 'prefix6'");
});
