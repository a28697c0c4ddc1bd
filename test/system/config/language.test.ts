import fc from 'fast-check';
import { AF_INET, AF_INET6, IOTHCONF_DHCP, IOTHCONF_DHCPV6, IOTHCONF_ETH, IOTHCONF_RD, IOTHCONF_STATIC } from 'ioth';
import { asksNetwork, type ConfigRequest, isStackConfig, parseConfig } from '../../../lib/config/language.js';
import { FUZZ_RUNS } from '../../support/fuzz.js';

const AUTO = IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_DHCPV6 | IOTHCONF_RD;

test.each([
  ['eth', IOTHCONF_ETH],
  ['dhcp', IOTHCONF_DHCP],
  ['dhcp4', IOTHCONF_DHCP],
  ['dhcpv4', IOTHCONF_DHCP],
  ['dhcp6', IOTHCONF_DHCPV6],
  ['dhcpv6', IOTHCONF_DHCPV6],
  ['rd', IOTHCONF_RD],
  ['rd6', IOTHCONF_RD],
  ['auto', AUTO],
  ['auto4', IOTHCONF_ETH | IOTHCONF_DHCP],
  ['autov4', IOTHCONF_ETH | IOTHCONF_DHCP],
  ['auto6', IOTHCONF_ETH | IOTHCONF_DHCPV6 | IOTHCONF_RD],
  ['autov6', IOTHCONF_ETH | IOTHCONF_DHCPV6 | IOTHCONF_RD],
])('%s and its form with a minus', (item, mask) => {
  expect(parseConfig(item)).toMatchObject({ configure: mask, clean: 0 });
  expect(parseConfig(`-${item}`)).toMatchObject({ configure: 0, clean: mask });
});

test('-static and -all have no form without the minus', () => {
  expect(parseConfig('-static').clean).toBe(IOTHCONF_STATIC);
  expect(parseConfig('-all').clean).toBe(AUTO);
  expect(() => parseConfig('static')).toThrow("config item 'static'");
  expect(() => parseConfig('all')).toThrow("config item 'all'");
});

test('the static items keep their order', () => {
  const { statics, configure } = parseConfig(
    'ip=10.0.0.1/8,ip=10.0.0.2,-ip=10.0.0.1/8,ip=fd00::1,gw=10.0.0.254,-gw=fe80::1,dns=1.2.3.4,domain=example.org.',
  );
  expect(configure).toBe(IOTHCONF_STATIC);
  expect(statics).toEqual([
    { item: 'ip', remove: false, family: AF_INET, address: '10.0.0.1', prefixlen: 8 },
    { item: 'ip', remove: false, family: AF_INET, address: '10.0.0.2', prefixlen: 24 },
    { item: 'ip', remove: true, family: AF_INET, address: '10.0.0.1', prefixlen: 8 },
    { item: 'ip', remove: false, family: AF_INET6, address: 'fd00::1', prefixlen: 64 },
    { item: 'gw', remove: false, family: AF_INET, address: '10.0.0.254' },
    { item: 'gw', remove: true, family: AF_INET6, address: 'fe80::1' },
    { item: 'dns', remove: false, family: AF_INET, address: '1.2.3.4' },
    { item: 'domain', remove: false, name: 'example.org' },
  ]);
});

test('spaces around items are forgiven, quotes protect', () => {
  const request = parseConfig(' iface=vde1 , eth,  mac="10:A1:b2:c3:d4:5" , fqdn=\'host.example.org\',slaac,debug ');
  expect(request).toEqual({
    iface: 'vde1',
    mac: '10:a1:b2:c3:d4:05',
    fqdn: 'host.example.org',
    configure: IOTHCONF_ETH,
    clean: 0,
    slaac: true,
    heedsRouter: false,
    noroutes: false,
    nonames: false,
    debug: true,
    statics: [],
  } satisfies ConfigRequest);
});

test('stack and vnl belong to newstackc alone', () => {
  const text = 'stack=vdestack,vnl=vde:///tmp/sw[1/600],eth';
  expect(parseConfig(text, 'newstackc')).toMatchObject({ stack: 'vdestack', vnl: 'vde:///tmp/sw[1/600]' });
  expect(() => parseConfig(text)).toThrow("config item 'stack=vdestack'");
  expect(isStackConfig(text)).toBe(true);
  expect(isStackConfig('vdestack')).toBe(false);
  expect(isStackConfig('vdestack,vde0=option')).toBe(false);
});

test('resolvconf takes the interface alone', () => {
  expect(parseConfig('iface=vde1,ifindex=7', 'resolvconf')).toMatchObject({ iface: 'vde1', ifindex: 7 });
  expect(() => parseConfig('eth', 'resolvconf')).toThrow("config item 'eth'");
});

test('asksNetwork tells which requests wait for others', () => {
  expect(asksNetwork(parseConfig('eth,ip=10.0.0.1/24,-dhcp'))).toBe(false);
  expect(['dhcp', 'dhcp6', 'rd', 'auto'].every((item) => asksNetwork(parseConfig(item)))).toBe(true);
});

test.each([
  'foo',
  'Eth',
  'eth=1',
  '-eth=1',
  'constructor',
  '-toString',
  '-slaac',
  '-mac',
  'slaac=1',
  'iface',
  'iface=',
  'iface=a-name-too-long-for-linux',
  'iface=a/b',
  'ifindex',
  'ifindex=0',
  'ifindex=x',
  'ifindex=-1',
  'ifindex=2147483648',
  'fqdn',
  'fqdn=',
  'fqdn=a..b',
  "fqdn='a b'",
  `fqdn=${'a'.repeat(64)}.org`,
  `fqdn=${'abcd.'.repeat(60)}org`,
  'mac',
  'mac=1:2:3',
  'mac=01:02:03:04:05:06',
  'mac=10:a1:b2-c3:d4:e5',
  'mac=10:a1:b2:c3:d4:g5',
  'ip',
  '-ip',
  'ip=',
  'ip=10.0.0',
  'ip=10.0.0.256/24',
  'ip=010.0.0.1/24',
  'ip=10.0.0.1/0',
  'ip=10.0.0.1/33',
  'ip=10.0.0.1/',
  'ip=10.0.0.1/24/24',
  'ip=10.0.0.1/2x',
  'ip=fd00::1/129',
  'ip=fe80::1%vde0/64',
  'gw',
  'gw=10.0.0.1/24',
  'dns=example.org',
  '-dns',
  'domain',
  'domain=.',
  "domain='a\nb'",
  "''",
])('%j is an error that names the item', (item) => {
  const code = 'ERR_INVALID_ARG_VALUE';
  const named = expect.stringContaining(`config item '${item.replaceAll(/'/g, '')}'`);
  expect(() => parseConfig(`eth,${item},dhcp`)).toThrow(expect.objectContaining({ code, message: named }));
});

test('what is no string is refused by type', () => {
  expect(() => parseConfig(1 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  expect(() => parseConfig('eth\0')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
});

test('any text is a request or an error of ours', () => {
  const words = [
    'eth',
    'ip=',
    '-',
    'dns=',
    '10.0.0.1',
    '/24',
    'fd00::',
    ',',
    "'",
    '"',
    '\\',
    '#',
    'mac=',
    'domain=',
    '=',
  ];
  const soup = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string(), soup), (text) => {
      try {
        parseConfig(text, 'newstackc');
      } catch (error) {
        return (error as { code?: string }).code === 'ERR_INVALID_ARG_VALUE';
      }
      return true;
    }),
    { numRuns: FUZZ_RUNS },
  );
});
