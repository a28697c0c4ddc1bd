import { inspect } from 'node:util';
import { AF_INET, AF_INET6, type InterfaceRef, type Stack } from 'ioth';
import { ip } from '../../support/namespace.js';
import { useNetwork } from '../../support/network.js';

interface IpLink {
  flags: string[];
  mtu: number;
  address: string;
}
interface IpAddr {
  addr_info: { family: string; local: string; prefixlen: number; nodad?: boolean }[];
}
interface IpRoute {
  dst: string;
  gateway?: string;
  via?: { family: string; host: string };
  dev: string;
  metric?: number;
  metrics?: { mtu: number }[];
  protocol?: string;
  scope?: string;
  prefsrc?: string;
  pref?: string;
  flags: string[];
}

const net = useNetwork(1);
let stack: Stack;
let vde: number;
beforeAll(() => {
  stack = net.stacks[0]!;
  vde = stack.if_nametoindex('vde0');
});

const pid = () => stack.daemonPid as number;
const ipLink = (name: string) => ip<IpLink>(pid(), 'link', 'show', name)[0];
const ipAddress = (local: string) =>
  ip<IpAddr>(pid(), 'address', 'show', 'vde0')[0]?.addr_info.find((each) => each.local === local);
const ipRoute = (version: '-4' | '-6', dst: string, metric?: number) =>
  ip<IpRoute>(pid(), '-details', version, 'route').find(
    (route) => route.dst === dst && (metric === undefined || route.metric === metric),
  );
const withCode = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const VALUE = 'ERR_INVALID_ARG_VALUE';
const TYPE = 'ERR_INVALID_ARG_TYPE';
const RANGE = 'ERR_OUT_OF_RANGE';
const bad = <T>(value: unknown) => value as T;

describe('an interface by its name', () => {
  test('links', () => {
    stack.linksetupdown('lo', false);
    expect(ipLink('lo')?.flags).not.toContain('UP');
    stack.linksetupdown('lo', true);
    expect(ipLink('lo')?.flags).toContain('UP');
    stack.linksetaddr('vde0', '02:00:00:0a:0b:0c');
    expect(ipLink('vde0')?.address).toBe('02:00:00:0a:0b:0c');
    expect(stack.linkgetaddr('vde0')).toBe('02:00:00:0a:0b:0c');
    stack.linksetmtu('vde0', 1400);
    expect(ipLink('vde0')?.mtu).toBe(1400);
    stack.linksetmtu('vde0', 1500);
  });

  test('a link that goes, by name and by index', () => {
    stack.iplink_add(-1, 'bridge', [], 'br0');
    stack.iplink_del('br0');
    const index = stack.iplink_add(-1, 'bridge', [], 'br1');
    stack.iplink_del(index);
    expect(stack.if_nameindex().map(([, name]) => name)).toEqual(['lo', 'vde0']);
    expect(() => stack.iplink_del('vde0')).toThrow(withCode('EBUSY', /vde0 joins the stack to its network/));
  });

  test('a name of digits is a name', () => {
    const index = stack.iplink_add(-1, 'bridge', [], '1');
    stack.linksetmtu('1', 1300);
    expect(ipLink('1')?.mtu).toBe(1300);
    expect(ipLink('lo')?.mtu).not.toBe(1300);
    stack.iplink_del('1');
    expect(stack.if_nameindex().map(([each]) => each)).not.toContain(index);
  });

  test('addresses and routes as in C', () => {
    stack.ipaddr_add(AF_INET, '10.1.0.1', 16, 'vde0');
    expect(ipAddress('10.1.0.1')).toMatchObject({ prefixlen: 16 });
    stack.iproute_add(AF_INET, null, '10.9.0.0', 16, 'vde0');
    expect(ipRoute('-4', '10.9.0.0/16')).toMatchObject({ dev: 'vde0', scope: 'link' });
    stack.iproute_del(AF_INET, null, '10.9.0.0', 16, 'vde0');
    expect(ipRoute('-4', '10.9.0.0/16')).toBeUndefined();
    stack.ipaddr_del(AF_INET, '10.1.0.1', 16, 'vde0');
    expect(ipAddress('10.1.0.1')).toBeUndefined();
  });

  const CALLS: [string, (which: InterfaceRef) => unknown][] = [
    ['linksetupdown', (which) => stack.linksetupdown(which, true)],
    ['linkgetaddr', (which) => stack.linkgetaddr(which)],
    ['linksetaddr', (which) => stack.linksetaddr(which, '02:00:00:00:00:01')],
    ['linksetmtu', (which) => stack.linksetmtu(which, 1500)],
    ['iplink_del', (which) => stack.iplink_del(which)],
    ['ipaddr_add', (which) => stack.ipaddr_add(AF_INET, '10.3.0.1', 24, which)],
    ['ipaddr_add of a text', (which) => stack.ipaddr_add('10.3.0.1/24', which)],
    ['ipaddr_del', (which) => stack.ipaddr_del('10.3.0.1/24', which)],
    ['iproute_add', (which) => stack.iproute_add(AF_INET, null, '10.4.0.0', 16, which)],
    ['iproute_add of a text', (which) => stack.iproute_add(`10.4.0.0/16 dev ${which}`)],
    ['iproute_del', (which) => stack.iproute_del(AF_INET, null, '10.4.0.0', 16, which)],
  ];

  test.each(CALLS)('%s: one that there is not, and what is no name', (_, call) => {
    expect(() => call('eth7')).toThrow(withCode('ENODEV', /no interface is named 'eth7'/));
    expect(() => call('a/b')).toThrow(withCode(VALUE, /interface name: 1 to 15 bytes/));
  });

  test.each(CALLS.filter(([name]) => !name.endsWith('text')))('%s: neither number nor name', (_, call) => {
    expect(() => call(bad({}))).toThrow(expect.objectContaining({ name: 'TypeError' }));
    expect(() => call(bad(null))).toThrow(withCode(TYPE));
    expect(() => call('a\0b')).toThrow(withCode(VALUE, /NUL/));
    expect(() => call(-1)).toThrow(withCode(RANGE, /ifindex/));
  });

  test('the other arguments are checked before the stack is asked for the name', () => {
    expect(() => stack.linksetmtu('eth7', 1)).toThrow(withCode(RANGE, /mtu/));
    expect(() => stack.linksetaddr('eth7', 'x')).toThrow(withCode(VALUE, /MAC/));
    expect(() => stack.linksetupdown('eth7', bad('yes'))).toThrow(withCode(TYPE, /up/));
    expect(() => stack.ipaddr_add('10.0.0.300/24', 'eth7')).toThrow(withCode(VALUE, /addr/));
    expect(() => stack.ipaddr_add('10.0.0.3/24', 'eth7', bad({ dat: true }))).toThrow(withCode(TYPE, /dat/));
    expect(() => stack.iproute_add(AF_INET, 'x', null, 0, 'eth7')).toThrow(withCode(VALUE, /addr/));
  });
});

