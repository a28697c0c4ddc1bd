import { iothaddr, Stack } from 'ioth';
import { hasLibrary } from '../../../ffi/index.js';
import { readyLinkLocal } from '../../../lib/config/link-local.js';
import type { Child } from '../../support/child.js';
import { Network, stateOf } from '../../support/network.js';

/**
 * The same strings on both providers. A case has one expected state; where libiothconf leaves another, `native` says
 * which and why.
 */

const STATIC = 1;
const ETH = 2;
const DHCP = 4;
const DHCP6 = 8;
const RD = 16;

const MAC = '02:00:00:00:00:77';
const FQDN = 'host.example.org';
/** The server's reservation for MAC. */
const LEASE = '10.0.0.77/24';
/** Any address of DHCPv6: the server knows its clients by DUIDs, which are of the moment. */
const LEASE6 = 'fd00::/128';
const GATEWAY = '0.0.0.0/0 10.0.0.1';
const ROUTER6 = '::/0 ROUTER';
const DHCP_NAMES = 'search v4.org\nnameserver 10.0.0.1\n';
const DHCP6_NAMES = 'search v6.org\nnameserver fd00::1\n';
const BOTH_NAMES = 'search v6.org v4.org\nnameserver fd00::1\nnameserver 10.0.0.1\n';
/** RFC 8106: libiothconf does not read it. */
const RD_NAMES = 'search v6.org\nnameserver fd00::1\n';
const NO_RDNSS = { names: null, reason: 'libiothconf does not read RDNSS and DNSSL' };

interface State {
  mask: number;
  addresses: string[];
  routes: string[];
  /** What ioth_resolvconf answers last. */
  names: string | null;
  mac: string;
  up: boolean;
  error: string;
}

interface Case extends Partial<State> {
  config: string | string[];
  /** Whether the link has a router that advertises itself. */
  router?: boolean;
  native?: Partial<State> & { reason: string };
}

