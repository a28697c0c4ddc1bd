import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_UNICAST_HOPS,
  SOCK_DGRAM,
  type Socket,
} from 'ioth';
import { Lab, type LabHost } from 'ioth/lab';
import { describeFrame } from 'ioth/vde';
import { workDirectory } from '../../support/directory.js';
import { get, makePatient, patientLab, udpSocket } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS } from '../../support/until.js';

/* Hosts with IPv6 only behind a NAT64, between real stacks: docs/nat.md. */

const PING = { count: 1, timeout: PATIENCE_MS };
const FRITZ = '203.0.113.2';
const MEET = '64:ff9b::cb00:7101';

const IPV6_ONLY = {
  networks: { internet: '203.0.113.0/24', far: '198.51.100.0/24', home: { prefix6: 'fd00:2::/64' } },
  hosts: {
    meet: 'internet',
    fritz: { networks: ['home', 'internet'], nat: { type: 'home', nat64: true } },
    gate: ['internet', 'far'],
    server: 'far',
    alice: 'home',
    carol: 'home',
  },
} as const;

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

function udp6(host: LabHost, port = 0, seconds = PATIENCE_MS / 1000): Socket {
  const socket = host.stack.socket(AF_INET6, SOCK_DGRAM);
  socket.settimeout(seconds);
  socket.bind(['::', port]);
  return socket;
}

async function serveHttp(host: LabHost): Promise<void> {
  await host.run(async () => {
    const server = createServer(({ socket }, response) => response.end(`you are ${socket.remoteAddress}`));
    await once(server.listen(80), 'listening');
  });
}

it('reaches the rest by name: HTTP, pings, UDP; the rest sees the NAT', async () => {
  await using lab = await patientLab(IPV6_ONLY);
  const { meet, fritz, alice, carol, server } = lab.hosts;
  const comments: string[] = [];
  const capture = await lab.networks.home.capture(undefined, {
    onFrame: (frame, _time, { comment }) => comments.push(`${describeFrame(frame)} ## ${comment}`),
  });
  expect([alice.address()]).toEqual(['fd00:2::2']);
  await serveHttp(meet);
  expect(await get(alice, 'http://meet/')).toBe(`you are ::ffff:${FRITZ}`);
  expect(await alice.run(() => fetch('http://meet/').then((response) => response.text()))).toContain(FRITZ);
  expect((await alice.ping('meet', PING)).received).toBe(1);
  expect((await alice.ping('server', { ...PING, size: 1000 })).received).toBe(1);
  expect((await alice.ping('carol', PING)).received).toBe(1);
  using there = udpSocket(meet, 3478);
  using here = udp6(alice, 5000);
  await here.sendto('hello', 'meet:3478');
  const [, from] = await there.recvfrom(100);
  expect(`${from.address}:${from.port}`).toBe(`${FRITZ}:5000`);
  await there.sendto('back', from);
  expect((await here.recvfrom(100))[1]).toMatchObject({ address: MEET, port: 3478 });
  expect((await fritz.nat.mappings()).filter(({ protocol }) => protocol === 'udp')).toMatchObject([
    { inside: '[fd00:2::2]:5000', outside: `${FRITZ}:5000`, remotes: ['203.0.113.1:3478'] },
  ]);
  await capture.stop();
  const said = comments.filter((line) => line.includes('UDP'));
  expect(said).toEqual([
    `IP6 fd00:2::2.5000 > ${MEET}.3478: UDP, length 5 ## to fritz: nat64: to 203.0.113.1`,
    `IP6 ${MEET}.3478 > fd00:2::2.5000: UDP, length 4 ## nat64: from 203.0.113.1`,
  ]);
  expect(comments.filter((line) => line.startsWith('IP '))).toEqual([]);
  expect((await server.ping(FRITZ, PING)).received).toBe(1);
  expect((await carol.ping(`64:ff9b::${FRITZ}`, PING)).received).toBe(1);
  await expect(meet.ping('alice', PING)).rejects.toThrow('EAI_AGAIN');
  expect(String(lab)).toContain('NAT of home, home, NAT64');
});

/** How long an attempt waits. */
const TRY_S = 1;

