import { type AddressInfo, connect, createServer } from 'node:net';
import { AF_INET, AF_INET6, AI_CANONNAME, EAI_AGAIN, EAI_NODATA, EAI_NONAME, SOCK_STREAM, type Stack } from 'ioth';
import { NameNetwork } from '../../support/name-servers.js';
import { BIG, ZONES } from '../../support/zones.js';

const SERVER = '10.5.0.1';
const DNSMASQ = '10.5.0.3';
/** No stack has it. */
const DEAD = '10.5.0.250';

const network = new NameNetwork();
let server: Stack;
let client: Stack;

beforeAll(async () => {
  server = network.join(1);
  client = network.join(2, null, { dns: 'builtin', dnsCache: 0 });
  server.ipaddr_add(AF_INET, DNSMASQ, 24, server.if_nametoindex('vde0'));
  await network.nsd(server, [SERVER, 'fd05::1'], ZONES);
  await network.dnsmasq(
    server,
    [DNSMASQ],
    [
      `--server=/test/${SERVER}`,
      '--host-record=masq.local,10.5.3.1,fd05:3::1',
      '--srv-host=_http._tcp.local,masq.local,8080,5,7',
      '--caa-record=masq.local,0,issue,ca.local',
      '--naptr-record=masq.local,10,20,s,SIP+D2T,,_sip._tcp.local',
      '--mx-host=masq.local,mail.local,5',
      '--txt-record=masq.local,one,two',
      '--cname=alias.local,masq.local',
      '--local=/local/',
    ],
  );
});
afterAll(() => network.close());
beforeEach(() => client.iothdns_update(SERVER));

async function addresses(name: string, family = 0): Promise<string[]> {
  const infos = await client.getaddrinfo(name, 80, family, SOCK_STREAM);
  return infos.map(({ sockaddr }) => sockaddr.address);
}

test('every type of record, from an authoritative server', async () => {
  const { promises } = client.dns;
  expect(await promises.resolve4('host.example.test')).toEqual(['10.5.0.9']);
  expect(await promises.resolve4('host.example.test', { ttl: true })).toEqual([{ address: '10.5.0.9', ttl: 60 }]);
  expect(await promises.resolve6('host.example.test')).toEqual(['fd05::9']);
  expect(await promises.resolveCname('www.example.test')).toEqual(['web.example.test']);
  expect(await promises.resolveNs('example.test')).toEqual(['ns.example.test']);
  expect(await promises.resolveMx('example.test')).toEqual(
    expect.arrayContaining([
      { exchange: 'mail.example.test', priority: 10 },
      { exchange: 'backup.mail.example.test', priority: 20 },
    ]),
  );
  expect(await promises.resolveTxt('example.test')).toEqual(
    expect.arrayContaining([['hello', 'world'], ['v=spf1 -all']]),
  );
  expect(await promises.resolveCaa('example.test')).toEqual(
    expect.arrayContaining([
      { critical: 0, issue: 'ca.test' },
      { critical: 128, iodef: 'mailto:root@example.test' },
    ]),
  );
  expect(await promises.resolveNaptr('example.test')).toEqual([
    { flags: 's', service: 'SIP+D2U', regexp: '', replacement: '_sip._udp.example.test', order: 100, preference: 50 },
  ]);
  expect(await promises.resolveSrv('_sip._udp.example.test')).toEqual(
    expect.arrayContaining([
      { name: 'sip.example.test', port: 5060, priority: 10, weight: 60 },
      { name: 'sip.example.test', port: 5061, priority: 20, weight: 0 },
    ]),
  );
  expect(await promises.resolveSoa('example.test')).toEqual({
    nsname: 'ns.example.test',
    hostmaster: 'root.example.test',
    serial: 2026010101,
    refresh: 7200,
    retry: 3600,
    expire: 86400,
    minttl: 60,
  });
  expect(await promises.resolvePtr('9.0.5.10.in-addr.arpa')).toEqual(['host.example.test']);
  expect(await promises.reverse('10.5.0.9')).toEqual(['host.example.test']);
  expect(await promises.reverse('fd05::9')).toEqual(['host.example.test']);
  // one type is enough of an answer, RFC 8482
  expect(await promises.resolveAny('example.test')).toEqual([expect.objectContaining({ type: expect.any(String) })]);
});