const CASES: Case[] = [
  { config: 'eth', mask: ETH },
  { config: '-eth', mask: 0, up: false },
  { config: ['-eth', 'eth'], mask: ETH },
  { config: 'eth,mac=02:00:00:00:00:99', mask: ETH, mac: '02:00:00:00:00:99' },
  { config: 'eth,macaddr=02-00-00-00-00-9a', mask: ETH, mac: '02:00:00:00:00:9a' },
  { config: `eth,fqdn=${FQDN}`, mask: ETH, mac: iothaddr.hashmac(FQDN) },
  { config: '', mask: 0 },

  { config: 'ip=10.0.0.9/16', mask: STATIC, addresses: ['10.0.0.9/16'] },
  { config: 'ip=10.0.0.9', mask: STATIC, addresses: ['10.0.0.9/24'] },
  { config: 'ip=fd00::9/48', mask: STATIC, addresses: ['fd00::9/48'] },
  { config: 'ip=fd00::9', mask: STATIC, addresses: ['fd00::9/64'] },
  {
    config: 'iface=vde0, ip="10.0.0.9/24" ,  dns=10.0.0.1',
    mask: STATIC,
    addresses: ['10.0.0.9/24'],
    names: 'nameserver 10.0.0.1\n',
  },
  { config: 'ifindex=IFINDEX,ip=10.0.0.9/24', mask: STATIC, addresses: ['10.0.0.9/24'] },
  {
    config: 'ip=10.0.0.9/24,ip=fd00::9/64,gw=10.0.0.1,gw=fd00::1',
    mask: STATIC,
    addresses: ['10.0.0.9/24', 'fd00::9/64'],
    routes: [GATEWAY, '::/0 fd00::1'],
  },
  {
    config: 'dns=10.0.0.1,dns=fd00::1,dns=10.0.0.2,domain=b.org,domain=a.org',
    mask: STATIC,
    names: 'search b.org a.org\nnameserver fd00::1\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n',
  },
  { config: ['ip=10.0.0.9/24', 'ip=10.0.0.9/24'], mask: STATIC, addresses: ['10.0.0.9/24'] },
  { config: ['ip=10.0.0.9/24,ip=10.0.0.10/24', '-ip=10.0.0.10/24'], mask: STATIC, addresses: ['10.0.0.9/24'] },
  { config: ['ip=10.0.0.9/24', '-ip=10.0.0.10/24'], mask: STATIC, addresses: ['10.0.0.9/24'] },
  { config: ['ip=fd00::9/64', '-ip=fd00::9/64'], mask: STATIC },
  { config: ['ip=10.0.0.9/24,gw=10.0.0.1', '-gw=10.0.0.1'], mask: STATIC, addresses: ['10.0.0.9/24'] },
  { config: ['ip=10.0.0.9/24,gw=10.0.0.1', '-static'], mask: 0 },
  { config: ['ip=10.0.0.9/24', '-static,ip=10.0.0.10/24'], mask: STATIC, addresses: ['10.0.0.10/24'] },
  {
    config: ['ip=10.0.0.9/24,ip=10.0.0.10/24', '-ip=10.0.0.9/24'],
    mask: STATIC,
    addresses: ['10.0.0.10/24'],
    native: {
      addresses: [],
      reason: 'the kernel drops the second address of a network with the first; C leaves it so',
    },
  },
  {
    config: ['dns=10.0.0.1,domain=a.org', '-dns=10.0.0.1'],
    mask: STATIC,
    names: 'search a.org\n',
    native: { names: null, reason: 'C answers null after a removal' },
  },
  {
    config: ['domain=a.org', '-domain=a.org'],
    mask: STATIC,
    names: '',
    native: { names: null, reason: 'C answers null after a removal' },
  },
  {
    config: 'gw=192.168.9.9',
    error: 'ENETUNREACH',
    native: { mask: STATIC, error: undefined, reason: 'C does not look at what the stack answers' },
  },
  {
    config: ['ip=10.0.0.9/24,ip=fd00::9/64,gw=10.0.0.1', '-eth', 'eth'],
    mask: ETH,
    addresses: ['10.0.0.9/24', 'fd00::9/64'],
    routes: [GATEWAY],
    native: { addresses: ['10.0.0.9/24'], routes: [], reason: 'C believes that all is there still' },
  },
  { config: ['ip=FD00:0::0009/64', '-ip=fd00::9/64'], mask: STATIC },
  { config: 'iface=vde7,eth', error: 'ENODEV' },

  { config: 'dhcp', mask: DHCP, addresses: [LEASE], routes: [GATEWAY], names: DHCP_NAMES },
  { config: 'dhcpv4', mask: DHCP, addresses: [LEASE], routes: [GATEWAY], names: DHCP_NAMES },
  {
    config: ['dhcp', 'dhcp4'],
    mask: DHCP,
    addresses: [LEASE],
    routes: [GATEWAY],
    native: {
      routes: [],
      reason: 'C takes the address off and puts it on again; the kernel drops its route meanwhile',
    },
  },
  {
    config: ['dhcp', '-dhcp'],
    mask: 0,
    names: '',
    native: { names: null, reason: 'C answers null after a removal' },
  },
  {
    config: 'ip=10.0.0.9/24,dhcp',
    mask: DHCP | STATIC,
    addresses: [LEASE, '10.0.0.9/24'],
    routes: [GATEWAY],
    names: DHCP_NAMES,
  },
  {
    config: 'ip=10.0.0.9/24,gw=10.0.0.2,dhcp',
    mask: DHCP | STATIC,
    addresses: [LEASE, '10.0.0.9/24'],
    routes: ['0.0.0.0/0 10.0.0.2'],
    names: DHCP_NAMES,
    native: { routes: [GATEWAY], reason: 'C adds static items last, and the gateway of DHCP is in their way' },
  },
  { config: 'dhcp6', mask: DHCP6, addresses: [LEASE6], names: DHCP6_NAMES },
  { config: `dhcpv6,fqdn=${FQDN}`, mask: DHCP6, addresses: [LEASE6], names: DHCP6_NAMES },
  {
    config: ['dhcp6', '-dhcpv6'],
    mask: 0,
    names: '',
    native: { names: null, reason: 'C answers null after a removal' },
  },
  {
    config: 'dhcp,dhcp6',
    mask: DHCP | DHCP6,
    addresses: [LEASE, LEASE6],
    routes: [GATEWAY],
    names: BOTH_NAMES,
  },
  { config: 'auto4', mask: ETH | DHCP, addresses: [LEASE], routes: [GATEWAY], names: DHCP_NAMES },
  {
    config: ['auto4', '-auto4'],
    mask: 0,
    up: false,
    names: '',
    native: { names: null, reason: 'C answers null after a removal' },
  },

  { config: 'rd', mask: RD, router: true, routes: [ROUTER6], names: RD_NAMES, native: NO_RDNSS },
  {
    config: 'rd6,slaac',
    mask: RD,
    router: true,
    addresses: ['fd00::ff:fe00:77/64'],
    routes: [ROUTER6],
    names: RD_NAMES,
    native: NO_RDNSS,
  },
  {
    config: `rd,slaac,fqdn=${FQDN}`,
    mask: RD,
    router: true,
    addresses: [`${iothaddr.hash('fd00::', FQDN)}/64`, 'fd00::ff:fe00:77/64'],
    routes: [ROUTER6],
    names: RD_NAMES,
    native: NO_RDNSS,
  },
  {
    config: 'auto6',
    mask: ETH | DHCP6 | RD,
    router: true,
    addresses: [LEASE6],
    routes: [ROUTER6],
    names: DHCP6_NAMES,
  },
  {
    config: 'auto,slaac',
    mask: ETH | DHCP | DHCP6 | RD,
    router: true,
    addresses: [LEASE, LEASE6, 'fd00::ff:fe00:77/64'],
    routes: [GATEWAY, ROUTER6],
    names: BOTH_NAMES,
  },
];

