import { once } from 'node:events';
import { createServer } from 'node:http';
import { SO_BROADCAST, SOL_SOCKET, type Socket } from 'ioth';
import { Lab, type LabHost, type NatMapping } from 'ioth/lab';
import { describeFrame } from 'ioth/vde';
import { get, makePatient, passesNat, patientLab, udpSocket } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* NATs between real stacks: docs/nat.md. */

const PING = { count: 1, timeout: PATIENCE_MS };

const TWO_HOMES = {
  networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24', office: '192.168.1.0/24' },
  hosts: {
    meet: 'internet',
    fritz: { networks: ['home', 'internet'], nat: 'port-restricted' },
    cisco: { networks: ['office', 'internet'], nat: 'symmetric' },
    alice: 'home',
    carol: 'home',
    bob: 'office',
  },
} as const;
const FRITZ = '203.0.113.2';

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

/** Sends a datagram and returns whom the receiver saw as its sender. */
async function seenBy(receiver: Socket, sender: Socket, to: string): Promise<string> {
  await sender.sendto('hello', to);
  const [, from] = await receiver.recvfrom(100);
  return `${from.address}:${from.port}`;
}

async function serveHttp(host: LabHost, port: number): Promise<void> {
  await host.run(async () => {
    const server = createServer((request, response) => response.end(`${host.name} ${request.socket.remoteAddress}`));
    await once(server.listen(port, '0.0.0.0'), 'listening');
  });
}

it('hosts behind a NAT reach the rest, which sees the NAT; networks behind it are private', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, fritz, alice, carol, bob } = lab.hosts;
  expect([alice.address(), carol.address(), bob.address()]).toEqual(['192.168.1.2', '192.168.1.3', '192.168.1.2']);
  expect([fritz.nat.type, fritz.nat.outside, fritz.nat.inside, fritz.nat.addresses]).toEqual([
    'port-restricted',
    'internet',
    ['home'],
    [FRITZ],
  ]);
  await serveHttp(meet, 80);
  expect(await get(alice, 'http://meet/')).toBe(`meet ${FRITZ}`);
  expect(await get(bob, 'http://meet/')).toBe('meet 203.0.113.3');
  expect(await get(fritz, 'http://meet/')).toBe(`meet ${FRITZ}`);
  expect((await alice.ping('meet', PING)).received).toBe(1);
  expect((await alice.ping('carol', PING)).received).toBe(1);
  expect((await alice.ping('cisco', PING)).received).toBe(1);
  const [probe] = (await meet.ping('192.168.1.2', { count: 1, timeout: 300 })).probes;
  expect(probe?.error).toMatchObject({ code: 'ETIMEDOUT' });
  expect((await lab.networks.internet.stats()).ports.fritz!.dropped.nat).toBe(0);
  await expect(meet.ping('alice', PING)).rejects.toThrow('EAI_AGAIN');
  await expect(alice.ping('bob', PING)).rejects.toThrow('EAI_AGAIN');
  // by hand there is a way to the NAT, and it lets nothing in
  meet.stack.iproute_add(`192.168.1.0/24 via ${FRITZ}`);
  expect((await meet.ping('192.168.1.2', { count: 1, timeout: 300 })).received).toBe(0);
  const dropped = async () => (await lab.networks.internet.stats()).ports.meet!.dropped.nat;
  await until('the NAT drops it', async () => (await dropped()) > 0);
  expect(await dropped()).toBe(1);
  expect(String(lab)).toContain('├─ fritz  192.168.1.1  NAT to internet');
  expect(String(lab)).toContain('├─ fritz  203.0.113.2  NAT of home, port-restricted');
  expect(() => alice.nat).toThrow("host 'alice' has no NAT");
});

it('hosts outside lose packets to addresses that nobody there has, and can still send to all', async () => {
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24', alone: { prefix: '10.0.0.0/24', isolated: true } },
    hosts: {
      meet: 'internet',
      fritz: { networks: ['home', 'internet'], nat: 'home' },
      alice: 'home',
      phone: { networks: ['internet', 'home'], roams: true },
      hermit: 'alone',
    },
  });
  const { meet, alice, phone, hermit } = lab.hosts;
  const failureOf = async (host: LabHost) => {
    using socket = udpSocket(host);
    return socket.sendto('hello', '192.168.7.7:9').then(
      () => 'lost',
      ({ code }) => code,
    );
  };
  expect([await failureOf(meet), await failureOf(phone), await failureOf(hermit)]).toEqual([
    'lost',
    'lost',
    'ENETUNREACH',
  ]);
  using toAll = udpSocket(meet);
  toAll.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
  using hearing = udpSocket(phone, 9);
  await toAll.sendto('all of you', '255.255.255.255:9');
  expect(String(await hearing.recv(100))).toBe('all of you');
  const gateways = () =>
    phone.stack
      .routes()
      .filter(({ family, dst_prefixlen }) => family === 'IPv4' && dst_prefixlen === 0)
      .map(({ gw, ifname }) => gw ?? ifname);
  expect(gateways()).toEqual(['lo']);
  await phone.move('internet', 'home');
  expect(gateways()).toEqual(['192.168.1.1']);
  expect((await phone.ping('alice', PING)).received).toBe(1);
  await phone.move('home', 'internet');
  expect(gateways()).toEqual(['lo']);
  await lab.restart('phone');
  expect(await failureOf(phone)).toBe('lost');
  expect(alice.address()).toBe('192.168.1.2');
});

