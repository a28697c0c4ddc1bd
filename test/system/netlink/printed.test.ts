import { deepStrictEqual } from 'node:assert';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { AF_INET, AF_INET6, IothError, Stack, VETH_INFO_PEER, vethPeer } from 'ioth';
import { interfaceLines, routeLines } from '../../../lib/netlink/index.js';
import { inNamespace, ip } from '../../support/namespace.js';
import { aloneStack } from '../../support/network.js';

let stack: Stack;
beforeAll(() => {
  stack = aloneStack();
  stack.ipaddr_add('fd00::1/64', 'vde0');
});
afterAll(() => stack.close());

const pid = () => stack.daemonPid as number;
const ipLines = (...args: string[]) =>
  inNamespace(pid(), 'ip', ...args)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean);

/** What both read while nothing changes: the kernel sets the state of a link, and its own address, a moment later. */
function whileStill(read: () => string, commands: string[][]): [own: string[], byIp: string[]] {
  for (let attempt = 0; attempt < 50; attempt++) {
    const before = commands.flatMap((args) => ipLines(...args));
    const own = read().split('\n');
    const after = commands.flatMap((args) => ipLines(...args));
    if (before.join() === after.join()) return [own, after];
  }
  throw new Error('the configuration keeps changing');
}

describe('interfaces() prints as `ip -br addr`', () => {
  afterEach(() => {
    for (const { name, kind } of stack.interfaces()) if (kind === 'veth' || kind === 'bridge') tryToDelete(name);
  });

  // the other end of a pair is gone with the first
  function tryToDelete(name: string): void {
    try {
      stack.iplink_del(name);
    } catch (error) {
      if (!(error instanceof IothError) || error.code !== 'ENODEV') throw error;
    }
  }

  const compare = () => {
    const [own, byIp] = whileStill(() => inspect(stack.interfaces()), [['-br', 'addr']]);
    // by index here, with a pair's ends the other way round there
    expect([...own].sort()).toEqual(byIp.sort());
    return own;
  };

  test('a stack on a network', () => {
    const lines = compare();
    expect(lines[0]).toBe('lo               UNKNOWN        127.0.0.1/8 ::1/128');
    expect(lines[1]).toMatch(/^vde0 {13}(UP|UNKNOWN) +10\.0\.0\.1\/24 fd00::1\/64/);
  });

  test('a pair, of which one end is down, a bridge, a peer, a long name', () => {
    stack.iplink_add(-1, 'veth', [[VETH_INFO_PEER, vethPeer('right')]], 'left');
    stack.iplink_add(-1, 'bridge', [], 'a-long-name-15b');
    stack.linksetupdown('left', true);
    inNamespace(pid(), 'ip', 'address', 'add', '10.2.0.1', 'peer', '10.2.0.2/32', 'dev', 'left');
    const lines = compare();
    expect(lines.join('\n')).toMatch(/^left@right {7}LOWERLAYERDOWN 10\.2\.0\.1 peer 10\.2\.0\.2\/32/m);
    expect(lines).toContain('right@left       DOWN');
    expect(lines).toContain('a-long-name-15b  DOWN');
    stack.linksetupdown('right', true);
    compare();
  });

  test('a pair whose other end is in another namespace', async () => {
    // that of another stack is not for an unprivileged user: no process of theirs has rights in both
    const other = stack.spawn('unshare', ['--net', 'sh', '-c', 'echo $$; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(other, 'exit');
    const [namespace] = await once(other.stdout!, 'data');
    stack.iplink_add(-1, 'veth', [[VETH_INFO_PEER, vethPeer('right')]], 'left');
    const index = stack.if_nametoindex('right');
    inNamespace(pid(), 'ip', 'link', 'set', 'right', 'netns', String(namespace).trim());
    const lines = compare();
    expect(lines.find((line) => line.startsWith('left'))).toMatch(new RegExp(`^left@if${index} +DOWN$`));
    expect(stack.interfaces().find(({ name }) => name === 'left')).toHaveProperty('link_netnsid');
    other.kill();
    await ended;
  });

  test('a stack without operational states', () => {
    const [link] = stack.interfaces();
    const bare = { ...link!, operstate: undefined, addresses: [], link: 0 };
    const plain = (text: string) => text;
    expect(interfaceLines([bare, { ...bare, up: false }], plain)).toEqual([
      'lo@NONE          UNKNOWN',
      'lo@NONE          DOWN',
    ]);
  });
});

describe('routes() prints as `ip route`', () => {
  afterEach(() => inNamespace(pid(), 'ip', 'route', 'flush', 'proto', 'static'));

  const compare = (family?: number) => {
    const commands = [
      ['-4', 'route'],
      ['-6', 'route'],
    ].slice(family === AF_INET6 ? 1 : 0, family === AF_INET ? 1 : undefined);
    const [own, byIp] = whileStill(() => inspect(stack.routes(family)), commands);
    expect(own).toEqual(byIp);
    return own;
  };

  test('of both families, and of one', () => {
    stack.iproute_add('default via 10.0.0.254 proto static');
    stack.iproute_add('172.16.0.0/12 via 10.0.0.254 metric 7 proto static');
    stack.iproute_add('172.16.0.1 dev vde0 src 10.0.0.1 proto static');
    stack.iproute_add('172.17.0.0/16 via inet6 fd00::9 dev vde0 proto static');
    stack.iproute_add('172.18.0.0/16 via 192.0.2.1 dev vde0 onlink proto static');
    stack.iproute_add('fd00:2::/64 via fd00::9');
    stack.iproute_add('fd00:3::1 dev vde0');
    stack.iproute_add('default via fd00::fe pref high');
    const expected = [
      'default via 10.0.0.254 dev vde0 proto static',
      '10.0.0.0/24 dev vde0 proto kernel scope link src 10.0.0.1',
      '172.16.0.0/12 via 10.0.0.254 dev vde0 proto static metric 7',
      '172.16.0.1 dev vde0 proto static scope link src 10.0.0.1',
      '172.17.0.0/16 via inet6 fd00::9 dev vde0 proto static',
      '172.18.0.0/16 via 192.0.2.1 dev vde0 proto static onlink',
      'fd00::/64 dev vde0 proto kernel metric 256 pref medium',
      'fd00:2::/64 via fd00::9 dev vde0 metric 1024 pref medium',
      'fd00:3::1 dev vde0 metric 1024 pref medium',
      'default via fd00::fe dev vde0 metric 1024 pref high',
    ];
    expect(compare()).toEqual(expect.arrayContaining(expected));
    compare(AF_INET);
    compare(AF_INET6);
    for (const each of ['fd00:2::/64', 'fd00:3::1', '::/0']) stack.iproute_del(each);
  });

  test('of a link without carrier', () => {
    stack.iplink_add(-1, 'veth', [[VETH_INFO_PEER, vethPeer('right')]], 'left');
    for (const name of ['left', 'right']) stack.linksetupdown(name, true);
    stack.ipaddr_add('10.5.0.1/24', 'left');
    stack.linksetupdown('right', false);
    expect(compare()).toContain('10.5.0.0/24 dev left proto kernel scope link src 10.5.0.1 linkdown');
    stack.iplink_del('left');
  });

  test('several gateways are several routes', () => {
    const hops = ['nexthop', 'via', '10.0.0.3', 'nexthop', 'via', '10.0.0.4'];
    inNamespace(pid(), 'ip', 'route', 'add', '172.20.0.0/16', 'proto', 'static', ...hops);
    expect(inspect(stack.routes(AF_INET)).split('\n')).toEqual(
      expect.arrayContaining([
        '172.20.0.0/16 via 10.0.0.3 dev vde0 proto static',
        '172.20.0.0/16 via 10.0.0.4 dev vde0 proto static',
      ]),
    );
  });

  test('of every table and type', () => {
    inNamespace(pid(), 'ip', 'route', 'add', 'unreachable', '172.21.0.0/16', 'proto', 'static', 'metric', '4');
    inNamespace(pid(), 'ip', 'route', 'add', '172.22.0.0/16', 'dev', 'vde0', 'table', '77', 'proto', '201');
    const [own, byIp] = whileStill(
      () => inspect(stack.routes(AF_INET, { all: true })),
      [['-4', 'route', 'show', 'table', 'all']],
    );
    expect(own.sort()).toEqual(byIp.sort());
    expect(own).toContain('unreachable 172.21.0.0/16 proto static metric 4');
    expect(own).toContain('local 10.0.0.1 dev vde0 table local proto kernel scope host src 10.0.0.1');
    expect(own).toContain('172.22.0.0/16 dev vde0 table 77 proto 201 scope link');
    inNamespace(pid(), 'ip', 'route', 'flush', 'table', '77');
  });

  test('what an interface of no name and numbers without names look like', () => {
    const [route] = stack.routes(AF_INET);
    const odd = {
      ...route!,
      ifname: undefined,
      ifindex: 9,
      protocol: 99,
      scope: 7,
      table: 1000,
      type: 77,
      src: undefined,
    };
    expect(routeLines([odd], (text) => text)).toEqual([`77 10.0.0.0/24 dev if9 table 1000 proto 99 scope 7`]);
  });
});

describe('for programs the lists are plain arrays', () => {
  test.each<[string, () => object[]]>([
    ['interfaces()', () => stack.interfaces()],
    ['routes()', () => stack.routes()],
  ])('%s', (_, read) => {
    const list = read();
    const copy = list.map((each) => ({ ...each }));
    deepStrictEqual(list, copy);
    deepStrictEqual(copy, list);
    expect(list).toStrictEqual(copy);
    expect(JSON.stringify(list)).toBe(JSON.stringify(copy));
    // not strictly: jest has an Array of its own
    expect(structuredClone(list)).toEqual(copy);
    expect(Object.keys(list)).toEqual(copy.map((__, index) => String(index)));
    expect([...list]).toStrictEqual(copy);
    expect(Object.getPrototypeOf(list)).toBe(Array.prototype);
    expect(inspect(list, { customInspect: false })).toBe(inspect(copy));
    // one of them has all that it is
    expect(inspect(list[0])).toBe(inspect(copy[0]));
  });

  test('a route has the name of its interface', () => {
    expect(stack.routes(AF_INET).map(({ ifname }) => ifname)).toEqual(['vde0']);
    const [shown] = ip<{ prefsrc: string }>(pid(), '-4', 'route');
    expect(stack.routes(AF_INET)[0]?.src).toBe(shown?.prefsrc);
  });

  test('what is printed is what the list has now', () => {
    const list = stack.routes(AF_INET);
    list.push({ ...list[0]!, dst: '10.99.0.0' });
    expect(inspect(list).split('\n')).toHaveLength(2);
    list.length = 0;
    expect(inspect(list)).toBe('[]');
  });

  test('inside of other things they are indented, in colour they are aligned', () => {
    const list = stack.routes(AF_INET);
    const text = inspect(list);
    expect(inspect({ at: { routes: list } })).toBe(`{\n  at: {\n    routes: \n    ${text}\n  }\n}`);
    expect(inspect([[]])).toBe('[ [] ]');
    const coloured = inspect(stack.interfaces(), { colors: true });
    expect(coloured).toContain('\u001b[');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(inspect(stack.interfaces()));
  });
});

describe('one line', () => {
  test('stack.dns', async () => {
    const named = new Stack(
      'vdestack',
      'null://',
      'nameserver 10.0.0.53\nnameserver fd00::53\nsearch a.example b.example',
    );
    expect(inspect(named.dns)).toBe('StackDns <10.0.0.53, fd00::53, search a.example b.example>');
    expect(inspect(named.dns.promises)).toBe('StackDnsPromises <10.0.0.53, fd00::53, search a.example b.example>');
    named.dns.setServers(['10.0.0.54:5353']);
    expect(inspect({ dns: named.dns })).toBe('{ dns: StackDns <10.0.0.54:5353, search a.example b.example> }');
    named.iothdns_update('# none');
    expect(inspect(named.dns)).toBe('StackDns <no servers>');
    await named.close();
    expect(inspect(named.dns)).toBe('StackDns <no servers>');
    expect(Object.getOwnPropertySymbols({ ...named.dns })).toEqual([]);
  });

  test('a stack', async () => {
    const named = new Stack('vdestack', ['null://', 'lan:null://']);
    const daemon = named.daemonPid;
    expect(inspect(named)).toBe(`Stack <vdestack, null:// lan:null://, daemon ${daemon}>`);
    await named.close();
    expect(inspect(named)).toMatch(/^Stack <vdestack, .*closed>$/);
  });
});