describe("an address as '10.0.0.1/24'", () => {
  test('IPv4 and IPv6, added and deleted', () => {
    stack.ipaddr_add('10.1.0.1/16', 'vde0');
    stack.ipaddr_add('fd00:1::1/64', vde);
    stack.ipaddr_add('fd00:1::2/128', vde, { dad: true });
    expect(ipAddress('10.1.0.1')).toMatchObject({ family: 'inet', prefixlen: 16 });
    expect(ipAddress('fd00:1::1')).toMatchObject({ family: 'inet6', prefixlen: 64, nodad: true });
    expect(ipAddress('fd00:1::2')).toMatchObject({ prefixlen: 128 });
    expect(ipAddress('fd00:1::2')?.nodad).toBeUndefined();
    expect(() => stack.ipaddr_add('10.1.0.1/16', 'vde0')).toThrow(
      withCode('EEXIST', /interface vde0 already has 10\.1\.0\.1\/16/),
    );
    for (const each of ['10.1.0.1/16', 'fd00:1::1/64', 'fd00:1::2/128']) stack.ipaddr_del(each, 'vde0');
    for (const each of ['10.1.0.1', 'fd00:1::1', 'fd00:1::2']) expect(ipAddress(each)).toBeUndefined();
    expect(() => stack.ipaddr_del('10.1.0.1/16', 'vde0')).toThrow(withCode('EADDRNOTAVAIL', /interface vde0 does not/));
  });

  test.each<[string, string, string, RegExp]>([
    ['no length', '10.0.0.1', VALUE, /prefix length such as '10\.0\.0\.1\/24'/],
    ['no address', '/24', VALUE, /such as/],
    ['a name', 'host/24', VALUE, /such as/],
    ['another family name', 'IPv4', VALUE, /such as/],
    ['a zone', 'fe80::1%vde0/64', VALUE, /addr must be an IPv6 address/],
    ['a length of letters', '10.0.0.1/x', RANGE, /prefixlen .*0 to 32/],
    ['an empty length', '10.0.0.1/', RANGE, /prefixlen/],
    ['a negative length', '10.0.0.1/-1', RANGE, /prefixlen/],
    ['a netmask', '10.0.0.1/255.255.255.0', RANGE, /prefixlen/],
    ['a long length', '10.0.0.1/33', RANGE, /0 to 32/],
    ['a long length of IPv6', 'fd00::1/129', RANGE, /0 to 128/],
    ['white space', ' 10.0.0.1/24', VALUE, /such as/],
    ['a NUL', '10.0.0.1/24\0', VALUE, /NUL/],
  ])('%s', (_, text, code, message) => {
    expect(() => stack.ipaddr_add(text, 'vde0')).toThrow(withCode(code, message));
    expect(() => stack.ipaddr_del(text, 'vde0')).toThrow(withCode(code, message));
  });

  test('no interface', () => {
    expect(() => stack.ipaddr_add('10.0.0.1/24', bad(undefined))).toThrow(
      withCode(TYPE, /ifindex .*index or the name/),
    );
  });
});

