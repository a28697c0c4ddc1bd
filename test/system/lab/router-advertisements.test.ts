import { dirname, join } from 'node:path';
import { AF_INET6, type InterfaceAddress, IOTHCONF_RD, SOCK_DGRAM } from 'ioth';
import { Lab, type LabHost } from 'ioth/lab';
import { run } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { makePatient, patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* Router advertisements on the wire, and what kernels make of them. */

const PING = { count: 1, timeout: PATIENCE_MS, family: 6 } as const;
const WAIT = { timeout: PATIENCE_MS };

const RTPROT_RA = 9;

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

/** The addresses of an interface that are not of the link. */
function addressesOf({ stack }: LabHost, ifname: string, family: 'IPv4' | 'IPv6' = 'IPv6'): InterfaceAddress[] {
  const found = stack.interfaces().find(({ name }) => name === ifname)?.addresses ?? [];
  return found.filter((each) => each.family === family && !each.address.startsWith('fe80:'));
}

const textsOf = (...args: Parameters<typeof addressesOf>) => addressesOf(...args).map(({ address }) => address);

/** The default routes by IPv6, as 'INTERFACE ORIGIN'. */
function defaultRoutesOf({ stack }: LabHost): string[] {
  const routes = stack.routes(AF_INET6).filter(({ dst_prefixlen }) => dst_prefixlen === 0);
  return routes.map(({ ifname, protocol, gw }) => `${ifname} ${protocol === RTPROT_RA ? 'ra' : protocol} ${gw}`);
}

it('gives hosts addresses, a default route and an MTU by their own kernels', async () => {
  await using lab = await patientLab({
    networks: {
      home: { prefix: '10.0.1.0/24', prefix6: 'fd00:1::/64', ra: { mtu: 1400, preferredLifetime: 600 } },
      net: { prefix: '10.0.2.0/24', prefix6: 'fd00:2::/64' },
    },
    hosts: { alice: 'home', gate: ['home', 'net'], bob: 'net', printer: { networks: 'home', address: 'fd00:1::9' } },
  });
  const { alice, gate, bob, printer } = lab.hosts;
  expect(alice.address('home', 6)).toBe('fd00:1::ff:fe00:1');
  expect(textsOf(alice, 'home')).toEqual(['fd00:1::ff:fe00:1']);
  const [shown] = JSON.parse(String(alice.spawnSync('ip', ['-6', '-j', 'address', 'show', 'dev', 'home']).stdout));
  expect(shown.addr_info[0]).toMatchObject({ dynamic: true, prefixlen: 64 });
  expect(shown.addr_info[0].preferred_life_time).toBeLessThanOrEqual(600);
  expect(shown.addr_info[0].valid_life_time).toBeGreaterThan(600);
  expect(defaultRoutesOf(alice)).toEqual(['home ra fe80::ff:fe00:2']);
  expect(alice.stack.routes(AF_INET6).filter(({ dst }) => dst.startsWith('fd00:2'))).toEqual([]);
  expect(alice.stack.sysctl('net.ipv6.conf.home.mtu')).toBe('1400');

  expect((await alice.ping('bob', PING)).address).toBe('fd00:2::2');
  expect((await bob.ping('alice', PING)).address).toBe('fd00:1::ff:fe00:1');
  expect((await bob.ping('alice', { ...PING, family: 4 })).received).toBe(1);
  // a static address is the only one; routers have theirs, and no default route to themselves
  expect(textsOf(printer, 'home')).toEqual(['fd00:1::9']);
  expect((await bob.ping('printer', PING)).received).toBe(1);
  expect([textsOf(gate, 'home'), defaultRoutesOf(gate)]).toEqual([['fd00:1::1'], []]);
});

/** The fields of the advertisements in a capture, as tshark reads them. */
async function advertisementsIn(file: string, fields: readonly string[]): Promise<Record<string, string>[]> {
  const args = [
    '-n',
    '-r',
    file,
    '-Y',
    'icmpv6.type == 134',
    '-T',
    'fields',
    ...fields.flatMap((field) => ['-e', field]),
  ];
  const { code, stdout, stderr } = await run('tshark', args, { env: { HOME: dirname(file) } });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const rows = stdout.split('\n').filter(Boolean);
  return rows.map((row) => {
    const values = row.split('\t');
    return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? '']));
  });
}

