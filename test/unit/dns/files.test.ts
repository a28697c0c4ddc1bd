import fc from 'fast-check';
import { AF_INET } from '../../../lib/constants/index.js';
import { parseHosts } from '../../../lib/dns/hosts.js';
import { parseServices } from '../../../lib/dns/services.js';

test('hosts: every entry with a name, and the name of an address', () => {
  const hosts = parseHosts(`
127.0.0.1 localhost
10.0.0.1  web.example.org web www # the server
10.0.0.2  web
fd00::1   web
fe80::1%eth0 router
`);
  expect(hosts.byName('WEB').map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2', 'fd00::1']);
  expect(hosts.byName('www.')).toEqual([
    { address: '10.0.0.1', family: AF_INET, canonical: 'web.example.org', aliases: ['web', 'www'] },
  ]);
  expect(hosts.byName('absent')).toEqual([]);
  expect(hosts.byAddress('10.0.0.1')).toBe('web.example.org');
  expect(hosts.byAddress('FD00:0::0:1')).toBe('web');
  expect(hosts.byAddress('fe80::1%eth0')).toBe('router');
  expect(hosts.byAddress('fe80::1')).toBeUndefined();
  expect(hosts.problems).toEqual([]);
});

test('hosts: bad lines are reported, the rest counts', () => {
  const { problems, byName } = parseHosts('10.0.0 a\n10.0.0.1\n10.0.0.2 b\n');
  expect(problems).toEqual([
    { line: 1, text: '10.0.0 a', reason: "'10.0.0' is not an IP address" },
    { line: 2, text: '10.0.0.1', reason: 'an address without a name' },
  ]);
  expect(byName('b')).toHaveLength(1);
});

test('services: ports by name or alias, names by port', () => {
  const services = parseServices(
    'http 80/tcp www # web\ndomain 53/tcp\ndomain 53/udp\nbad\nbad2 x/tcp\nbad3 70000/tcp\n',
  );
  expect(services.port('www', 'tcp')).toBe(80);
  expect(services.port('http', 'udp')).toBeUndefined();
  expect(services.name(53, 'udp')).toBe('domain');
  expect(services.name(53, 'sctp')).toBeUndefined();
  expect(services.problems.map(({ line }) => line)).toEqual([4, 5, 6]);
});

test('no text makes either throw', () => {
  const line = fc.constantFrom('10.0.0.1', '::1', 'a', '80/tcp', '__proto__', 'constructor', '#', '\n');
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string())), (words) => {
      const text = words.join(' ');
      parseHosts(text).byName('constructor');
      parseServices(text).port('constructor', 'tcp');
    }),
  );
});
