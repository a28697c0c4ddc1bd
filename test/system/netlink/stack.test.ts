import { readdirSync } from 'node:fs';
import { AF_INET, AF_INET6, VETH_INFO_PEER } from 'ioth';
import { libioth } from '../../../ffi/index.js';
import * as netlink from '../../../lib/netlink/index.js';
import { ip, newRawStack, type RawStack } from '../../support/namespace.js';

interface IpLink {
  ifindex: number;
  ifname: string;
  flags: string[];
  mtu: number;
  address: string;
  link?: string;
  master?: string;
  linkinfo?: { info_kind: string };
}
interface IpAddr {
  addr_info: { family: string; local: string; prefixlen: number; nodad?: boolean; tentative?: boolean }[];
}
interface IpRoute {
  dst: string;
  gateway?: string;
  dev: string;
}

let raw: RawStack;
let stack: RawStack['stack'];
let vde: number;
const descriptors = () => readdirSync('/proc/self/fd').length;
let descriptorsBefore: number;

beforeAll(() => {
  raw = newRawStack();
  stack = raw.stack;
  vde = netlink.if_nametoindex(stack, 'vde0');
  descriptorsBefore = descriptors();
});
afterAll(() => {
  const descriptorsAfter = descriptors();
  // EBUSY were a socket left open
  expect(libioth().delstack(stack)).toBe(0);
  expect(descriptorsAfter).toBe(descriptorsBefore);
});

