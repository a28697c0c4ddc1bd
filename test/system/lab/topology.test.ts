import { Lab, type LabConfig } from 'ioth/lab';
import { AS_MADE, drawing } from '../../../lib/lab/topology/drawing.js';
import type { HostPlan } from '../../../lib/lab/topology/host-plan.js';
import { mermaid } from '../../../lib/lab/topology/mermaid.js';
import { Topology } from '../../../lib/lab/topology/topology.js';
import { holdings } from '../../support/leaks.js';

const dual = (number: number) => ({ prefix: `10.0.${number}.0/24`, prefix6: `fd00:0:0:${number}::/64` });

function hostOf(topology: Topology, name: string): HostPlan {
  return topology.hosts.find((host) => host.name === name) as HostPlan;
}

function addressesOf(topology: Topology, name: string): string[] {
  return hostOf(topology, name).attachments.flatMap(({ addresses }) => [...addresses.values()]);
}

function routesOf(topology: Topology, name: string): string[] {
  return (topology.routes.get(hostOf(topology, name)) ?? []).map(({ prefix, gateway }) => `${prefix.text} ${gateway}`);
}

describe('addresses', () => {
  it('go to the hosts in the order of their names as given', () => {
    const topology = new Topology({
      networks: { lan: '10.0.0.0/24', wan: dual(1) },
      hosts: { zoe: 'lan', gate: ['lan', 'wan'], adam: 'wan' },
    });
    expect(addressesOf(topology, 'zoe')).toEqual(['10.0.0.1']);
    expect(addressesOf(topology, 'gate')).toEqual(['10.0.0.2', '10.0.1.1', 'fd00:0:0:1::1']);
    expect(addressesOf(topology, 'adam')).toEqual(['10.0.1.2', 'fd00:0:0:1::2']);
  });

  it('are those that a host asks for, which no other host gets', () => {
    const topology = new Topology({
      networks: { lan: dual(0) },
      hosts: { a: 'lan', b: { networks: 'lan', address: ['10.0.0.1', 'FD00:0::1'] }, c: 'lan' },
    });
    expect(addressesOf(topology, 'a')).toEqual(['10.0.0.2', 'fd00::2']);
    expect(addressesOf(topology, 'b')).toEqual(['10.0.0.1', 'fd00::1']);
    expect(addressesOf(topology, 'c')).toEqual(['10.0.0.3', 'fd00::3']);
  });

  it('fill a prefix to its last', () => {
    const hosts = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`h${i}`, 'lan' as const]));
    const topology = new Topology({ networks: { lan: '10.0.0.8/29' }, hosts });
    expect(addressesOf(topology, 'h5')).toEqual(['10.0.0.14']);
    expect(() => new Topology({ networks: { lan: '10.0.0.8/29' }, hosts: { ...hosts, more: 'lan' } })).toThrow(
      "the IPv4 prefix of network 'lan' must be large enough for its hosts: 10.0.0.8/29 has 6 addresses, and 'more' needs one more",
    );
  });

  it('have MACs that are the same in every run, each another one', () => {
    const hosts = { a: 'lan', b: ['lan', 'wan'], c: 'wan' } as const;
    const macs = () => {
      const topology = new Topology({ networks: { lan: dual(0), wan: dual(1) }, hosts });
      return topology.hosts.flatMap(({ attachments }) => attachments.map(({ mac }) => mac));
    };
    expect(macs()).toEqual(macs());
    expect(new Set(macs()).size).toBe(4);
  });
});

