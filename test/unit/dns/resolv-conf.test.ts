import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { dnsConfigForm, formatServer, parseServer, readDnsConfig } from '../../../lib/dns/dns-config.js';
import { DEFAULT_OPTIONS, formatResolvConf, parseResolvConf, resolvConfText } from '../../../lib/dns/resolv-conf.js';
import { temporaryDirectory } from '../../support/directory.js';

test('reads servers, the search list and options', () => {
  const conf = parseResolvConf(`
# a comment
; another
nameserver 10.0.0.1
nameserver fe80::1%eth0   # the router
  nameserver\t2001:db8::53
search example.org. sub.example.org
options ndots:2 timeout:3 attempts:4 rotate use-vc edns0 trust-ad
`);
  expect(conf.nameservers).toEqual([
    { address: '10.0.0.1', port: 53 },
    { address: 'fe80::1%eth0', port: 53 },
    { address: '2001:db8::53', port: 53 },
  ]);
  expect(conf.search).toEqual(['example.org', 'sub.example.org']);
  expect(conf.options).toEqual({ ndots: 2, timeout: 3, attempts: 4, rotate: true, useVc: true, edns0: true });
  expect(conf.problems).toEqual([]);
});

test.each([
  'search a.org b.org\nnameserver 10.0.0.1\nnameserver fe80::1%vde0\noptions ndots:2 timeout:3 attempts:4 rotate use-vc\n',
  'nameserver 10.0.0.1\n',
  'search a.org\n',
  '',
])('what it reads it writes for programs: %j', (text) => {
  expect(resolvConfText(parseResolvConf(text))).toBe(text);
});

test('programs get no server on another port than 53', () => {
  const conf = { ...parseResolvConf('nameserver 10.0.0.1\n'), nameservers: [{ address: '10.0.0.2', port: 5353 }] };
  expect(resolvConfText(conf)).toBe('');
});

test('domain and search replace each other, the last one wins', () => {
  expect(parseResolvConf('domain a.org\nsearch b.org c.org').search).toEqual(['b.org', 'c.org']);
  expect(parseResolvConf('search b.org c.org\ndomain a.org').search).toEqual(['a.org']);
});

test('numbers above the limits are cut to them, a timeout of 0 is one second', () => {
  const { options } = parseResolvConf('options ndots:99 timeout:99 attempts:99');
  expect(options).toMatchObject({ ndots: 15, timeout: 30, attempts: 5 });
  expect(parseResolvConf('options timeout:0 attempts:0 ndots:0').options).toMatchObject({
    timeout: 1,
    attempts: 1,
    ndots: 0,
  });
});

test.each([
  ['nameserver 10.0.0.300', "'10.0.0.300' is not an IP address"],
  ['nameserver', "'nameserver' needs a value"],
  ['nameserver 10.0.0.1 10.0.0.2', "'nameserver' takes one address; '10.0.0.2' is ignored"],
  ['namserver 10.0.0.1', "unknown keyword 'namserver'"],
  ['options ndots:x', "'ndots:x': a number must follow 'ndots:'"],
  ['options toString', "unknown option 'toString'"],
  ['search a..b', "'a..b' is not a domain name"],
  ['domain a b', 'more than 1 names: the rest is not searched'],
])('reports %j', (line, reason) => {
  const { problems } = parseResolvConf(`nameserver 10.9.9.9\n${line}\n`);
  expect(problems).toEqual([{ line: 2, text: line, reason }]);
});

test('no text makes it throw, and what it gives is usable', () => {
  const word = fc.constantFrom(
    'nameserver',
    'search',
    'options',
    'domain',
    'ndots:',
    '10.0.0.1',
    'fe80::1%x',
    '#',
    ';',
    '\n',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 20 }), (words) => {
      const { nameservers, problems } = parseResolvConf(words.join(' '));
      for (const server of nameservers) expect(parseServer(formatServer(server))).toEqual(server);
      for (const problem of problems) expect(problem.reason).not.toBe('');
    }),
  );
});

test('tells a path, a text and a list of servers apart', () => {
  expect(dnsConfigForm('/etc/resolv.conf')).toBe('path');
  expect(dnsConfigForm('my.conf')).toBe('path');
  expect(dnsConfigForm('nameserver 10.0.0.1')).toBe('text');
  expect(dnsConfigForm('')).toBe('text');
  expect(dnsConfigForm('10.0.0.1')).toBe('servers');
  expect(dnsConfigForm('10.0.0.1,fd00::1, fe80::1%eth0,[fd00::2]:5353')).toBe('servers');
});

test('reads a list, a text and a file; a file that is not there is refused by name', () => {
  expect(readDnsConfig('10.0.0.1,[fd00::1]:5353').nameservers).toEqual([
    { address: '10.0.0.1', port: 53 },
    { address: 'fd00::1', port: 5353 },
  ]);
  expect(readDnsConfig('nameserver fd00::1').nameservers).toEqual([{ address: 'fd00::1', port: 53 }]);
  expect(readDnsConfig('').nameservers).toEqual([]);
  const directory = temporaryDirectory();
  try {
    const path = join(directory, 'resolv.conf');
    writeFileSync(path, 'nameserver 10.0.0.9\n');
    expect(readDnsConfig(path).nameservers).toEqual([{ address: '10.0.0.9', port: 53 }]);
    expect(() => readDnsConfig(join(directory, 'absent'))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('absent') }),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('servers come out as they go in', () => {
  for (const text of ['10.0.0.1', '10.0.0.1:5353', 'fd00::1', '[fd00::1]:5353', 'fe80::1%eth0']) {
    const server = parseServer(text);
    expect(server && formatServer(server)).toBe(text);
  }
  for (const text of ['', 'x', '10.0.0.1:', '10.0.0.1:0', '10.0.0.1:65536', '[fd00::1', 'fd00::1:5353x']) {
    expect(parseServer(text)).toBeUndefined();
  }
  const conf = parseResolvConf('nameserver 10.0.0.1\nsearch a.org b.org\n');
  expect(formatResolvConf(conf)).toBe('nameserver 10.0.0.1\n');
  expect(conf.options).toEqual(DEFAULT_OPTIONS);
});