test('every type of record that dnsmasq has', async () => {
  client.iothdns_update(DNSMASQ);
  const { promises } = client.dns;
  expect(await promises.resolve4('masq.local')).toEqual(['10.5.3.1']);
  expect(await promises.resolve6('masq.local')).toEqual(['fd05:3::1']);
  expect(await promises.resolveSrv('_http._tcp.local')).toEqual([
    { name: 'masq.local', port: 8080, priority: 5, weight: 7 },
  ]);
  expect(await promises.resolveCaa('masq.local')).toEqual([{ critical: 0, issue: 'ca.local' }]);
  expect(await promises.resolveNaptr('masq.local')).toEqual([
    { flags: 's', service: 'SIP+D2T', regexp: '', replacement: '_sip._tcp.local', order: 10, preference: 20 },
  ]);
  expect(await promises.resolveMx('masq.local')).toEqual([{ exchange: 'mail.local', priority: 5 }]);
  expect(await promises.resolveTxt('masq.local')).toEqual([['one', 'two']]);
  expect(await promises.reverse('10.5.3.1')).toEqual(['masq.local']);
  const any = await promises.resolveAny('masq.local');
  expect(any).toHaveLength(6);
  expect(any).toEqual(
    expect.arrayContaining([
      { type: 'A', address: '10.5.3.1', ttl: 0 },
      { type: 'AAAA', address: 'fd05:3::1', ttl: 0 },
      { type: 'CAA', critical: 0, issue: 'ca.local' },
      { type: 'MX', exchange: 'mail.local', priority: 5 },
      { type: 'TXT', entries: ['one', 'two'] },
      expect.objectContaining({ type: 'NAPTR', service: 'SIP+D2T' }),
    ]),
  );
  expect(await addresses('alias.local')).toEqual(['10.5.3.1', 'fd05:3::1']);
  // forwarded to the authoritative server
  expect(await addresses('www.example.test')).toEqual(['10.5.0.9', 'fd05::9']);
});

test('the search list and ndots', async () => {
  client.iothdns_update(`nameserver ${SERVER}\nsearch example.test sub.test\n`);
  expect(await addresses('host', AF_INET)).toEqual(['10.5.0.9']);
  expect(await addresses('only')).toEqual(['10.6.0.1']);
  expect(await addresses('a.b')).toEqual(['10.6.0.2']);
  await expect(addresses('only.')).rejects.toMatchObject({ eai: EAI_AGAIN });
  client.iothdns_update(`nameserver ${SERVER}\nsearch sub.test\noptions ndots:3\n`);
  expect(await addresses('host')).toEqual(['10.6.0.9']);
  expect(await addresses('host.example.test', AF_INET)).toEqual(['10.5.0.9']);
});

test('chains of aliases, also to another zone; a loop of them is nothing', async () => {
  const [info] = await client.getaddrinfo('www.example.test', 80, AF_INET, SOCK_STREAM, 0, AI_CANONNAME);
  expect(info).toMatchObject({ canonname: 'host.example.test', sockaddr: { address: '10.5.0.9' } });
  expect(await addresses('elsewhere.example.test', AF_INET)).toEqual(['10.6.1.1']);
  await expect(addresses('dangling.example.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(addresses('loop1.example.test')).rejects.toMatchObject({
    code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
  });
});

test.each([true, false])(`an answer of ${BIG} addresses comes over TCP (EDNS: %s)`, async (edns0) => {
  client.iothdns_update(`nameserver ${SERVER}\noptions ${edns0 ? 'edns0' : 'no-edns0'}\n`);
  const found = await client.dns.promises.resolve4('big.example.test');
  expect(new Set(found).size).toBe(BIG);
  expect(await addresses('big.example.test', AF_INET)).toHaveLength(BIG);
});

test('use-vc asks over TCP from the start', async () => {
  client.iothdns_update(`nameserver ${SERVER}\noptions use-vc\n`);
  expect(await addresses('host.example.test', AF_INET)).toEqual(['10.5.0.9']);
});