/** Tries again: a kernel sends few errors of ICMP a second (icmp(7)). */
async function codeOf(attempt: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    const code = await attempt().catch((error: NodeJS.ErrnoException) => error.code);
    if (code !== 'ETIMEDOUT' || tries === 50) return code;
  }
}

/** Receives the next datagram of that size: answers to earlier attempts may come late. */
async function receiveOf(size: number, socket: Socket) {
  for (;;) {
    const [data, from] = await socket.recvfrom(70_000);
    if (data.length === size) return { data, from };
  }
}

it('carries large datagrams in fragments, both ways', async () => {
  await using lab = await patientLab(IPV6_ONLY);
  const { meet, alice } = lab.hosts;
  using there = udpSocket(meet, 7, TRY_S);
  using here = udp6(alice, 5000, TRY_S);
  for (const size of [0, 1, 1232, 1233, 1452, 1453, 1472, 1473, 4000, 9001]) {
    const data = Buffer.alloc(size, `datagram of ${size} bytes`);
    // the first one that is too long for the header of IPv6 is lost, and its sender is told
    const back = await codeOf(async () => {
      await here.sendto(data, 'meet:7');
      const received = await receiveOf(size, there);
      await there.sendto(received.data, received.from);
      return (await receiveOf(size, here)).data.equals(data);
    });
    expect([size, back]).toEqual([size, true]);
  }
});

it('carries a connection, with segments as large as the links allow', async () => {
  await using lab = await patientLab(IPV6_ONLY);
  const { server, alice } = lab.hosts;
  using listener = server.stack.create_server(':80');
  using client = alice.stack.socket(AF_INET6);
  const [[connection]] = await Promise.all([listener.accept(), client.connect('server:80')]);
  const data = Buffer.alloc(300_000, 'all of it');
  const whole = async (from: Socket) => {
    const parts: Buffer[] = [];
    for (let part = await from.recv(65_536); part.length > 0; part = await from.recv(65_536)) parts.push(part);
    return Buffer.concat(parts);
  };
  const [received] = await Promise.all([whole(connection), client.sendall(data).then(() => client.shutdown(1))]);
  expect(received.equals(data)).toBe(true);
  const [back] = await Promise.all([whole(client), connection.sendall(data).then(() => connection.shutdown(1))]);
  expect(back.equals(data)).toBe(true);
  connection.close();
});