describe('routes', () => {
  const topology = new Topology({
    networks: { a: dual(0), b: dual(1), c: dual(2), d: '10.0.3.0/24' },
    hosts: {
      first: 'a',
      ab: ['a', 'b'],
      bc: ['b', 'c'],
      slow: ['a', 'd'],
      cd: ['c', 'd'],
      last: 'c',
      leaf: { networks: ['a', 'c'], router: false },
    },
  });

  it('lead to all networks by the fewest routers', () => {
    expect(routesOf(topology, 'first')).toEqual([
      '10.0.1.0/24 10.0.0.2',
      'fd00:0:0:1::/64 fd00::2',
      '10.0.2.0/24 10.0.0.2',
      'fd00:0:0:2::/64 fd00::2',
      '10.0.3.0/24 10.0.0.3',
    ]);
    expect(routesOf(topology, 'last')).toEqual([
      '10.0.0.0/24 10.0.2.1',
      'fd00::/64 fd00:0:0:2::1',
      '10.0.1.0/24 10.0.2.1',
      'fd00:0:0:1::/64 fd00:0:0:2::1',
      '10.0.3.0/24 10.0.2.2',
    ]);
  });

  it('do not go through a host that is told not to route', () => {
    expect(hostOf(topology, 'leaf').isRouter).toBe(false);
    expect([...topology.routes.values()].flat().map(({ gateway }) => gateway)).not.toContain('10.0.0.4');
  });

  it('of IPv6 are there only where all of the way has it', () => {
    const parts = new Topology({
      networks: { six: 'fd00::/64', both: dual(1), four: '10.0.2.0/24' },
      hosts: { a: 'six', r: ['six', 'both'], q: ['both', 'four'], z: 'four' },
    });
    expect(routesOf(parts, 'a')).toEqual(['fd00:0:0:1::/64 fd00::2']);
    expect(routesOf(parts, 'z')).toEqual(['10.0.1.0/24 10.0.2.1']);
    expect(parts.addressesFor(hostOf(parts, 'a'), hostOf(parts, 'q'))).toEqual(['fd00:0:0:1::2']);
    expect(parts.addressesFor(hostOf(parts, 'a'), hostOf(parts, 'z'))).toEqual([]);
  });
});

it('names hosts for each host with the nearest address first', () => {
  const topology = new Topology({
    networks: { lan: '10.0.0.0/24', wan: dual(1) },
    hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
    domain: 'example.test',
  });
  expect(topology.hostsTable(hostOf(topology, 'bob'))).toBe(
    [
      '127.0.0.1 localhost',
      '::1 localhost',
      '10.0.0.1 alice.example.test alice',
      '10.0.1.1 gate.example.test gate',
      'fd00:0:0:1::1 gate.example.test gate',
      '10.0.0.2 gate.example.test gate',
      '10.0.1.2 bob.example.test bob',
      'fd00:0:0:1::2 bob.example.test bob',
      '',
    ].join('\n'),
  );
});

it('is drawn as text and as a mermaid flowchart', () => {
  const topology = new Topology({
    networks: { lan: '10.0.0.0/24', wan: { ...dual(1), delay: 20, loss: { p: 0.1, r: 0.5 }, rate: '10mbit' } },
    hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
    dns: 'gate',
  });
  expect(drawing(topology)).toBe(
    [
      'lan 10.0.0.0/24',
      '├─ alice  10.0.0.1',
      '└─ gate   10.0.0.2  routes to wan, DNS',
      'wan 10.0.1.0/24 fd00:0:0:1::/64 delay=20 loss={p:0.1,r:0.5} rate=10mbit',
      '├─ gate   10.0.1.1 fd00:0:0:1::1  routes to lan, DNS',
      '└─ bob    10.0.1.2 fd00:0:0:1::2',
    ].join('\n'),
  );
  expect(mermaid(topology, AS_MADE)).toBe(`graph LR
  n0(["lan<br>10.0.0.0/24"])
  n1(["wan<br>10.0.1.0/24 fd00:0:0:1::/64<br>delay=20<br>loss={p:0.1,r:0.5}<br>rate=10mbit"])
  h0["alice"]
  h0 ---|"10.0.0.1"| n0
  h1{{"gate<br>router<br>DNS"}}
  h1 ---|"10.0.0.2"| n0
  h1 ---|"10.0.1.1<br>fd00:0:0:1::1"| n1
  h2["bob"]
  h2 ---|"10.0.1.2<br>fd00:0:0:1::2"| n1
`);
});

