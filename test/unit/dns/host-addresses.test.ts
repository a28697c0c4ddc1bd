import { AF_INET, AF_INET6 } from '../../../lib/constants/index.js';
import { resolveLocally, searchNames } from '../../../lib/dns/host-addresses.js';
import { parseHosts } from '../../../lib/dns/hosts.js';

describe('what is known without a server', () => {
  const hosts = parseHosts('10.1.0.1 web.a.org web\n10.1.0.2 web\nfd00:1::1 web\nfe80::1%eth0 router\n::5 localhost\n');
  const zoneIndex = (zone: string) => (zone === 'eth0' ? 2 : undefined);
  const sources = { hosts: () => hosts, zoneIndex };

  test.each<[string, number, string | undefined]>([
    ['192.0.2.1', AF_INET, '192.0.2.1'],
    ['192.0.2.1', AF_INET6, undefined],
    ['127.1', AF_INET, '127.0.0.1'],
    ['0x7f000001', AF_INET, '127.0.0.1'],
    ['2001:db8::1', AF_INET6, '2001:db8::1'],
    ['2001:db8::1', AF_INET, undefined],
    ['::ffff:192.0.2.1', AF_INET, '192.0.2.1'],
    ['fe80::1%eth0', AF_INET6, 'fe80::1%eth0'],
    ['WEB', AF_INET, '10.1.0.1'],
    ['web.', AF_INET6, 'fd00:1::1'],
    ['web.a.org', AF_INET6, undefined],
    ['router', AF_INET6, 'fe80::1%eth0'],
    ['localhost', AF_INET, '127.0.0.1'],
    ['localhost', AF_INET6, '::1'],
    ['foo.localhost.', AF_INET6, '::1'],
    ['notlocalhost', AF_INET, undefined],
    ['absent.org', AF_INET, undefined],
    ['a..b', AF_INET, undefined],
    ['', AF_INET, undefined],
    ['10.0.0', AF_INET, '10.0.0.0'],
    ['10.0.0.256', AF_INET, undefined],
  ])('%j in family %i', (host, family, expected) => {
    expect(resolveLocally(sources, host, family)).toBe(expected);
  });

  test('a numeric host reads no file', () => {
    const unreadable = () => {
      throw new Error('EISDIR');
    };
    expect(resolveLocally({ hosts: unreadable, zoneIndex }, '10.0.0.1', AF_INET)).toBe('10.0.0.1');
    expect(() => resolveLocally({ hosts: unreadable, zoneIndex }, 'web', AF_INET)).toThrow('EISDIR');
  });
});

test.each([
  ['host', 1, ['host.a.org', 'host.b.org', 'host']],
  ['host.x', 1, ['host.x', 'host.x.a.org', 'host.x.b.org']],
  ['host.x', 2, ['host.x.a.org', 'host.x.b.org', 'host.x']],
  ['host', 0, ['host', 'host.a.org', 'host.b.org']],
  ['host.', 1, ['host']],
  ['.', 1, ['.']],
  ['a..b', 1, []],
  ['x'.repeat(64), 1, []],
])('the search list for %j with ndots:%i', (name, ndots, expected) => {
  expect(searchNames(name, ['a.org', 'b.org'], ndots)).toEqual(expected);
});