test('a name that is not there, and one that has nothing of the kind', async () => {
  const { promises } = client.dns;
  await expect(promises.resolve4('nowhere.example.test')).rejects.toMatchObject({
    code: 'ENOTFOUND',
    syscall: 'queryA',
    hostname: 'nowhere.example.test',
  });
  await expect(promises.resolve4('text.example.test')).rejects.toMatchObject({ code: 'ENODATA', syscall: 'queryA' });
  await expect(promises.resolveMx('host.example.test')).rejects.toMatchObject({ code: 'ENODATA', syscall: 'queryMx' });
  await expect(addresses('nowhere.example.test')).rejects.toMatchObject({ eai: EAI_NONAME, code: 'ENOTFOUND' });
  await expect(addresses('text.example.test')).rejects.toMatchObject({ eai: EAI_NODATA, code: 'ENOTFOUND' });
  await expect(addresses('six.example.test', AF_INET)).rejects.toMatchObject({ eai: EAI_NODATA });
});

/** How many servers `work` asks before a timer of `ms` goes off. Timers of one loop go off in their order, however late. */
async function askedWithin(ms: number, work: () => Promise<unknown>): Promise<number> {
  const isOver = jest.fn();
  const timer = setTimeout(isOver, ms);
  const asks = jest.spyOn(client, 'socket');
  await work();
  clearTimeout(timer);
  const [over = Number.POSITIVE_INFINITY] = isOver.mock.invocationCallOrder;
  const asked = asks.mock.invocationCallOrder.filter((order) => order < over).length;
  asks.mockRestore();
  return asked;
}

test('a dead first server: the second is asked within the timeout of the first, and answers', async () => {
  client.iothdns_update(`nameserver ${DEAD}\nnameserver ${SERVER}\noptions timeout:2 attempts:5\n`);
  const asked = await askedWithin(2000, async () => {
    expect(await client.dns.promises.resolve4('host.example.test')).toEqual(['10.5.0.9']);
  });
  expect(asked).toBe(2);
});

test('a first server that refuses the packets costs no time', async () => {
  client.iothdns_update(`nameserver 10.5.0.2\nnameserver ${SERVER}\noptions timeout:30\n`);
  // after half of that the second would be asked in any case
  const asked = await askedWithin(15_000, async () => {
    expect(await client.dns.promises.resolve4('host.example.test')).toEqual(['10.5.0.9']);
  });
  expect(asked).toBe(2);
});

test('no server answers: it ends after timeout times attempts', async () => {
  client.iothdns_update(`nameserver ${DEAD}\noptions timeout:1 attempts:1\n`);
  const isOver = jest.fn();
  const timer = setTimeout(isOver, 2000);
  await expect(addresses('host.example.test')).rejects.toMatchObject({ eai: EAI_AGAIN, code: 'EAI_AGAIN' });
  expect(isOver).not.toHaveBeenCalled();
  clearTimeout(timer);
  // an ARP that fails is EHOSTUNREACH, a silence is a timeout
  await expect(client.dns.promises.resolve4('host.example.test')).rejects.toMatchObject({
    code: expect.stringMatching(/ETIMEOUT|ECONNREFUSED/),
  });
});