it('maps, filters, says so in captures, and tells of mappings', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, fritz, alice } = lab.hosts;
  const comments: string[] = [];
  const capture = await lab.networks.internet.capture(undefined, {
    onFrame: (frame, _time, { comment }) => comments.push(`${describeFrame(frame)} ## ${comment}`),
  });
  const events: string[] = [];
  const log = (what: string) => (mapping: NatMapping) => events.push(`${what} ${mapping.inside} ${mapping.outside}`);
  fritz.nat.on('mapping', log('made')).on('mappingEnd', log('ended'));
  using server = udpSocket(meet, 3478);
  using other = udpSocket(meet, 3479);
  using client = udpSocket(alice, 5000);
  expect(await seenBy(server, client, 'meet:3478')).toBe(`${FRITZ}:5000`);
  expect(await passesNat(lab, other, `${FRITZ}:5000`, client)).toBe(false);
  await fritz.nat.set('full-cone');
  expect(String(lab)).toContain('NAT of home, full-cone');
  expect(await passesNat(lab, other, `${FRITZ}:5000`, client)).toBe(true);
  expect(await fritz.nat.mappings()).toMatchObject([
    { protocol: 'udp', inside: '192.168.1.2:5000', outside: `${FRITZ}:5000`, remotes: ['203.0.113.1:3478'] },
  ]);
  await fritz.nat.flush();
  await until('the end of the mapping is told', () => events.length === 2);
  expect(events).toEqual(['made', 'ended'].map((what) => `${what} 192.168.1.2:5000 ${FRITZ}:5000`));
  await capture.stop();
  const said = comments.filter((line) => line.includes('UDP'));
  expect(said[0]).toBe(`IP ${FRITZ}.5000 > 203.0.113.1.3478: UDP, length 5 ## nat: 192.168.1.2:5000 → ${FRITZ}:5000`);
  expect(said.some((line) => line.includes('3479') && line.endsWith('dropped: nat: filtered'))).toBe(true);
  expect(said.some((line) => line.endsWith(`nat: ${FRITZ}:5000 → 192.168.1.2:5000`))).toBe(true);
});

it('punches holes between cones, and not between a symmetric NAT and a port-restricted one', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, cisco, alice, bob } = lab.hosts;
  using server = udpSocket(meet, 3478);
  const punch = async () => {
    using a = udpSocket(alice);
    using b = udpSocket(bob);
    const [atA, atB] = [await seenBy(server, a, 'meet:3478'), await seenBy(server, b, 'meet:3478')];
    // it opens the NAT that it leaves, and is dropped by the other one
    expect(await passesNat(lab, b, atA, a)).toBe(false);
    return await passesNat(lab, a, atB, b);
  };
  expect(await punch()).toBe(false);
  await cisco.nat.set('port-restricted');
  expect(await punch()).toBe(true);
});

it('TCP from both sides at once', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, cisco, alice, bob } = lab.hosts;
  await cisco.nat.set('port-restricted');
  await serveHttp(meet, 80);
  const open = async (host: LabHost, port: number, to: string) => {
    const socket = host.stack.socket();
    socket.bind(['', port]);
    socket.settimeout(PATIENCE_MS / 1000);
    await socket.connect(to);
    return socket;
  };
  const [a, b] = await Promise.all([open(alice, 7000, '203.0.113.3:7001'), open(bob, 7001, `${FRITZ}:7000`)]);
  await a.sendall('hello');
  expect(String(await b.recv(100))).toBe('hello');
  a.close();
  b.close();
});

it('hosts inside reach each other by the address outside: UDP, TCP', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, fritz, alice, carol } = lab.hosts;
  await fritz.nat.set('full-cone');
  using server = udpSocket(meet, 3478);
  using a = udpSocket(alice, 5000);
  using c = udpSocket(carol, 6000);
  await seenBy(server, a, 'meet:3478');
  await seenBy(server, c, 'meet:3478');
  expect(await seenBy(c, a, `${FRITZ}:6000`)).toBe(`${FRITZ}:5000`);
  await using _forward = await fritz.nat.forward({ protocol: 'tcp', port: 8080, to: 'carol', toPort: 80 });
  await serveHttp(carol, 80);
  expect(await get(alice, `http://${FRITZ}:8080/`)).toBe(`carol ${FRITZ}`);
  expect(await get(meet, `http://${FRITZ}:8080/`)).toBe('carol 203.0.113.1');
});