it('sends what tshark finds right, with all that was asked for', async () => {
  const file = join(temporaryDirectory(), 'home.pcapng');
  await using lab = await patientLab({
    networks: {
      home: {
        prefix6: 'fd00:1::/64',
        ra: { managed: true, other: true, lifetime: 90, validLifetime: Infinity, interval: 60, mtu: 1300 },
      },
      net: 'fd00:2::/64',
    },
    hosts: { alice: 'home', gate: ['home', 'net'], names: 'net' },
    dns: 'names',
  });
  const capture = await lab.networks.home.capture(file);
  await lab.restart('gate');
  // its kernel may have heard before it asked
  await lab.hosts.alice.stack.iothconfig('iface=home,rd', { timeout: PATIENCE_MS });
  // of several versions of tshark
  const isTrue = expect.stringMatching(/^(1|True|Good)$/);
  const expected = {
    'ipv6.src': 'fe80::ff:fe00:2',
    'ipv6.hlim': '255',
    'icmpv6.checksum.status': isTrue,
    'icmpv6.nd.ra.flag.m': isTrue,
    'icmpv6.nd.ra.flag.o': isTrue,
    'icmpv6.nd.ra.router_lifetime': '90',
    'icmpv6.opt.src_linkaddr': '02:00:00:00:00:02',
    'icmpv6.opt.prefix': 'fd00:1::',
    'icmpv6.opt.prefix.length': '64',
    'icmpv6.opt.prefix.flag.l': isTrue,
    'icmpv6.opt.prefix.flag.a': isTrue,
    'icmpv6.opt.prefix.valid_lifetime': '4294967295',
    'icmpv6.opt.prefix.preferred_lifetime': '604800',
    'icmpv6.opt.mtu': '1300',
    'icmpv6.opt.rdnss': 'fd00:2::2',
    'icmpv6.opt.rdnss.lifetime': '180',
    'icmpv6.opt.dnssl': 'lab.test',
    'icmpv6.opt.dnssl.lifetime': '180',
    '_ws.malformed': '',
    '_ws.expert.message': '',
  };
  const fields = [...Object.keys(expected), 'ipv6.dst'];
  let found: Record<string, string>[] = [];
  // the answer to alice, and the first one for all
  const isComplete = async () => {
    found = await advertisementsIn(file, fields);
    return ['fe80::ff:fe00:1', 'ff02::1'].every((to) => found.some((advert) => advert['ipv6.dst'] === to));
  };
  await until('both kinds of advertisements', isComplete);
  await capture.stop();
  for (const advert of found) expect(advert).toEqual({ ...expected, 'ipv6.dst': advert['ipv6.dst'] });
});

it('tells the clients of this library: name servers, domains, and what to ask DHCPv6 for', async () => {
  const SOLICIT = 1;
  const INFORMATION_REQUEST = 11;
  const cases = [
    [{}, undefined],
    [{ other: true }, INFORMATION_REQUEST],
    [{ managed: true }, SOLICIT],
  ] as const;
  for (const [ra, asked] of cases) {
    await using lab = await patientLab({
      networks: { home: { prefix6: 'fd00:1::/64', ra } },
      hosts: { alice: 'home', gate: { networks: 'home', router: true } },
      dns: 'gate',
    });
    const { alice } = lab.hosts;
    const dhcp = await lab.networks.home.intercept({ from: 'alice', protocol: 'udp', toPort: 547 }, 'pass');
    const configured = alice.stack.iothconfig('iface=home,auto6', { timeout: PATIENCE_MS });
    if (asked === undefined) {
      expect((await configured) & IOTHCONF_RD).toBe(IOTHCONF_RD);
      expect(dhcp.hits).toBe(0);
    } else {
      const { frame } = await dhcp.next(WAIT);
      expect(frame[14 + 40 + 8]).toBe(asked);
      // it finds no server
      await alice.stack.iothconfig('iface=home,-dhcp6');
      await configured;
    }
    expect(alice.stack.ioth_resolvconf('iface=home')).toBe('search lab.test\nnameserver fd00:1::1\n');
  }
});

