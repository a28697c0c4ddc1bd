import { familyOf } from '../../../lib/address/ip.js';
import {
  AF_INET,
  AF_INET6,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  EAI_ADDRFAMILY,
  EAI_AGAIN,
  EAI_BADFLAGS,
  EAI_FAMILY,
  EAI_NODATA,
  EAI_NONAME,
  EAI_SERVICE,
  EAI_SOCKTYPE,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NI_DGRAM,
  NI_NAMEREQD,
  NI_NOFQDN,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../../lib/constants/index.js';
import { type QueryCode, queryError } from '../../../lib/dns/errors.js';
import { type AddrInfoHints, getaddrinfo } from '../../../lib/dns/getaddrinfo.js';
import { getnameinfo } from '../../../lib/dns/getnameinfo.js';
import { parseHosts } from '../../../lib/dns/hosts.js';
import type { DnsRecord, Reply } from '../../../lib/dns/message.js';
import type { NameSources } from '../../../lib/dns/name-sources.js';
import { parseServices } from '../../../lib/dns/services.js';

type Zone = Record<string, { addresses: string[]; canonicalName?: string } | QueryCode>;

const asked: string[] = [];

/** Names from a table: an absent one is NXDOMAIN. */
function sources(zone: Zone = {}, overrides: Partial<NameSources> = {}): NameSources {
  const hosts = parseHosts('127.0.0.1 localhost\n10.1.0.1 web.a.org web\nfd00:1::1 web\n10.1.0.2 only4\n');
  const services = parseServices('http 80/tcp\ndomain 53/tcp\ndomain 53/udp\nsctpish 99/sctp\n');
  return {
    hosts: () => hosts,
    services: () => services,
    searchList: () => ({ search: ['a.org', 'b.org'], ndots: 1 }),
    query: async (name, type) => {
      asked.push(`${name} ${type}`);
      const entry = zone[name];
      if (typeof entry === 'string') throw queryError(entry, type, name);
      return replyOf(name, type, entry);
    },
    sourcesOf: (destinations) =>
      destinations.map((address) => ({
        address: isLoopback(address) ? address : familyOf(address) === AF_INET ? '10.0.0.9' : 'fd00::9',
        prefixLength: familyOf(address) === AF_INET ? 24 : 64,
        deprecated: false,
      })),
    configuredFamilies: () => new Set([AF_INET, AF_INET6]),
    zoneIndex: (zone) => (zone === 'eth0' ? 2 : undefined),
    ...overrides,
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address === '127.0.0.1';
}

function replyOf(
  name: string,
  type: string,
  entry: { addresses: string[]; canonicalName?: string } | undefined,
): Reply {
  const family = type === 'A' ? AF_INET : AF_INET6;
  const data = entry?.addresses.filter((address) => type === 'PTR' || familyOf(address) === family) ?? [];
  const records = data.map((one) => ({ type, name, data: one, ttl: 1, class: 'IN' })) as DnsRecord[];
  const status = !entry ? 'nxdomain' : records.length > 0 ? 'found' : 'nodata';
  return { status, records, canonicalName: entry?.canonicalName ?? name, ttl: 1, isOpenEnded: false };
}

beforeEach(() => asked.splice(0));

async function addresses(host: string | null, hints: AddrInfoHints = {}, from = sources()): Promise<string[]> {
  const infos = await getaddrinfo(from, host, 80, { type: SOCK_STREAM, ...hints });
  return infos.map(({ sockaddr }) => sockaddr.address);
}

test('gives the five fields, for each type of socket', async () => {
  expect(await getaddrinfo(sources(), '192.0.2.1', 80)).toEqual([
    {
      family: AF_INET,
      type: SOCK_STREAM,
      proto: IPPROTO_TCP,
      canonname: '',
      sockaddr: { address: '192.0.2.1', port: 80, family: 'IPv4' },
    },
    {
      family: AF_INET,
      type: SOCK_DGRAM,
      proto: IPPROTO_UDP,
      canonname: '',
      sockaddr: { address: '192.0.2.1', port: 80, family: 'IPv4' },
    },
    {
      family: AF_INET,
      type: SOCK_RAW,
      proto: 0,
      canonname: '',
      sockaddr: { address: '192.0.2.1', port: 80, family: 'IPv4' },
    },
  ]);
});

// what glibc's getaddrinfo said to the same arguments
test.each<[string | number | null, AddrInfoHints, [number, number, number][]]>([
  ['http', {}, [[SOCK_STREAM, IPPROTO_TCP, 80]]],
  [
    'domain',
    {},
    [
      [SOCK_STREAM, IPPROTO_TCP, 53],
      [SOCK_DGRAM, IPPROTO_UDP, 53],
    ],
  ],
  ['80', { type: SOCK_STREAM }, [[SOCK_STREAM, IPPROTO_TCP, 80]]],
  [80, { proto: IPPROTO_SCTP }, [[SOCK_STREAM, IPPROTO_SCTP, 80]]],
  [null, { type: SOCK_SEQPACKET }, [[SOCK_SEQPACKET, IPPROTO_SCTP, 0]]],
  [null, { type: SOCK_RAW, proto: 255 }, [[SOCK_RAW, 255, 0]]],
  ['sctpish', { type: SOCK_SEQPACKET }, [[SOCK_SEQPACKET, IPPROTO_SCTP, 99]]],
])('port %j with %j', async (port, hints, expected) => {
  const infos = await getaddrinfo(sources(), '192.0.2.1', port, hints);
  expect(infos.map(({ type, proto, sockaddr }) => [type, proto, sockaddr.port])).toEqual(expected);
});

test.each<[string | null, string | number | null, AddrInfoHints, number, string]>([
  ['192.0.2.1', 80, { family: AF_INET6 }, EAI_ADDRFAMILY, 'EAI_ADDRFAMILY'],
  ['::1', 80, { family: AF_INET }, EAI_ADDRFAMILY, 'EAI_ADDRFAMILY'],
  ['192.0.2.1', 'nosuch', {}, EAI_SERVICE, 'EAI_SERVICE'],
  ['192.0.2.1', '70000', {}, EAI_SERVICE, 'EAI_SERVICE'],
  ['192.0.2.1', 'http', { flags: AI_NUMERICSERV }, EAI_NONAME, 'ENOTFOUND'],
  ['192.0.2.1', '80', { type: SOCK_RAW }, EAI_SERVICE, 'EAI_SERVICE'],
  ['192.0.2.1', 80, { type: SOCK_STREAM, proto: IPPROTO_UDP }, EAI_SOCKTYPE, 'EAI_SOCKTYPE'],
  ['192.0.2.1', 80, { type: 99 }, EAI_SOCKTYPE, 'EAI_SOCKTYPE'],
  ['192.0.2.1', 80, { family: 99 }, EAI_FAMILY, 'EAI_FAMILY'],
  ['192.0.2.1', 80, { flags: 0x100000 }, EAI_BADFLAGS, 'EAI_BADFLAGS'],
  [null, 80, { flags: AI_CANONNAME }, EAI_BADFLAGS, 'EAI_BADFLAGS'],
  [null, null, {}, EAI_NONAME, 'ENOTFOUND'],
  ['', 80, {}, EAI_NONAME, 'ENOTFOUND'],
  ['web', 80, { flags: AI_NUMERICHOST }, EAI_NONAME, 'ENOTFOUND'],
  ['absent.org', 80, {}, EAI_NONAME, 'ENOTFOUND'],
  ['empty.org', 80, {}, EAI_NODATA, 'ENOTFOUND'],
  ['failing.org', 80, {}, EAI_AGAIN, 'EAI_AGAIN'],
  ['silent.org', 80, {}, EAI_AGAIN, 'EAI_AGAIN'],
])('%j, port %j, %j fails', async (host, port, hints, eai, code) => {
  const zone: Zone = { 'empty.org': { addresses: [] }, 'failing.org': 'ESERVFAIL', 'silent.org': 'ETIMEOUT' };
  await expect(getaddrinfo(sources(zone), host, port, hints)).rejects.toMatchObject({
    eai,
    code,
    syscall: 'getaddrinfo',
  });
});

test('its error reads as that of Node does', async () => {
  await expect(getaddrinfo(sources(), 'absent.org', 80)).rejects.toThrow(/^getaddrinfo ENOTFOUND absent\.org/);
});

test('its error says why no server could tell', async () => {
  await expect(getaddrinfo(sources({ 'silent.org': 'ETIMEOUT' }), 'silent.org', 80)).rejects.toThrow(
    'getaddrinfo EAI_AGAIN silent.org: temporary failure in name resolution: no server answered in time',
  );
});

test.each<[string | null, AddrInfoHints, string[]]>([
  [null, {}, ['::1', '127.0.0.1']],
  [null, { flags: AI_PASSIVE, family: AF_INET }, ['0.0.0.0']],
  ['127.1', {}, ['127.0.0.1']],
  ['0x7f.1', {}, ['127.0.0.1']],
  ['::ffff:192.0.2.1', { family: AF_INET }, ['192.0.2.1']],
  ['192.0.2.1', { family: AF_INET6, flags: AI_V4MAPPED }, ['::ffff:192.0.2.1']],
  ['fe80::1%eth0', {}, ['fe80::1']],
  ['WEB', {}, ['10.1.0.1', 'fd00:1::1']],
  ['web', { family: AF_INET }, ['10.1.0.1']],
  ['only4', { family: AF_INET6, flags: AI_V4MAPPED }, ['::ffff:10.1.0.2']],
  ['web', { family: AF_INET6, flags: AI_V4MAPPED }, ['fd00:1::1']],
  ['web', { family: AF_INET6, flags: AI_V4MAPPED | AI_ALL }, ['fd00:1::1', '::ffff:10.1.0.1']],
  ['localhost', {}, ['127.0.0.1']],
  ['foo.localhost', {}, ['::1', '127.0.0.1']],
])('%j with %j needs no server', async (host, hints, expected) => {
  expect(await addresses(host, hints)).toEqual(expected);
  expect(asked).toEqual([]);
});

test('a zone becomes the index of its interface; one that is not there is no host', async () => {
  const [info] = await getaddrinfo(sources(), 'fe80::1%eth0', 80);
  expect(info?.sockaddr).toEqual({ family: 'IPv6', address: 'fe80::1', port: 80, flowinfo: 0, scopeid: 2 });
  await expect(getaddrinfo(sources(), 'fe80::1%eth9', 80)).rejects.toMatchObject({ eai: EAI_NONAME });
});

test('asks for both families at once and orders what comes', async () => {
  const from = sources({ 'x.org': { addresses: ['192.0.2.1', '2001:db8::1', 'fd00::7', '10.0.0.1'] } });
  expect(await addresses('x.org', {}, from)).toEqual(['10.0.0.1', '192.0.2.1', 'fd00::7', '2001:db8::1']);
  expect(asked).toEqual(['x.org A', 'x.org AAAA']);
});

test('goes through the search list, and past a server that fails', async () => {
  const from = sources({ 'h.a.org': 'ESERVFAIL', 'h.b.org': { addresses: ['192.0.2.1'] } });
  expect(await addresses('h', { family: AF_INET }, from)).toEqual(['192.0.2.1']);
  expect(asked).toEqual(['h.a.org A', 'h.b.org A']);
});

test('a server that does not answer ends the search', async () => {
  await expect(addresses('h', { family: AF_INET }, sources({ 'h.a.org': 'ETIMEOUT' }))).rejects.toMatchObject({
    eai: EAI_AGAIN,
  });
  expect(asked).toEqual(['h.a.org A']);
});

test('one family is enough', async () => {
  const from = sources(
    {},
    {
      query: async (name, type) => {
        if (type === 'AAAA') throw queryError('ETIMEOUT', type, name);
        return replyOf(name, type, { addresses: ['192.0.2.1'] });
      },
    },
  );
  expect(await addresses('x.org', {}, from)).toEqual(['192.0.2.1']);
});

test('the canonical name stands in the first entry', async () => {
  const from = sources({ 'www.org': { addresses: ['192.0.2.1', '192.0.2.2'], canonicalName: 'real.org' } });
  const infos = await getaddrinfo(from, 'www.org', 80, { type: SOCK_STREAM, flags: AI_CANONNAME });
  expect(infos.map(({ canonname }) => canonname)).toEqual(['real.org', '']);
  const [numeric] = await getaddrinfo(from, '127.1', 80, { flags: AI_CANONNAME });
  expect(numeric?.canonname).toBe('127.1');
  const [host] = await getaddrinfo(from, 'web', 80, { flags: AI_CANONNAME });
  expect(host?.canonname).toBe('web.a.org');
});

test('AI_ADDRCONFIG asks only for families that the stack has', async () => {
  const from = sources(
    { 'x.org': { addresses: ['192.0.2.1', '2001:db8::1'] } },
    {
      configuredFamilies: () => new Set([AF_INET]),
    },
  );
  expect(await addresses('x.org', { flags: AI_ADDRCONFIG }, from)).toEqual(['192.0.2.1']);
  expect(asked).toEqual(['x.org A']);
  await expect(addresses('x.org', { flags: AI_ADDRCONFIG, family: AF_INET6 }, from)).rejects.toMatchObject({
    eai: EAI_NONAME,
  });
});

test('a name in other letters is asked for in ASCII', async () => {
  await expect(addresses('bücher.example', { family: AF_INET })).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(asked[0]).toBe('xn--bcher-kva.example A');
});

test('an abort ends it with the reason', async () => {
  const controller = new AbortController();
  const from = sources({}, { query: () => Promise.reject(controller.signal.reason) });
  controller.abort(new Error('enough'));
  await expect(addresses('x.org', { signal: controller.signal }, from)).rejects.toMatchObject({
    code: 'ABORT_ERR',
    cause: new Error('enough'),
  });
});

test.each([
  [['x', 65536], { code: 'ERR_OUT_OF_RANGE' }],
  [['x', {}], { code: 'ERR_INVALID_ARG_TYPE' }],
  [[5, 80], { code: 'ERR_INVALID_ARG_TYPE' }],
  [['a\0b', 80], { code: 'ERR_INVALID_ARG_VALUE' }],
])('refuses %j', async ([host, port], error) => {
  await expect(getaddrinfo(sources(), host as string, port as number)).rejects.toMatchObject(error);
});

describe('getnameinfo', () => {
  const from = sources({
    '5.0.0.10.in-addr.arpa': { addresses: ['five.a.org'] },
    '6.0.0.10.in-addr.arpa': 'ETIMEOUT',
  });

  test.each<[[string, number], number, [string, string]]>([
    [['10.1.0.1', 80], 0, ['web.a.org', 'http']],
    [['10.0.0.5', 53], NI_DGRAM, ['five.a.org', 'domain']],
    [['10.0.0.5', 80], NI_DGRAM, ['five.a.org', '80']],
    [['10.0.0.5', 80], NI_NUMERICSERV, ['five.a.org', '80']],
    [['10.0.0.5', 80], NI_NUMERICHOST, ['10.0.0.5', 'http']],
    [['10.0.0.5', 80], NI_NOFQDN, ['five', 'http']],
    [['10.0.0.6', 80], 0, ['10.0.0.6', 'http']],
    [['10.0.0.7', 1], 0, ['10.0.0.7', '1']],
  ])('%j with flags %i', async (sockaddr, flags, expected) => {
    expect(await getnameinfo(from, sockaddr, flags)).toEqual(expected);
    expect(await getnameinfo(from, { address: sockaddr[0], port: sockaddr[1] }, flags)).toEqual(expected);
  });

  test('NI_NAMEREQD wants a name', async () => {
    await expect(getnameinfo(from, ['10.0.0.7', 1], NI_NAMEREQD)).rejects.toMatchObject({ eai: EAI_NONAME });
    await expect(getnameinfo(from, ['10.0.0.6', 1], NI_NAMEREQD)).rejects.toMatchObject({ eai: EAI_AGAIN });
    await expect(getnameinfo(from, ['a.org', 1])).rejects.toMatchObject({ eai: EAI_FAMILY });
  });
});