/** The kernel of a vdestack makes an address of a router's prefix by itself, some time after the link is up. */
const BY_KERNEL = 'fd00::ff:fe00:77/64';

const native = hasLibrary('iothconf');
if (!native)
  console.log('libiothconf is not on this machine (IOTH_LIBRARY_PATH): the builtin provider alone is tested');

let plain: Network;
let routed: Network;
let router = '';
let server: Child;

beforeAll(async () => {
  plain = new Network();
  routed = new Network();
  const dhcp = [
    '--dhcp-range=10.0.0.50,10.0.0.90,1h',
    `--dhcp-host=${MAC},10.0.0.77`,
    '--dhcp-option=option:dns-server,10.0.0.1',
    '--dhcp-option=option:domain-name,v4.org',
    '--dhcp-option=option6:dns-server,[fd00::1]',
    '--dhcp-option=option6:domain-search,v6.org',
  ];
  const addresses = ['10.0.0.1/24', 'fd00::1/64'];
  server = await plain.dnsmasq(plain.stack(...addresses), ...dhcp, '--dhcp-range=fd00::50,fd00::90,64,1h');
  const far = routed.stack(...addresses);
  router = far
    .interfaces()
    .find(({ name }) => name === 'vde0')!
    .addresses.find(({ scope }) => scope === 253)!.address;
  await routed.dnsmasq(far, ...dhcp, '--dhcp-range=fd00::50,fd00::90,slaac,64,1h', '--enable-ra');
});

afterAll(async () => {
  await plain.close();
  await routed.close();
});

describe.each<'builtin' | 'native'>(native ? ['builtin', 'native'] : ['builtin'])('%s', (provider) => {
  test.each(CASES.map((each): [string, Case] => [[each.config].flat().join(' · ') || 'nothing', each]))(
    '%s',
    async (_, each) => {
      const { reason: _reason, ...override } = (provider === 'native' && each.native) || { reason: '' };
      const expected: Partial<State> = {
        addresses: [],
        routes: [],
        names: null,
        mac: MAC,
        up: true,
        ...each,
        ...override,
      };
      const stack = new Stack('vdestack', (each.router ? routed : plain).vnl, null, { conf: provider });
      try {
        const found = await configure(stack, [each.config].flat());
        found.addresses = found.addresses.map((address) => address.replace(/^fd00::[5-9a-f]\w\/128$/, LEASE6)).sort();
        if (each.router) {
          found.addresses = found.addresses.filter((a) => a !== BY_KERNEL || expected.addresses?.includes(a));
          found.routes = found.routes.map((route) => route.replace(router, 'ROUTER'));
        }
        expect(found).toEqual({
          mask: expected.error ? undefined : expected.mask,
          addresses: expected.error ? [] : [...expected.addresses!].sort(),
          routes: [...expected.routes!].sort(),
          names: expected.names,
          mac: expected.mac,
          up: expected.up,
          error: expected.error,
        });
      } finally {
        await stack.close();
      }
    },
  );
});

test('the table is long enough, and its server saw the fqdn', async () => {
  expect(CASES.length).toBeGreaterThanOrEqual(25);
  await server.logs(/client provides name: host\.example\.org/);
});

async function configure(stack: Stack, configs: string[]) {
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetaddr(ifindex, MAC);
  stack.linksetupdown(ifindex, true);
  // C does not wait for it without 'eth', with which it sleeps for a second
  readyLinkLocal(stack, ifindex);
  let mask: number | undefined;
  let error: string | undefined;
  let names: string | null = null;
  for (const config of configs) {
    try {
      mask = await stack.iothconfig(config.replace('IFINDEX', String(ifindex)), { timeout: 12_000 });
    } catch (failure) {
      error = (failure as { code: string }).code;
    }
    names = stack.ioth_resolvconf();
  }
  const link = stack.interfaces().find(({ name }) => name === 'vde0')!;
  return { mask, error, names, mac: link.mac, up: link.up, ...stateOf(stack) };
}