it('carries errors: closed ports, hop limits, the MTU of the way in both directions', async () => {
  await using lab = await patientLab(IPV6_ONLY);
  const { meet, gate, server, alice } = lab.hosts;
  for (const host of [gate, server]) host.stack.linksetmtu('far', 1300);
  const socketTo = async (to: string, option?: number, value?: number): Promise<Socket> => {
    const socket = udp6(alice, 0, TRY_S);
    if (option !== undefined) socket.setsockopt(IPPROTO_IPV6, option, value!);
    socket.setsockopt(IPPROTO_IPV6, IPV6_RECVERR, 1);
    await socket.connect(to);
    return socket;
  };
  using closed = await socketTo('meet:9999');
  expect(await codeOf(() => closed.send('nobody').then(() => closed.recv(10)))).toBe('ECONNREFUSED');
  expect(await codeOf(() => alice.stack.create_connection('meet:9998'))).toBe('ECONNREFUSED');
  // the first router is the NAT64, the second one is gate
  for (const hops of [1, 2]) {
    using short = await socketTo('server:9997', IPV6_UNICAST_HOPS, hops);
    expect(await codeOf(() => short.send('it ends there').then(() => short.recv(10)))).toBe('EHOSTUNREACH');
  }
  using large = await socketTo('server:9996', IPV6_MTU_DISCOVER, IP_PMTUDISC_DO);
  expect(await codeOf(() => large.send(Buffer.alloc(1400)).then(() => large.recv(10)))).toBe('EMSGSIZE');
  expect(large.getsockopt(IPPROTO_IPV6, IPV6_MTU)).toBe(1320);
  using there = udpSocket(meet, 3478);
  using here = udp6(alice, 5000);
  await here.sendto('hello', 'meet:3478');
  const [, from] = await there.recvfrom(100);
  there.settimeout(TRY_S);
  there.setsockopt(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  await there.connect(from);
  expect(await codeOf(() => there.send(Buffer.alloc(1472)).then(() => there.recv(10)))).toBe('EMSGSIZE');
  await there.send(Buffer.alloc(1452));
  expect(await here.recv(2000)).toHaveLength(1452);
  here.close();
  expect(await codeOf(() => there.send('nobody').then(() => there.recv(10)))).toBe('ECONNREFUSED');
});

it('hosts inside reach each other by the address outside', async () => {
  await using lab = await patientLab(IPV6_ONLY);
  const { meet, fritz, alice, carol } = lab.hosts;
  await fritz.nat.set('full-cone');
  using there = udpSocket(meet, 3478);
  using a = udp6(alice, 5000);
  using c = udp6(carol, 6000);
  for (const each of [a, c]) {
    await each.sendto('hello', 'meet:3478');
    await there.recv(100);
  }
  await a.sendto('hello', `[64:ff9b::${FRITZ}]:6000`);
  const [, from] = await c.recvfrom(100);
  expect(from).toMatchObject({ address: '64:ff9b::cb00:7102', port: 5000 });
});

describe('names', () => {
  const networks = {
    internet: { prefix: '203.0.113.0/24', prefix6: '2001:db8::/64' },
    old: '198.51.100.0/24',
    home: { prefix6: 'fd00:2::/64' },
    attic: { prefix6: 'fd00:3::/64' },
  };
  const hosts = {
    names: 'old',
    gate: ['internet', 'old'],
    modern: 'internet',
    fritz: { networks: ['home', 'internet'], nat: { nat64: true } },
    stairs: ['home', 'attic'],
    alice: 'attic',
  } as const;

  it('from a hosts table: a host with IPv6 has its own address', async () => {
    await using lab = await patientLab({ networks, hosts });
    const { alice, modern } = lab.hosts;
    const addresses = async (name: string) =>
      (await alice.stack.getaddrinfo(name, 80)).map(({ sockaddr }) => sockaddr.address);
    expect(new Set(await addresses('modern'))).toEqual(new Set([modern.address('internet', 6)]));
    expect(new Set(await addresses('names'))).toEqual(new Set(['64:ff9b::c633:6401']));
    for (const name of ['modern', 'names', 'fritz', 'stairs']) {
      expect([name, (await alice.ping(name, PING)).received]).toEqual([name, 1]);
    }
  });

  it('from the DNS64 of the router', async () => {
    await using lab = await patientLab({ networks, hosts, dns: 'names' });
    const { alice, modern, fritz } = lab.hosts;
    const { promises: dns } = alice.stack.dns;
    expect(await dns.resolve6('names.lab.test')).toEqual(['64:ff9b::c633:6401']);
    expect(await dns.resolve4('names.lab.test')).toEqual(['198.51.100.1']);
    expect(await dns.resolve6('modern.lab.test')).toEqual(['2001:db8::2']);
    expect(await dns.resolve6('ipv4only.arpa')).toEqual(['64:ff9b::c000:aa', '64:ff9b::c000:ab']);
    expect(await dns.reverse('64:ff9b::c633:6401')).toEqual(['names.lab.test']);
    await expect(modern.stack.dns.promises.resolve6('names.lab.test')).rejects.toThrow('ENODATA');
    expect((await alice.ping('names', PING)).received).toBe(1);
    await lab.restart('fritz');
    makePatient(lab);
    expect(await dns.resolve6('names.lab.test')).toEqual(['64:ff9b::c633:6401']);
    expect(fritz.stack.routes().some(({ dst }) => dst === '240.0.0.0')).toBe(true);
  });

  it('where a host with IPv6 only, or the router, serves them', async () => {
    for (const dns of ['alice', 'fritz'] as const) {
      await using lab = await patientLab({ networks, hosts, dns });
      const { alice, modern } = lab.hosts;
      expect(await alice.stack.dns.promises.resolve6('names.lab.test')).toEqual(['64:ff9b::c633:6401']);
      if (dns === 'fritz') expect(await modern.stack.dns.promises.resolve4('names.lab.test')).toEqual(['198.51.100.1']);
    }
  });
});

it('a router advertises its DNS64 to the hosts that make their addresses from its prefix', async () => {
  await using lab = await patientLab({
    ...IPV6_ONLY,
    networks: { ...IPV6_ONLY.networks, home: { prefix6: 'fd00:2::/64', ra: true } },
    dns: 'meet',
  });
  const { alice, fritz } = lab.hosts;
  await alice.stack.iothconfig('iface=home,rd', { timeout: PATIENCE_MS });
  const servers = `nameserver ${fritz.address('home', 6)}\n`;
  expect(alice.stack.ioth_resolvconf('iface=home')).toBe(`search lab.test\n${servers}`);
  expect((await alice.ping('meet', PING)).received).toBe(1);
});

it.each([undefined, 'meet'] as const)(
  'a phone goes from Wi-Fi with IPv4 to a mobile network with IPv6 only, names by %s',
  async (dns) => {
    await using lab = await patientLab({
      networks: { internet: '203.0.113.0/24', wifi: '192.168.1.0/24', mobile: { prefix6: 'fd00:2::/64' } },
      hosts: {
        meet: 'internet',
        fritz: { networks: ['wifi', 'internet'], nat: 'home' },
        carrier: { networks: ['mobile', 'internet'], nat: { type: 'cgnat', nat64: true } },
        phone: { networks: ['wifi', 'mobile'], roams: true },
      },
      ...(dns && { dns }),
    });
    const { phone } = lab.hosts;
    const meets = async () => {
      const { address, received } = await phone.ping('meet', PING);
      return [address, received];
    };
    expect(await meets()).toEqual(['203.0.113.1', 1]);
    await phone.move('wifi', 'mobile');
    expect(await meets()).toEqual([MEET, 1]);
    await phone.move('mobile', 'wifi');
    expect(await meets()).toEqual(['203.0.113.1', 1]);
  },
);

it('tshark finds no wrong checksum in captures of both sides', async () => {
  const { dir, remove } = workDirectory();
  try {
    const files = ['home', 'internet'].map((name) => join(dir, `${name}.pcapng`));
    {
      await using lab = await patientLab(IPV6_ONLY);
      const { meet, alice } = lab.hosts;
      const captures = await Promise.all([
        lab.networks.home.capture(files[0]!),
        lab.networks.internet.capture(files[1]!),
      ]);
      await serveHttp(meet);
      await get(alice, 'http://meet/');
      await alice.ping('meet', { count: 3, interval: 1, size: 700, timeout: PATIENCE_MS });
      using there = udpSocket(meet, 7);
      using here = udp6(alice, 5000);
      await here.sendto(Buffer.alloc(4000, 'large'), 'meet:7');
      const [data, from] = await there.recvfrom(5000);
      await there.sendto(data, from);
      await here.recv(5000);
      using closed = udp6(alice);
      await closed.connect('meet:9');
      await expect(closed.send('hello').then(() => closed.recv(1))).rejects.toThrow('ECONNREFUSED');
      for (const capture of captures) await capture.stop();
    }
    const checks = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);
    const bad = ['ip', 'udp', 'tcp', 'icmp', 'icmpv6'].map((protocol) => `${protocol}.checksum.status == "Bad"`);
    const malformed = ['_ws.malformed', ...bad].join(' || ');
    for (const file of files) {
      const found = (filter: string) =>
        execFileSync('tshark', ['-n', '-r', file, ...checks, '-Y', filter], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        });
      expect(found(malformed)).toBe('');
      expect(found('tcp || udp').split('\n').length).toBeGreaterThan(10);
    }
  } finally {
    await remove();
  }
});

it('refuses a NAT64 without a network that has IPv6 only', async () => {
  const create = (home: object | string, nat64: unknown = true) =>
    Lab.create({
      networks: { home, internet: '203.0.113.0/24' },
      hosts: { fritz: { networks: ['home', 'internet'], nat: { nat64 } } },
    } as never);
  const message =
    "config.hosts.fritz.nat.nat64 must be false without a network inside that has a 'prefix6' and no 'prefix'";
  await expect(create('192.168.1.0/24')).rejects.toThrow(message);
  await expect(create({ prefix: '192.168.1.0/24', prefix6: 'fd00:2::/64' })).rejects.toThrow(message);
  await expect(create({ prefix6: 'fd00:2::/64' }, 'yes')).rejects.toThrow('config.hosts.fritz.nat.nat64');
  await expect(create({ prefix6: '64:ff9b::/96' })).rejects.toThrow('(64:ff9b::/96 is IPv4 behind a NAT64)');
});