test('a server that fails', async () => {
  await expect(addresses('x.broken.test')).rejects.toMatchObject({ eai: EAI_AGAIN });
  await expect(client.dns.promises.resolve4('x.broken.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  // another may know
  client.iothdns_update(`nameserver ${SERVER}\nnameserver ${DNSMASQ}\n`);
  expect(await addresses('masq.local')).toEqual(['10.5.3.1', 'fd05:3::1']);
});

test('no server at all', async () => {
  client.iothdns_update('');
  await expect(addresses('host.example.test')).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  await expect(client.dns.promises.resolve4('host.example.test')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('servers that have IPv6 alone, link-local ones by zone', async () => {
  client.iothdns_update('fd05::1');
  expect(await addresses('host.example.test')).toEqual(['10.5.0.9', 'fd05::9']);
  client.iothdns_update('fd05::1%vde0');
  expect(await addresses('host.example.test')).toEqual(['10.5.0.9', 'fd05::9']);
});

test('the hosts file comes first, the services file has the ports', async () => {
  client.iothdns_setpath('hosts', network.write('hosts', '10.8.0.1 host.example.test mine\nfd08::1 mine\n'));
  client.iothdns_setpath('services', network.write('services', 'special 4242/tcp\n'));
  try {
    expect(await addresses('host.example.test')).toEqual(['10.8.0.1']);
    expect(await addresses('mine', AF_INET6)).toEqual(['fd08::1']);
    const [info] = await client.getaddrinfo('mine', 'special', AF_INET);
    expect(info).toMatchObject({ type: SOCK_STREAM, sockaddr: { address: '10.8.0.1', port: 4242 } });
    expect(await client.getnameinfo(['10.8.0.1', 4242])).toEqual(['host.example.test', 'special']);
    expect(await client.dns.promises.lookupService('10.8.0.1', 4242)).toEqual({
      hostname: 'host.example.test',
      service: 'special',
    });
  } finally {
    client.iothdns_setpath('hosts', null);
    client.iothdns_setpath('services', null);
  }
  expect(await client.getnameinfo(['10.5.0.9', 80])).toEqual(['host.example.test', 'http']);
});

test('lookups in the shape of node:dns', async () => {
  const { lookup, promises } = client.dns;
  expect(await promises.lookup('host.example.test')).toEqual({ address: '10.5.0.9', family: 4 });
  expect(await promises.lookup('host.example.test', 6)).toEqual({ address: 'fd05::9', family: 6 });
  expect(await promises.lookup('host.example.test', { all: true, order: 'ipv6first' })).toEqual([
    { address: 'fd05::9', family: 6 },
    { address: '10.5.0.9', family: 4 },
  ]);
  const one = await new Promise((resolve) => lookup('host.example.test', (...results) => resolve(results)));
  expect(one).toEqual([null, '10.5.0.9', 4]);
  const failed = await new Promise((resolve) => lookup('nowhere.example.test', {}, (error) => resolve(error)));
  expect(failed).toMatchObject({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere.example.test' });
});

test("lookup is what Node's own net takes", async () => {
  client.iothdns_setpath('hosts', network.write('loopback', '127.0.0.1 of-the-stack.test\n'));
  const listening = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const socket = connect({ host: 'of-the-stack.test', port, lookup: client.dns.lookup });
  const chunks = await socket.setEncoding('utf8').toArray();
  expect(chunks.join('')).toBe('hello');
  listening.close();
  client.iothdns_setpath('hosts', null);
  expect(client.dns.NOTFOUND).toBe('ENOTFOUND');
});

test('sockets take names', async () => {
  const listener = server.socket(AF_INET, SOCK_STREAM);
  listener.bind(['10.5.0.1', 0]);
  listener.listen();
  const { port } = listener.getsockname();
  const socket = client.socket(AF_INET, SOCK_STREAM);
  expect(socket.bind(['localhost', 0])).toBeUndefined();
  expect(socket.getsockname().address).toBe('127.0.0.1');
  socket.close();
  const second = client.socket(AF_INET, SOCK_STREAM);
  await second.connect(['ns.example.test', port]);
  expect(second.getpeername()).toMatchObject({ address: '10.5.0.1', port });
  second.close();
  const third = client.socket(AF_INET, SOCK_STREAM);
  await expect(third.connect(['nowhere.example.test', port])).rejects.toMatchObject({ code: 'ENOTFOUND' });
  third.close();
  listener.close();
});

test('bind and the blocking calls take the names that no server is asked for', () => {
  client.iothdns_setpath(
    'hosts',
    network.write('own', '10.5.0.2 own.test\nfd05::2 own.test\n127.0.0.9 alias.test Loop\n'),
  );
  const ipv4 = client.socket(AF_INET, SOCK_STREAM);
  ipv4.bind(['OWN.test', 0]);
  expect(ipv4.getsockname().address).toBe('10.5.0.2');
  ipv4.close();
  const listener = client.socket(AF_INET, SOCK_STREAM);
  listener.bind({ address: 'loop', port: 0 });
  listener.listen();
  const socket = client.socket(AF_INET, SOCK_STREAM);
  socket.sync.connect(['alias.test', listener.getsockname().port]);
  expect(socket.getpeername().address).toBe('127.0.0.9');
  const ipv6 = client.socket(AF_INET6, SOCK_STREAM);
  expect(() => ipv6.bind(['alias.test', 0])).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('stack.getaddrinfo(') }),
  );
  ipv6.bind(['localhost', 0]);
  expect(ipv6.getsockname().address).toBe('::1');
  for (const each of [listener, socket, ipv6]) each.close();
  client.iothdns_setpath('hosts', null);
});