it('forwards ports, and then the host inside has a name outside', async () => {
  await using lab = await patientLab({
    ...TWO_HOMES,
    hosts: {
      ...TWO_HOMES.hosts,
      fritz: {
        networks: ['home', 'internet'],
        nat: { type: 'symmetric', forwards: [{ protocol: 'tcp', port: 80, to: 'alice', toPort: 8080 }] },
      },
    },
  });
  const { meet, fritz, alice, bob } = lab.hosts;
  await serveHttp(alice, 8080);
  expect(await get(meet, 'http://alice/')).toBe('alice 203.0.113.1');
  expect(await get(bob, 'http://alice/')).toBe('alice 203.0.113.3');
  await lab.restart('fritz');
  makePatient(lab);
  expect(await get(meet, 'http://alice/')).toBe('alice 203.0.113.1');
  const forward = { protocol: 'tcp', port: 80, to: 'alice' } as const;
  await expect(fritz.nat.forward(forward)).rejects.toThrow('forward.port must be a port that is not forwarded already');
  await expect(fritz.nat.forward({ ...forward, to: 'bob' })).rejects.toThrow(
    "forward.to must be a host behind the NAT (alice, carol) or an IPv4 address, not 'bob'",
  );
});

it('the router has its own ports: a server outside, a client, and a port that a host has too', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, fritz, alice, carol } = lab.hosts;
  using server = udpSocket(meet, 3478);
  await serveHttp(fritz, 80);
  expect(await get(meet, `http://${FRITZ}/`)).toBe('fritz 203.0.113.1');
  expect(await get(alice, `http://${FRITZ}/`)).toBe('fritz 192.168.1.2');
  using own = udpSocket(fritz, 5000);
  using a = udpSocket(alice, 5000);
  expect(await seenBy(server, a, 'meet:3478')).toBe(`${FRITZ}:5001`);
  expect(await seenBy(server, own, 'meet:3478')).toBe(`${FRITZ}:5000`);
  // a socket that the router binds later: its packets get another port
  using c = udpSocket(carol, 6000);
  expect(await seenBy(server, c, 'meet:3478')).toBe(`${FRITZ}:6000`);
  using late = udpSocket(fritz, 6000);
  expect(await seenBy(server, late, 'meet:3478')).toBe(`${FRITZ}:6001`);
  await server.sendto('to carol', `${FRITZ}:6000`);
  expect(String((await c.recvfrom(100))[0])).toBe('to carol');
  await server.sendto('to fritz', `${FRITZ}:6001`);
  expect(String((await late.recvfrom(100))[0])).toBe('to fritz');
});

it('carries errors of ICMP both ways', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, alice } = lab.hosts;
  using client = udpSocket(alice, 5000);
  await client.connect('meet:9999');
  await client.send('hello');
  await expect(client.recv(100)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  using server = udpSocket(meet, 3478);
  const gone = udpSocket(alice, 5001);
  const seen = await seenBy(server, gone, 'meet:3478');
  gone.close();
  await server.connect(seen);
  await server.send('hello');
  await expect(server.recv(100)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('carries datagrams in fragments, which overtake each other', async () => {
  await using lab = await patientLab({ ...TWO_HOMES, seed: 3 });
  const { meet, alice } = lab.hosts;
  await lab.networks.internet.set({ delay: 5, jitter: 5 });
  using server = udpSocket(meet, 3478);
  using client = udpSocket(alice, 5000);
  const data = Buffer.alloc(8000, 'ioth');
  for (let i = 0; i < 20; i++) {
    await client.sendto(data, 'meet:3478');
    const [received, from] = await server.recvfrom(10_000);
    expect([received.equals(data), `${from.address}:${from.port}`]).toEqual([true, `${FRITZ}:5000`]);
    await server.sendto(data, from);
    expect((await client.recv(10_000)).equals(data)).toBe(true);
  }
  const { reordered } = (await lab.networks.internet.stats()).total;
  expect(reordered).toBeGreaterThan(0);
});

it('NAT behind NAT', async () => {
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', isp: '100.64.0.0/24', home: '192.168.1.0/24' },
    hosts: {
      meet: 'internet',
      carrier: { networks: ['isp', 'internet'], nat: 'cgnat' },
      fritz: { networks: ['home', 'isp'], nat: 'home' },
      alice: 'home',
      neighbour: 'isp',
    },
    seed: 5,
  });
  const { meet, carrier, fritz, alice, neighbour } = lab.hosts;
  using server = udpSocket(meet, 3478);
  using client = udpSocket(alice, 5000);
  const seen = await seenBy(server, client, 'meet:3478');
  expect(seen).toMatch(/^203\.0\.113\.2:\d+$/);
  expect(await fritz.nat.mappings()).toMatchObject([{ inside: '192.168.1.2:5000', outside: '100.64.0.2:5000' }]);
  expect(await carrier.nat.mappings()).toMatchObject([{ inside: '100.64.0.2:5000', outside: seen }]);
  expect((await alice.ping('neighbour', PING)).received).toBe(1);
  await expect(neighbour.ping('192.168.1.2', PING)).resolves.toMatchObject({ received: 0 });
  expect(neighbour.stack.routes().some(({ dst_prefixlen }) => dst_prefixlen === 0)).toBe(true);
});