it('shows networks with router advertisements, with the addresses that kernels make there', () => {
  const topology = new Topology({
    networks: { home: { ...dual(1), ra: true }, wan: { ...dual(2), ra: { managed: true, lifetime: 60 }, mtu: 1400 } },
    hosts: { alice: 'home', gate: ['home', 'wan'], server: { networks: 'wan', address: 'fd00:0:0:2::53' } },
  });
  expect(drawing(topology)).toBe(
    [
      'home 10.0.1.0/24 fd00:0:0:1::/64 ra',
      '├─ alice   10.0.1.1 fd00::1:0:ff:fe00:1',
      '└─ gate    10.0.1.2 fd00:0:0:1::1  routes to wan',
      'wan 10.0.2.0/24 fd00:0:0:2::/64 mtu=1400 ra={managed:true,lifetime:60}',
      '├─ gate    10.0.2.1 fd00:0:0:2::1  routes to home',
      '└─ server  10.0.2.2 fd00:0:0:2::53',
    ].join('\n'),
  );
  expect(mermaid(topology, AS_MADE)).toContain('n0(["home<br>10.0.1.0/24 fd00:0:0:1::/64<br>ra"])');
});

describe('a topology that is wrong is refused with words', () => {
  const lan = { lan: '10.0.0.0/24' };
  const onLan = { a: 'lan' };
  const two = { lan: '10.0.0.0/24', wan: '10.0.1.0/24' };
  const at = (address: string) => ({ networks: 'lan', address });
  const advertised = (ra: unknown, network: object = dual(0)) => ({
    networks: { lan: { ...network, ra } },
    hosts: { a: 'lan', r: { networks: 'lan', router: true } },
  });
  const linked = (links: unknown) => ({ networks: lan, hosts: { a: { networks: 'lan', links } } });
  const cases: [config: unknown, message: string | RegExp][] = [
    [undefined, 'config.networks must be an object with names as keys, not undefined'],
    [5, 'options must be { networks, hosts, seed, dns, dhcp, domain, threads }, not 5'],
    [{ networks: lan, hosts: onLan, sead: 1 }, /without 'sead'/],
    [{ networks: {}, hosts: onLan }, 'config.networks must be at least one network, not {}'],
    [{ networks: lan, hosts: {} }, 'config.hosts must be at least one host, not {}'],
    [{ networks: lan, hosts: { a: 'wan' } }, "config.hosts.a must be on existing networks (lan), not 'wan'"],
    [{ networks: lan, hosts: { a: [] } }, 'config.hosts.a must be on a network: it has none, not []'],
    [
      { networks: lan, hosts: { a: 5 } },
      /config\.hosts\.a must be the name of a network, an array of them, or an object/,
    ],
    [{ networks: lan, hosts: { a: { network: 'lan' } } }, /config\.hosts\.a must be .*, without 'network'/],
    [{ networks: lan, hosts: { a: ['lan', 'lan'] } }, /config\.hosts\.a\.networks must be without 'lan' twice/],
    [{ networks: lan, hosts: { a_b: 'lan' } }, /the name of a host must be letters, digits and '-'.* not 'a_b'/],
    [{ networks: lan, hosts: { '10': 'lan' } }, /the name of a host must be .* not a number, not '10'/],
    [{ networks: lan, hosts: { localhost: 'lan' } }, /the name of a host must be unique, ignoring case/],
    [{ networks: lan, hosts: { bob: 'lan', Bob: 'lan' } }, /unique, ignoring case, not 'Bob'/],
    [
      { networks: { lan: '10.0.0.1/24' }, hosts: onLan },
      "config.networks.lan must be the network itself, '10.0.0.0/24', not '10.0.0.1/24'",
    ],
    [
      { networks: { lan: '10.0.0.0/33' }, hosts: onLan },
      /config\.networks\.lan must be a prefix such as '10\.0\.0\.0\/24'/,
    ],
    [{ networks: { lan: '10.0.0.0/31' }, hosts: onLan }, /config\.networks\.lan must be a prefix of 30 bits at most/],
    [{ networks: { lan: '127.0.0.0/24' }, hosts: onLan }, /unicast addresses \(127\.0\.0\.0\/8 is the loopback\)/],
    [{ networks: { lan: 'fe80::/64' }, hosts: onLan }, /unicast addresses \(fe80::\/10 is link-local\)/],
    [
      { networks: { lan: { delay: 5 } }, hosts: onLan },
      /networks\.lan must be an object with a 'prefix' or a 'prefix6'/,
    ],
    [
      { networks: { lan: { prefix: 'fd00::/64' } }, hosts: onLan },
      /lan\.prefix must be an IPv4 prefix, not an IPv6 one/,
    ],
    [{ networks: { lan: { prefix: '10.0.0.0/24', los: 1 } }, hosts: onLan }, /networks\.lan must be .*, without 'los'/],
    [{ networks: { lan: { prefix: '10.0.0.0/24', loss: 2 } }, hosts: onLan }, /config\.networks\.lan\.loss must be/],
    [
      { networks: { lan: { prefix: '10.0.0.0/24', mtu: 9217 } }, hosts: onLan },
      'config.networks.lan.mtu must be an integer from 68 to 9216, not 9217',
    ],
    [{ networks: { lan: { ...dual(0), mtu: 1279 } }, hosts: onLan }, /lan\.mtu must be an integer from 1280 to 9216/],
    [{ networks: { lan: { exit: 'slirp', mtu: 9000 } }, hosts: onLan }, /lan\.mtu must be an integer from 68 to 1500/],
    [
      { networks: { lan: { prefix: '10.0.0.0/24', mtu: '1400' } }, hosts: onLan },
      /lan\.mtu must be an integer, not '1400'/,
    ],
    [
      { networks: { lan: { prefix: '10.0.0.0/24', profile: 'isdn' } }, hosts: onLan },
      /lan\.profile must be one of lan, wifi/,
    ],
    [linked(5), 'config.hosts.a.links must be an object with names as keys, not 5'],
    [linked({ wan: {} }), /config\.hosts\.a\.links must be \{ lan \}, without 'wan'/],
    [linked({ lan: 'dsl' }), "config.hosts.a.links.lan must be faults, or { up, down }, not 'dsl'"],
    [linked({ lan: { uo: {} } }), /config\.hosts\.a\.links\.lan must be \{ up, down, .*without 'uo'/],
    [linked({ lan: { up: { rate: '1mbti' } } }), /config\.hosts\.a\.links\.lan\.up\.rate must be/],
    [linked({ lan: { loss: 2 } }), /config\.hosts\.a\.links\.lan\.loss must be/],
    [advertised('yes'), "config.networks.lan.ra must be true, or an object with options, not 'yes'"],
    [advertised(true, { prefix: '10.0.0.0/24' }), /lan\.ra must be of a network with a 'prefix6'/],
    [advertised(true, { prefix6: 'fd00::/48' }), /lan\.ra must be of a network whose 'prefix6' has 64 bits, for SLAAC/],
    [advertised({ manged: true }), /config\.networks\.lan\.ra must be \{ managed, other, .*without 'manged'/],
    [advertised({ managed: 'yes' }), /lan\.ra\.managed must be a boolean/],
    [advertised({ other: 'yes' }), /lan\.ra\.other must be a boolean/],
    [advertised({ interval: 0 }), /lan\.ra\.interval must be an integer from 1 to 1800/],
    [advertised({ lifetime: 65536 }), /lan\.ra\.lifetime must be an integer from 0 to 65535/],
    [advertised({ lifetime: Infinity }), /lan\.ra\.lifetime must be an integer from 0 to 65535/],
    [advertised({ validLifetime: 0 }), /lan\.ra\.validLifetime must be an integer from 1 to/],
    [
      advertised({ validLifetime: 60, preferredLifetime: 61 }),
      /lan\.ra\.preferredLifetime must be an integer from 0 to 60/,
    ],
    [advertised({ mtu: 1279 }), /lan\.ra\.mtu must be an integer from 1280 to 1500/],
    [advertised({ mtu: 1400 }, { ...dual(0), mtu: 1300 }), /lan\.ra\.mtu must be an integer from 1280 to 1300/],
    [
      { networks: { lan: { ...dual(0), ra: true } }, hosts: onLan },
      'config.networks.lan.ra must be of a network with a router: no host on it forwards packets, not {}',
    ],
    [{ networks: { 'a network': '10.0.0.0/24' }, hosts: onLan }, /the name of a network must be .* not 'a network'/],
    [{ networks: { lan: { exit: 'nat' } }, hosts: onLan }, "config.networks.lan.exit must be 'slirp', not 'nat'"],
    [
      { networks: { lan: { exit: 'slirp', prefix: '10.0.0.0/24' } }, hosts: onLan },
      /lan\.prefix must be 10\.0\.2\.0\/24/,
    ],
    [{ networks: { lo: '10.0.0.0/24' }, hosts: { a: 'lo' } }, /the name of a network must be/],
    [
      { networks: { lan: '10.0.0.0/16', wan: '10.0.1.0/24' }, hosts: { a: ['lan', 'wan'] } },
      "the prefix of network 'wan' must be disjoint from that of network 'lan', 10.0.0.0/16, not '10.0.1.0/24'",
    ],
    [
      { networks: two, hosts: { a: 'lan', b: 'wan' } },
      "network 'wan' must be reachable by IPv4 from network 'lan': put a host on both, or set { isolated: true }, not '10.0.1.0/24'",
    ],
    [
      { networks: two, hosts: { a: { networks: ['lan', 'wan'], router: false } } },
      /network 'wan' must be reachable by IPv4 from network 'lan'/,
    ],
    [
      { networks: { a: dual(0), b: '10.0.1.0/24', c: dual(2) }, hosts: { r: ['a', 'b'], q: ['b', 'c'] } },
      /network 'c' must be reachable by IPv6 from network 'a'/,
    ],
    [
      { networks: lan, hosts: { a: at('10.0.1.1') } },
      "config.hosts.a.address must be an address that a host of 10.0.0.0/24 can have, not '10.0.1.1'",
    ],
    [{ networks: lan, hosts: { a: at('10.0.0.255') } }, /can have, not '10\.0\.0\.255'/],
    [{ networks: { lan: 'fd00::/64' }, hosts: { a: at('fd00::5%lan') } }, /can have, not 'fd00::5%lan'/],
    [
      { networks: lan, hosts: { a: at('10.0.0.7'), b: at('10.0.0.7') } },
      "config.hosts.b.address must be an address that host 'a' does not have, not '10.0.0.7'",
    ],
    [{ networks: lan, hosts: { a: { networks: 'lan', router: 'yes' } } }, /config\.hosts\.a\.router must be a boolean/],
    [{ networks: lan, hosts: onLan, dns: 'b' }, "config.dns must be one of the hosts a, not 'b'"],
    [{ networks: { lan: 'fd00::/64' }, hosts: onLan, dhcp: 'a' }, /config\.dhcp must be a host with an IPv4 address/],
    [{ networks: lan, hosts: onLan, domain: 'two words' }, /config\.domain must be a domain name/],
    [{ networks: lan, hosts: onLan, seed: -1 }, /config\.seed must be an integer/],
  ];

  it.each(cases)('%j', async (config, message) => {
    const before = holdings();
    const failure = await Lab.create(config as LabConfig).catch((error) => error);
    expect(failure.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(failure.code).toMatch(/^ERR_(INVALID_ARG_TYPE|INVALID_ARG_VALUE|OUT_OF_RANGE)$/);
    expect(holdings().children).toEqual(before.children);
  });

  it('and networks may be isolated on purpose', () => {
    const topology = new Topology({
      networks: { lan: '10.0.0.0/24', wan: { prefix: '10.0.1.0/24', isolated: true } },
      hosts: { a: 'lan', b: 'wan' },
    });
    expect(routesOf(topology, 'a')).toEqual([]);
    expect(topology.hostsTable(hostOf(topology, 'a'))).not.toContain('10.0.1');
  });
});