describe('a route in the words of ip-route(8)', () => {
  test.each<[string, '-4' | '-6', string, Partial<IpRoute>]>([
    ['default via 10.0.0.254', '-4', 'default', { gateway: '10.0.0.254', dev: 'vde0', protocol: 'boot' }],
    ['to default via 10.0.0.254 dev vde0', '-4', 'default', { gateway: '10.0.0.254' }],
    ['0.0.0.0/0 via 10.0.0.254', '-4', 'default', { gateway: '10.0.0.254' }],
    ['default dev vde0', '-4', 'default', { dev: 'vde0', scope: 'link' }],
    ['10.2.0.0/16 via 10.0.0.254 dev vde0 metric 5', '-4', '10.2.0.0/16', { gateway: '10.0.0.254', metric: 5 }],
    ['  10.2.0.0/16\n\tmetric 7   via inet 10.0.0.254', '-4', '10.2.0.0/16', { gateway: '10.0.0.254', metric: 7 }],
    ['10.2.0.0/16 dev vde0 priority 4294967295', '-4', '10.2.0.0/16', { metric: 4294967295 }],
    ['10.2.0.0/16 dev vde0 mtu 1400', '-4', '10.2.0.0/16', { metrics: [{ mtu: 1400 }] }],
    ['10.2.0.7 via 10.0.0.254', '-4', '10.2.0.7', { gateway: '10.0.0.254' }],
    [
      '10.2.0.0/16 dev vde0 src 10.0.0.1 proto static',
      '-4',
      '10.2.0.0/16',
      { prefsrc: '10.0.0.1', protocol: 'static' },
    ],
    ['10.2.0.0/16 dev vde0 proto 201 scope 100', '-4', '10.2.0.0/16', { protocol: '201', scope: '100' }],
    ['10.2.0.0/16 dev vde0 scope global', '-4', '10.2.0.0/16', { scope: 'global' }],
    ['10.2.0.0/16 via 192.0.2.1 dev vde0 onlink', '-4', '10.2.0.0/16', { gateway: '192.0.2.1', flags: ['onlink'] }],
    ['default via inet6 fd00::9 dev vde0', '-4', 'default', { via: { family: 'inet6', host: 'fd00::9' } }],
    ['default via fd00::fe', '-6', 'default', { gateway: 'fd00::fe', dev: 'vde0' }],
    [
      'default via fe80::1 dev vde0 metric 9 pref high',
      '-6',
      'default',
      { gateway: 'fe80::1', metric: 9, pref: 'high' },
    ],
    ['::/0 dev vde0', '-6', 'default', { dev: 'vde0' }],
    ['default dev vde0 src fd00::1', '-6', 'default', { prefsrc: 'fd00::1' }],
    ['fd00:2::/64 dev vde0', '-6', 'fd00:2::/64', { dev: 'vde0', protocol: 'boot' }],
    ['fd00:2::7 via inet6 fd00::9', '-6', 'fd00:2::7', { gateway: 'fd00::9' }],
  ])('%s', (text, version, dst, expected) => {
    stack.iproute_add(text);
    expect(ipRoute(version, dst)).toMatchObject(expected);
    expect(() => stack.iproute_add(text)).toThrow(withCode('EEXIST', /routes\(\) lists them/));
    stack.iproute_del(text);
    expect(ipRoute(version, dst)).toBeUndefined();
    expect(() => stack.iproute_del(text)).toThrow(withCode('ESRCH', /no such route/));
  });

  test('what is left out stands for any, and the metric chooses between two', () => {
    stack.iproute_add('10.2.0.0/16 via 10.0.0.254 metric 5');
    stack.iproute_add('10.2.0.0/16 via 10.0.0.254 metric 6');
    stack.iproute_del('10.2.0.0/16 metric 6');
    expect(ipRoute('-4', '10.2.0.0/16', 5)).toBeDefined();
    expect(ipRoute('-4', '10.2.0.0/16', 6)).toBeUndefined();
    stack.iproute_del('10.2.0.0/16');
    expect(ipRoute('-4', '10.2.0.0/16')).toBeUndefined();
  });

  test('what routes() prints can be added again', () => {
    stack.iproute_add('10.2.0.0/16 via 10.0.0.254 src 10.0.0.1 metric 5 proto dhcp');
    stack.iproute_add('fd00:2::/64 via fd00::9 proto ra metric 7 pref low');
    const before = stack.routes();
    const own = inspect(before)
      .split('\n')
      .filter((line) => !line.includes('proto kernel'));
    expect(own).toHaveLength(2);
    for (const line of own) stack.iproute_del(line);
    expect(stack.routes()).toHaveLength(before.length - 2);
    for (const line of own) stack.iproute_add(line);
    expect(stack.routes()).toEqual(before);
    for (const line of own) stack.iproute_del(line);
  });

  test.each<[string, string, RegExp]>([
    ['nothing', '', /begins with 'default' or a network/],
    ['a gateway first', 'via 10.0.0.254', /begins with .* not 'via'/],
    ['a type', 'blackhole 10.2.0.0/16', /not 'blackhole'/],
    ['a host name', 'host via 10.0.0.254', /not 'host'/],
    ['a destination with a zone', 'fe80::1%vde0 dev vde0', /not 'fe80::1%vde0'/],
    ['a table', 'default via 10.0.0.254 table 5', /any of the words via, dev.*, not 'table'/],
    ['a name of Object.prototype', 'default constructor x', /not 'constructor'/],
    ['several gateways', 'default nexthop via 10.0.0.254', /not 'nexthop'/],
    ['two destinations', 'default 10.2.0.0/16 dev vde0', /not '10\.2\.0\.0\/16'/],
    ['a word twice', 'default dev vde0 dev vde0', /'dev' once/],
    ['a word twice, by its other name', 'default dev vde0 metric 1 priority 2', /'metric' once/],
    ['nothing after a word', 'default via', /something after 'via'/],
    ['nothing after a family', 'default via inet6', /something after 'via'/],
    ['a long prefix', '10.2.0.0/33 dev vde0', /0 to 32 bits/],
    ['a prefix of letters', 'fd00::/x dev vde0', /0 to 128 bits/],
    ['an empty prefix', '10.2.0.0/ dev vde0', /0 to 32 bits/],
    ['a gateway of another family', '10.2.0.0/16 via fd00::9', /'via' of route must be an IPv4 address/],
    [
      'a gateway of no family that it can be',
      'fd00:2::/64 via inet 10.0.0.1',
      /'via' of route must be an IPv6 address/,
    ],
    ['a gateway with a zone', 'default via fe80::1%vde0', /'via' of route .*, not 'fe80::1%vde0'/],
    ['a source of another family', '10.2.0.0/16 dev vde0 src fd00::1', /'src' of route must be an IPv4 address/],
    ['a source of another family than the gateway', 'default via 10.0.0.1 src fd00::1', /'src' of route/],
    ['no number', 'default dev vde0 metric x', /'metric' of route must be a number from 0 to 4294967295/],
    ['a negative number', 'default dev vde0 metric -1', /'metric' of route/],
    ['a large number', 'default dev vde0 metric 4294967296', /'metric' of route/],
    ['no protocol', 'default dev vde0 proto nosuch', /'proto' of route must be .*kernel.*0 to 255/],
    ['a large protocol', 'default dev vde0 proto 256', /'proto' of route/],
    ['no scope', 'default dev vde0 scope toString', /'scope' of route/],
    ['no preference', 'default dev vde0 pref 1', /'pref' of route must be one of low, medium, high/],
    ['no interface name', 'default dev a/b', /'dev' of route must be an interface name/],
    ['a NUL', 'default dev vde0\0', /NUL/],
  ])('%s', (_, text, message) => {
    expect(() => stack.iproute_add(text)).toThrow(withCode(VALUE, message));
    expect(() => stack.iproute_del(text)).toThrow(withCode(VALUE, message));
  });

  test('no way to go', () => {
    expect(() => stack.iproute_add('10.2.0.0/16 metric 5')).toThrow(withCode(VALUE, /'via' or 'dev'/));
  });

  test('nothing may stand beside it', () => {
    const untyped = stack as unknown as { iproute_add(...args: unknown[]): void };
    expect(() => untyped.iproute_add('default', '10.0.0.254')).toThrow(withCode(TYPE, /AF_INET .*one string/));
    untyped.iproute_add('default via 10.0.0.254', undefined);
    stack.iproute_del(AF_INET, '10.0.0.254');
    expect(() => untyped.iproute_add()).toThrow(withCode(TYPE, /AF_INET/));
  });

  test('what the kernel refuses: a network with bits of a host, a gateway that nothing reaches', () => {
    expect(() => stack.iproute_add('10.2.0.1/16 dev vde0')).toThrow(withCode('EINVAL', /prefix/));
    expect(() => stack.iproute_add('default via 192.0.2.1')).toThrow(
      withCode('ENETUNREACH', /no address .* 192\.0\.2\.1/),
    );
    expect(stack.routes(AF_INET6).length).toBeGreaterThan(0);
  });
});