it('a router that restarts has forgotten its mappings', async () => {
  await using lab = await patientLab(TWO_HOMES);
  const { meet, fritz, alice } = lab.hosts;
  using server = udpSocket(meet, 3478);
  using client = udpSocket(alice, 5000);
  await seenBy(server, client, 'meet:3478');
  expect(await fritz.nat.mappings()).toHaveLength(1);
  await lab.restart('fritz');
  makePatient(lab);
  expect(await fritz.nat.mappings()).toEqual([]);
  expect(await seenBy(server, client, 'meet:3478')).toBe(`${FRITZ}:5000`);
});

it('with DNS and DHCP: leases with a default route, names as they are seen from the server', async () => {
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24' },
    hosts: {
      names: 'internet',
      fritz: { networks: ['home', 'internet'], nat: 'home' },
      alice: 'home',
      carol: 'home',
    },
    dns: 'names',
    dhcp: 'fritz',
  });
  const { names, alice } = lab.hosts;
  expect(alice.stack.interfaces().find(({ name }) => name === 'home')!.addresses[0]!.address).toBe('192.168.1.2');
  await serveHttp(names, 80);
  expect(await get(alice, 'http://names/')).toBe(`names ${FRITZ}`);
  expect((await alice.ping('carol', PING)).received).toBe(1);
  await expect(names.ping('alice', PING)).rejects.toThrow('ENOTFOUND');
});

it.each<[string, object, string]>([
  [
    'a kind that there is not',
    { hosts: { fritz: { networks: ['home', 'internet'], nat: 'full-cine' } } },
    "config.hosts.fritz.nat must be 'full-cone' or",
  ],
  [
    'a host on one network',
    { hosts: { fritz: { networks: 'home', nat: 'home' } } },
    'config.hosts.fritz.nat must be of a host on two',
  ],
  [
    'a host that does not forward',
    { hosts: { fritz: { networks: ['home', 'internet'], nat: 'home', router: false } } },
    'config.hosts.fritz.nat must be of a host that forwards packets',
  ],
  [
    'a network outside that the host is not on',
    { hosts: { fritz: { networks: ['home', 'internet'], nat: { outside: 'office' } } } },
    'on existing networks (home, internet)',
  ],
  [
    'a way around it',
    { hosts: { fritz: { networks: ['home', 'internet'], nat: 'home' }, gate: ['home', 'internet'] } },
    "config.hosts.fritz.nat must be the only way between network 'home' and 'internet': another router joins them without a NAT",
  ],
  [
    'networks with one prefix that one host sees',
    { hosts: { fritz: { networks: ['home', 'office', 'internet'], nat: 'home' } } },
    "the prefix of network 'office' must be disjoint from that of network 'home'",
  ],
  [
    'a forwarded port to a host outside',
    {
      hosts: {
        meet: 'internet',
        fritz: { networks: ['home', 'internet'], nat: { forwards: [{ protocol: 'tcp', port: 80, to: 'meet' }] } },
      },
    },
    'config.hosts.fritz.nat.forwards[0].to must be a host behind the NAT () or an IPv4 address',
  ],
  [
    'an address of another network',
    { hosts: { fritz: { networks: ['home', 'internet'], nat: { addresses: ['192.168.1.9'] } } } },
    "config.hosts.fritz.nat.addresses must be IPv4 addresses of network 'internet'",
  ],
  [
    'an IPv6 address',
    {
      networks: { home: '192.168.1.0/24', internet: { prefix: '203.0.113.0/24', prefix6: '2001:db8::/64' } },
      hosts: { fritz: { networks: ['home', 'internet'], nat: { addresses: ['2001:db8::9'] } } },
    },
    "config.hosts.fritz.nat.addresses must be IPv4 addresses of network 'internet', not '2001:db8::9'",
  ],
])('refuses %s', async (_what, config, message) => {
  const { home, internet, office } = TWO_HOMES.networks;
  const networks =
    _what.includes('office') || _what.includes('one prefix') ? { home, internet, office } : { home, internet };
  await expect(Lab.create({ networks, ...config } as never)).rejects.toThrow(message);
});