it('leads hosts to other networks when they move, and leaves nothing of the old one', async () => {
  await using lab = await patientLab({
    networks: {
      wifi: { prefix: '10.0.1.0/24', prefix6: 'fd00:1::/64', ra: true },
      mobile: { prefix6: 'fd00:2::/64', ra: true },
      net: { prefix: '10.0.3.0/24', prefix6: 'fd00:3::/64' },
    },
    hosts: {
      fritz: ['wifi', 'net'],
      carrier: ['mobile', 'net'],
      phone: { networks: ['wifi', 'mobile'], roams: true, firewall: 'block-inbound' },
      server: 'net',
    },
    dhcp: 'fritz',
    dns: 'server',
  });
  const { phone, server } = lab.hosts;
  const resolve = () => server.stack.dns.promises.resolve6('phone.lab.test');
  expect([textsOf(phone, 'wifi'), await resolve()]).toEqual([['fd00:1::ff:fe00:3'], ['fd00:1::ff:fe00:3']]);
  expect((await phone.ping('server', PING)).received).toBe(1);

  await phone.move('wifi', 'mobile');
  expect([textsOf(phone, 'wifi'), textsOf(phone, 'wifi', 'IPv4')]).toEqual([[], []]);
  expect([textsOf(phone, 'mobile'), phone.address('mobile', 6)]).toEqual([['fd00:2::ff:fe01:3'], 'fd00:2::ff:fe01:3']);
  expect(defaultRoutesOf(phone)).toEqual(['mobile ra fe80::ff:fe01:2']);
  expect(await resolve()).toEqual(['fd00:2::ff:fe01:3']);
  expect((await phone.ping('fd00:3::3', PING)).received).toBe(1);

  await lab.restart('phone');
  makePatient(lab);
  expect(textsOf(phone, 'mobile')).toEqual(['fd00:2::ff:fe01:3']);
  expect((await phone.ping('fd00:3::3', PING)).received).toBe(1);

  // unplugged, it gets nothing on the way back; plugged in, it asks
  await lab.down('phone');
  await lab.up('phone');
  await phone.move('mobile', 'wifi');
  expect(textsOf(phone, 'wifi')).toEqual(['fd00:1::ff:fe00:3']);
  expect((await phone.ping('server', PING)).received).toBe(1);
});

it('a host that starts without a cable has its address once it is plugged in', async () => {
  await using lab = await patientLab({
    networks: { home: { prefix6: 'fd00:1::/64', ra: true } },
    hosts: { alice: 'home', gate: { networks: 'home', router: true } },
  });
  const { alice, gate } = lab.hosts;
  await lab.down('alice');
  await lab.restart('alice');
  expect(textsOf(alice, 'home')).toEqual([]);
  await lab.up('alice');
  await until('it has its address', () => textsOf(alice, 'home').length > 0);
  await lab.restart('gate');
  makePatient(lab);
  expect((await gate.ping('alice', PING)).received).toBe(1);
});

it('hosts lose a router that is gone, and get it back', async () => {
  await using lab = await patientLab({
    networks: { home: { prefix6: 'fd00:1::/64', ra: { interval: 1 } } },
    hosts: { alice: 'home', gate: { networks: 'home', router: true } },
  });
  const { alice } = lab.hosts;
  // a route that has run out is listed for up to 30 seconds
  const hasWay = async () => {
    using socket = alice.stack.socket(AF_INET6, SOCK_DGRAM);
    return await socket.connect('[fd00:9::1]:9').then(
      () => true,
      ({ code }) => code !== 'ENETUNREACH',
    );
  };
  // it lasts three seconds from each advertisement
  await until('there is a way', hasWay);
  await lab.down('gate');
  await until('the router is forgotten', async () => !(await hasWay()));
  await lab.up('gate');
  await until('it is back', hasWay);
});

it('comes through a network that loses half of all frames', async () => {
  await using lab = await patientLab({
    networks: { home: { prefix6: 'fd00:1::/64', ra: { lifetime: 0 }, loss: 0.5 } },
    hosts: { alice: 'home', bob: 'home', gate: { networks: 'home', router: true } },
    seed: 3,
  });
  expect(textsOf(lab.hosts.bob, 'home')).toEqual(['fd00:1::ff:fe00:2']);
  // of a router that is no default router
  expect(defaultRoutesOf(lab.hosts.bob)).toEqual([]);
});

it('a move that waits for an advertisement ends with the lab', async () => {
  const lab = await Lab.create({
    networks: { left: { prefix6: 'fd00:1::/64', ra: true }, right: { prefix6: 'fd00:2::/64', ra: true } },
    hosts: { gate: ['left', 'right'], phone: { networks: ['left', 'right'], roams: true } },
  });
  const { right } = lab.networks;
  await right.cut({ from: 'gate' });
  const solicitation = await right.intercept({ from: 'phone', icmp: 'router-solicitation' }, 'pass');
  const moving = expect(lab.hosts.phone.move('left', 'right')).rejects.toThrow();
  await solicitation.next(WAIT);
  await lab.close();
  await moving;
});