const ipLink = (name: string) => ip<IpLink>(raw.pid, '-details', 'link', 'show', name)[0] as IpLink;
const ipAddresses = (name: string) => ip<IpAddr>(raw.pid, 'address', 'show', name)[0]?.addr_info ?? [];
const ipRoutes = (version: '-4' | '-6') => ip<IpRoute>(raw.pid, version, 'route');
const interfaceOf = (name: string) => {
  const found = netlink.interfaces(stack).find((each) => each.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const withCode = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('links', () => {
  test('names and indexes', () => {
    expect(netlink.if_nameindex(stack)).toEqual([
      [1, 'lo'],
      [vde, 'vde0'],
    ]);
    expect(netlink.if_indextoname(stack, vde)).toBe('vde0');
    expect(ipLink('vde0').ifindex).toBe(vde);
  });

  test('up and down', () => {
    netlink.linksetupdown(stack, vde, true);
    expect(ipLink('vde0').flags).toContain('UP');
    expect(interfaceOf('vde0')).toMatchObject({ up: true, running: true, type: 1 });
    netlink.linksetupdown(stack, vde, false);
    expect(ipLink('vde0').flags).not.toContain('UP');
    expect(interfaceOf('vde0').up).toBe(false);
  });

  test.each(['02:00:00:0a:0b:0c', Buffer.from('02000000000d', 'hex')])('MAC %p', (mac) => {
    netlink.linksetaddr(stack, vde, mac);
    const text = typeof mac === 'string' ? mac : '02:00:00:00:00:0d';
    expect(ipLink('vde0').address).toBe(text);
    expect(netlink.linkgetaddr(stack, vde)).toBe(text);
    expect(interfaceOf('vde0').mac).toBe(text);
  });

  test('MTU', () => {
    netlink.linksetmtu(stack, vde, 1280);
    expect(ipLink('vde0').mtu).toBe(1280);
    expect(interfaceOf('vde0').mtu).toBe(1280);
    netlink.linksetmtu(stack, vde, 1500);
  });

  test('a bridge, of any index and of a given one', () => {
    const any = netlink.iplink_add(stack, -1, 'bridge');
    expect(ipLink('bridge0')).toMatchObject({ ifindex: any, linkinfo: { info_kind: 'bridge' } });
    expect(netlink.iplink_add(stack, 300, 'bridge', null, 'br-300')).toBe(300);
    expect(interfaceOf('br-300')).toMatchObject({ ifindex: 300, kind: 'bridge' });
    expect(netlink.iplink_add(stack, -1, 'bridge')).toBe(netlink.if_nametoindex(stack, 'bridge1'));
    for (const ifname of ['bridge0', 'bridge1']) netlink.iplink_del(stack, { ifname });
    netlink.iplink_del(stack, { ifindex: 300 });
    expect(netlink.if_nameindex(stack)).toHaveLength(2);
  });

  test('data of a kind: a bridge with its own ageing time', () => {
    // IFLA_BR_AGEING_TIME = 4, in hundredths of a second
    netlink.iplink_add(stack, -1, 'bridge', [[4, 4200]], 'br0');
    const [link] = ip<{ linkinfo: { info_data: { ageing_time: number } } }>(raw.pid, '-details', 'link', 'show', 'br0');
    expect(link?.linkinfo.info_data.ageing_time).toBe(4200);
    netlink.iplink_del(stack, { ifname: 'br0' });
  });

  test('a veth pair', () => {
    const data = [[VETH_INFO_PEER, netlink.vethPeer('right')]] as const;
    const left = netlink.iplink_add(stack, -1, 'veth', data, 'left');
    expect(ipLink('left')).toMatchObject({ ifindex: left, link: 'right', linkinfo: { info_kind: 'veth' } });
    const right = interfaceOf('right');
    expect(right).toMatchObject({ kind: 'veth', link: left });
    expect(interfaceOf('left').link).toBe(right.ifindex);
    netlink.iplink_del(stack, { ifname: 'right' });
    expect(netlink.if_nameindex(stack)).toHaveLength(2);
  });

  test('enough links for a dump of several datagrams', () => {
    const count = 60;
    for (let i = 0; i < count; i++) netlink.iplink_add(stack, -1, 'bridge', null, `many${i}`);
    const names = netlink.if_nameindex(stack).map(([, name]) => name);
    expect(names.filter((name) => name.startsWith('many'))).toHaveLength(count);
    for (let i = 0; i < count; i++) netlink.iplink_del(stack, { ifname: `many${i}` });
    expect(netlink.if_nameindex(stack)).toHaveLength(2);
  });
});

describe('addresses', () => {
  beforeAll(() => netlink.linksetupdown(stack, vde, true));

  test('IPv4', () => {
    netlink.ipaddr_add(stack, AF_INET, '10.1.0.1', 24, vde);
    expect(ipAddresses('vde0')).toContainEqual(
      expect.objectContaining({ family: 'inet', local: '10.1.0.1', prefixlen: 24 }),
    );
    expect(interfaceOf('vde0').addresses).toContainEqual(
      expect.objectContaining({ family: 'IPv4', address: '10.1.0.1', prefixlen: 24, scope: 0, label: 'vde0' }),
    );
    netlink.ipaddr_del(stack, AF_INET, '10.1.0.1', 24, vde);
    expect(ipAddresses('vde0').filter(({ family }) => family === 'inet')).toEqual([]);
    expect(interfaceOf('vde0').addresses.filter(({ family }) => family === 'IPv4')).toEqual([]);
  });

  test('IPv6 without and with duplicate address detection', () => {
    netlink.ipaddr_add(stack, AF_INET6, 'fc00:1::1', 64, vde);
    netlink.ipaddr_add(stack, AF_INET6, 'fc00:1::2', 64, vde, { dad: true });
    const listed = ipAddresses('vde0');
    expect(listed.find(({ local }) => local === 'fc00:1::1')).toMatchObject({ prefixlen: 64, nodad: true });
    expect(listed.find(({ local }) => local === 'fc00:1::2')?.nodad).toBeUndefined();
    const found = interfaceOf('vde0').addresses;
    expect(found).toContainEqual(expect.objectContaining({ family: 'IPv6', address: 'fc00:1::1', tentative: false }));
    expect(found).toContainEqual(expect.objectContaining({ address: 'fc00:1::2', prefixlen: 64 }));
    for (const addr of ['fc00:1::1', 'fc00:1::2']) netlink.ipaddr_del(stack, AF_INET6, addr, 64, vde);
    expect(ipAddresses('vde0').filter(({ local }) => local.startsWith('fc00'))).toEqual([]);
  });

  test('a peer and a broadcast address made by others', () => {
    ip(raw.pid, 'address', 'add', '10.1.1.1', 'peer', '10.1.1.2/32', 'dev', 'vde0');
    ip(raw.pid, 'address', 'add', '10.1.2.1/24', 'broadcast', '+', 'dev', 'vde0');
    const found = interfaceOf('vde0').addresses;
    expect(found).toContainEqual(expect.objectContaining({ address: '10.1.1.1', peer: '10.1.1.2', prefixlen: 32 }));
    expect(found).toContainEqual(expect.objectContaining({ address: '10.1.2.1', broadcast: '10.1.2.255' }));
    const entries = netlink.getifaddrs(stack);
    expect(entries).toContainEqual(
      expect.objectContaining({
        name: 'vde0',
        addr: { family: 'IPv4', address: '10.1.2.1', port: 0 },
        netmask: { family: 'IPv4', address: '255.255.255.0', port: 0 },
        broadaddr: { family: 'IPv4', address: '10.1.2.255', port: 0 },
      }),
    );
    expect(entries.find(({ dstaddr }) => dstaddr)?.dstaddr?.address).toBe('10.1.1.2');
    ip(raw.pid, 'address', 'del', '10.1.1.1', 'peer', '10.1.1.2/32', 'dev', 'vde0');
    netlink.ipaddr_del(stack, AF_INET, '10.1.2.1', 24, vde);
  });

  test('getifaddrs has an entry for each interface, and scopes on link-local addresses', () => {
    const entries = netlink.getifaddrs(stack);
    const packets = entries
      .filter(({ addr }) => addr.family === 'Packet')
      .map(({ name, addr }) => [name, addr.ifindex]);
    expect(packets).toEqual([
      ['lo', 1],
      ['vde0', vde],
    ]);
    const linkLocal = entries.find(({ addr }) => addr.address.startsWith('fe80:'));
    expect(linkLocal).toMatchObject({ addr: { scopeid: vde }, netmask: { address: 'ffff:ffff:ffff:ffff::' } });
  });
});

describe('routes', () => {
  beforeAll(() => {
    netlink.linksetupdown(stack, vde, true);
    netlink.ipaddr_add(stack, AF_INET, '10.2.0.1', 24, vde);
    netlink.ipaddr_add(stack, AF_INET6, 'fc00:2::1', 64, vde);
  });
  afterAll(() => {
    netlink.ipaddr_del(stack, AF_INET, '10.2.0.1', 24, vde);
    netlink.ipaddr_del(stack, AF_INET6, 'fc00:2::1', 64, vde);
  });

  test.each([
    ['-4', AF_INET, '10.2.0.254', null, 0, 0],
    ['-4', AF_INET, '10.2.0.254', '172.16.0.0', 12, 0],
    ['-4', AF_INET, '10.2.0.254', '172.32.0.0', 16, 'vde0'],
    ['-4', AF_INET, null, '172.33.0.0', 16, 'vde0'],
    ['-6', AF_INET6, 'fc00:2::fe', null, 0, 0],
    ['-6', AF_INET6, 'fc00:2::fe', 'fc00:3::', 48, 0],
    ['-6', AF_INET6, 'fe80::1', 'fc00:4::', 48, 'vde0'],
    ['-6', AF_INET6, null, 'fc00:5::', 48, 'vde0'],
  ] as const)('ip %s, family %d, via %s to %s/%d', (version, family, gw, dst, length, dev) => {
    const ifindex = dev === 0 ? 0 : vde;
    const shown = dst === null ? 'default' : `${dst}/${length}`;
    const any = family === AF_INET ? '0.0.0.0' : '::';
    const read = () => ipRoutes(version).find((route) => route.dst === shown);
    const found = () =>
      netlink.routes(stack, family).find((route) => route.dst === (dst ?? any) && route.dst_prefixlen === length);
    netlink.iproute_add(stack, family, gw, dst, length, ifindex);
    expect(read()).toMatchObject(gw === null ? { dev: 'vde0' } : { gateway: gw, dev: 'vde0' });
    expect(found()).toMatchObject({ gw, ifindex: vde, table: 254, type: 1, protocol: 3 });
    netlink.iproute_del(stack, family, gw, dst, length, ifindex);
    expect(read()).toBeUndefined();
    expect(found()).toBeUndefined();
  });

  test('both families at once, all tables on demand', () => {
    const main = netlink.routes(stack);
    expect(new Set(main.map(({ family }) => family))).toEqual(new Set(['IPv4', 'IPv6']));
    expect(main.every(({ table, type }) => table === 254 && type === 1)).toBe(true);
    const all = netlink.routes(stack, AF_INET, { all: true });
    expect(all).toContainEqual(expect.objectContaining({ dst: '10.2.0.1', dst_prefixlen: 32, table: 255 }));
    expect(all.every(({ family }) => family === 'IPv4')).toBe(true);
  });

  test('several next hops, and an IPv6 gateway of an IPv4 route', () => {
    const hops = ['nexthop', 'via', '10.2.0.3', 'nexthop', 'via', '10.2.0.4'];
    ip(raw.pid, 'route', 'add', '172.20.0.0/16', ...hops);
    ip(raw.pid, 'route', 'add', '172.21.0.0/16', 'via', 'inet6', 'fc00:2::9', 'dev', 'vde0');
    const gateways = (dst: string) => netlink.routes(stack).flatMap((route) => (route.dst === dst ? [route.gw] : []));
    expect(gateways('172.20.0.0')).toEqual(['10.2.0.3', '10.2.0.4']);
    expect(gateways('172.21.0.0')).toEqual(['fc00:2::9']);
    // made by another, of another protocol
    ip(raw.pid, 'route', 'add', '172.22.0.0/16', 'via', '10.2.0.3', 'proto', 'static');
    for (const dst of ['172.20.0.0', '172.21.0.0', '172.22.0.0']) {
      netlink.iproute_del(stack, AF_INET, null, dst, 16);
      expect(gateways(dst)).toEqual([]);
    }
  });
});

describe('what the kernel refuses', () => {
  test('an unknown name, an unknown index', () => {
    expect(() => netlink.if_nametoindex(stack, 'eth7')).toThrow(withCode('ENODEV', /no interface is named 'eth7'/));
    for (const call of [
      () => netlink.if_indextoname(stack, 99),
      () => netlink.linksetupdown(stack, 99, true),
      () => netlink.linkgetaddr(stack, 99),
      () => netlink.linksetaddr(stack, 99, '02:00:00:00:00:01'),
      () => netlink.linksetmtu(stack, 99, 1500),
      () => netlink.ipaddr_add(stack, AF_INET, '10.3.0.1', 24, 99),
      () => netlink.iplink_del(stack, { ifindex: 99 }),
      () => netlink.iproute_add(stack, AF_INET, null, '10.4.0.0', 16, 99),
    ]) {
      expect(call).toThrow(withCode('ENODEV', /no interface has index 99/));
    }
  });

  test('the same address twice, one that is not there', () => {
    netlink.ipaddr_add(stack, AF_INET, '10.3.0.1', 24, vde);
    const again = () => netlink.ipaddr_add(stack, AF_INET, '10.3.0.1', 24, vde);
    expect(again).toThrow(expect.objectContaining({ code: 'EEXIST', errno: -17, syscall: 'RTM_NEWADDR' }));
    netlink.ipaddr_del(stack, AF_INET, '10.3.0.1', 24, vde);
    const del = () => netlink.ipaddr_del(stack, AF_INET, '10.3.0.1', 24, vde);
    expect(del).toThrow(withCode('EADDRNOTAVAIL', /does not have 10\.3\.0\.1\/24/));
  });

  test('a gateway that nothing reaches: with its extended acknowledgement', () => {
    const add = () => netlink.iproute_add(stack, AF_INET, '192.0.2.1');
    expect(add).toThrow(withCode('ENETUNREACH', /Nexthop has invalid gateway: no address of the stack reaches/));
    expect(() => netlink.iproute_del(stack, AF_INET, '192.0.2.1')).toThrow(withCode('ESRCH', /no such route/));
  });

  test('a kind, a name and an index of a link', () => {
    const unknown = () => netlink.iplink_add_vde(stack, -1, 'null://');
    expect(unknown).toThrow(withCode('ENOTSUP', /Unknown device type: the stack has no links of kind 'vde'/));
    expect(() => netlink.iplink_add(stack, -1, 'bridge', null, 'vde0')).toThrow(withCode('EEXIST', /name 'vde0'/));
    expect(() => netlink.iplink_add(stack, vde, 'bridge')).toThrow(withCode('EEXIST'));
    expect(() => netlink.iplink_del(stack, { ifname: 'lo' })).toThrow(withCode('ENOTSUP'));
  });

  test('a multicast MAC, an MTU above what the interface can', () => {
    const mac = () => netlink.linksetaddr(stack, vde, '01:00:00:00:00:01');
    expect(mac).toThrow(withCode('EADDRNOTAVAIL', /first byte/));
    expect(() => netlink.linksetmtu(stack, vde, 2 ** 31 - 1)).toThrow(withCode('EINVAL', /mtu greater/));
  });
});

describe('what is refused before the stack sees it', () => {
  const VALUE = 'ERR_INVALID_ARG_VALUE';
  const TYPE = 'ERR_INVALID_ARG_TYPE';
  const RANGE = 'ERR_OUT_OF_RANGE';
  const bad = <T>(value: unknown) => value as T;

  test.each<[string, string, RegExp, () => unknown]>([
    ['family 1', VALUE, /AF_INET .*AF_INET6/, () => netlink.ipaddr_add(stack, 1, '10.0.0.1', 24, vde)],
    ['family text', TYPE, /AF_INET/, () => netlink.iproute_add(stack, bad<number>('IPv4'), '10.0.0.1')],
    ['routes of family 1', VALUE, /AF_INET/, () => netlink.routes(stack, 1)],
    ['prefixlen 33', RANGE, /prefixlen .*0 to 32/, () => netlink.ipaddr_add(stack, AF_INET, '10.0.0.1', 33, vde)],
    ['prefixlen 129', RANGE, /0 to 128/, () => netlink.ipaddr_add(stack, AF_INET6, 'fc00::1', 129, vde)],
    ['dst_prefixlen -1', RANGE, /dst_prefixlen/, () => netlink.iproute_add(stack, AF_INET, null, '10.0.0.0', -1, vde)],
    ['malformed IPv4', VALUE, /IPv4/, () => netlink.ipaddr_add(stack, AF_INET, '10.0.0.256', 24, vde)],
    ['IPv6 for IPv4', VALUE, /IPv4/, () => netlink.ipaddr_add(stack, AF_INET, 'fc00::1', 24, vde)],
    ['malformed IPv6', VALUE, /IPv6/, () => netlink.iproute_add(stack, AF_INET6, 'fc00:::1')],
    ['malformed MAC', VALUE, /MAC/, () => netlink.linksetaddr(stack, vde, '02:00:00:00:00')],
    ['ifindex 0', RANGE, /ifindex .*1 to/, () => netlink.linksetupdown(stack, 0, true)],
    ['ifindex 1.5', RANGE, /ifindex/, () => netlink.linkgetaddr(stack, 1.5)],
    ['up text', TYPE, /up/, () => netlink.linksetupdown(stack, vde, bad('yes'))],
    ['mtu 67', RANGE, /mtu .*68/, () => netlink.linksetmtu(stack, vde, 67)],
    ['mtu text', TYPE, /mtu/, () => netlink.linksetmtu(stack, vde, bad('1500'))],
    ['empty ifname', VALUE, /ifname/, () => netlink.if_nametoindex(stack, '')],
    ['long ifname', VALUE, /15 bytes/, () => netlink.if_nametoindex(stack, 'x'.repeat(16))],
    ['ifname with a slash', VALUE, /ifname/, () => netlink.iplink_del(stack, { ifname: 'a/b' })],
    ['ifname pattern', VALUE, /%/, () => netlink.iplink_add(stack, -1, 'bridge', null, 'br%d')],
    ['nothing to delete', VALUE, /ifname or ifindex/, () => netlink.iplink_del(stack, {})],
    ['empty type', VALUE, /type/, () => netlink.iplink_add(stack, -1, '')],
    ['data no array', TYPE, /data/, () => netlink.iplink_add(stack, -1, 'bridge', bad({}))],
    ['no way to go', VALUE, /gw/, () => netlink.iproute_add(stack, AF_INET, null, '10.0.0.0', 8)],
    ['dst without length', VALUE, /dst_prefixlen/, () => netlink.iproute_add(stack, AF_INET, '10.0.0.1', '10.9.0.0')],
    ['length without dst', VALUE, /dst/, () => netlink.iproute_add(stack, AF_INET, '10.0.0.1', null, 8)],
  ])('%s', (_, code, message, call) => {
    expect(call).toThrow(withCode(code, message));
  });
});
