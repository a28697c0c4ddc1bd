import { AF_INET, AF_INET6, EAI_AGAIN, EAI_NONAME, SOCK_STREAM, type Stack } from 'ioth';
import { NameNetwork } from '../../support/name-servers.js';
import { answerTo, type ReceivedQuery, ScriptedServer, type Sent } from '../../support/scripted-server.js';

/** What hosts files and servers in the field have. */

const FIRST = '10.5.0.1';
const SECOND = '10.5.0.3';

const network = new NameNetwork();
let client: Stack;
let first: ScriptedServer;
let second: ScriptedServer;

beforeAll(() => {
  const server = network.join(1);
  server.ipaddr_add(AF_INET, SECOND, 24, server.if_nametoindex('vde0'));
  client = network.join(2, null, { dns: 'builtin', dnsCache: 0 });
  first = new ScriptedServer(server, FIRST, () => []);
  second = new ScriptedServer(server, SECOND, (query) => [{ bytes: answerTo(query, '10.9.0.2') }]);
});
afterAll(async () => {
  first.close();
  second.close();
  await network.close();
});
beforeEach(() => {
  first.queries.length = 0;
  second.queries.length = 0;
});

async function addresses(name: string, family = 0): Promise<string[]> {
  const infos = await client.getaddrinfo(name, 80, family, SOCK_STREAM);
  return infos.map(({ sockaddr }) => sockaddr.address);
}

describe('the hosts file', () => {
  beforeAll(() => {
    client.iothdns_setpath(
      'hosts',
      network.write(
        'hosts',
        `127.0.0.1 localhost
127.0.0.1 localhost.localdomain
255.255.255.255 broadcasthost
::1 localhost
fe80::1%lo0 localhost
fe80::1%lo0 mixed only
10.5.0.9 mixed localhost
fd05::2 mixed
fe80::5%vde0 near
`,
      ),
    );
  });
  afterAll(() => client.iothdns_setpath('hosts', null));

  test('localhost is the loopback, whatever stands there', async () => {
    expect((await addresses('localhost')).sort()).toEqual(['127.0.0.1', '::1']);
    expect(await addresses('LocalHost.', AF_INET)).toEqual(['127.0.0.1']);
    expect(await addresses('localhost', AF_INET6)).toEqual(['::1']);
    const sockets = [client.socket(AF_INET, SOCK_STREAM), client.socket(AF_INET6, SOCK_STREAM)];
    for (const socket of sockets) socket.bind(['localhost', 0]);
    expect(sockets.map((socket) => socket.getsockname().address)).toEqual(['127.0.0.1', '::1']);
    for (const socket of sockets) socket.close();
    expect((await client.dns.promises.lookup('localhost')).address).toMatch(/^(127\.0\.0\.1|::1)$/);
  });

  test('an entry in a zone that the stack does not have is skipped, unless it is the only one', async () => {
    expect((await addresses('mixed')).sort()).toEqual(['10.5.0.9', 'fd05::2']);
    expect(await addresses('mixed', AF_INET6)).toEqual(['fd05::2']);
    expect(await addresses('near')).toEqual(['fe80::5']);
    await expect(addresses('only')).rejects.toMatchObject({
      eai: EAI_NONAME,
      message: expect.stringContaining("the stack has no interface 'lo0' for fe80::1%lo0"),
    });
    const socket = client.socket(AF_INET6, SOCK_STREAM);
    socket.bind(['mixed', 0]);
    expect(socket.getsockname().address).toBe('fd05::2');
    socket.close();
  });
});

/** The 12 bytes of a header that says `rcode`, and no question. */
function bare({ id }: ReceivedQuery, rcode: number): Sent[] {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x8180 | rcode, 2);
  return [{ bytes }];
}

describe('a failure in 12 bytes, without the question', () => {
  test.each([
    ['FORMERR', 1, 'EFORMERR'],
    ['SERVFAIL', 2, 'ESERVFAIL'],
    ['NOTIMP', 4, 'ENOTIMP'],
    ['REFUSED', 5, 'EREFUSED'],
  ])('%s: without EDNS at once, then the next server', async (_, rcode, code) => {
    first.answer = (query) => bare(query, rcode);
    client.iothdns_update(`nameserver ${FIRST}\nnameserver ${SECOND}\noptions timeout:30\n`);
    expect(await addresses('name.test', AF_INET)).toEqual(['10.9.0.2']);
    expect(first.queries.map(({ edns }) => edns)).toEqual([true, false]);
    client.iothdns_update(`nameserver ${FIRST}\noptions timeout:30\n`);
    await expect(client.dns.promises.resolve4('name.test')).rejects.toMatchObject({ code });
    // as c-ares of Node 20 does, resolve4 asks without EDNS
    expect(first.queries.map(({ edns }) => edns)).toEqual([true, false, false]);
  });

  test('a server that does not know EDNS answers without it', async () => {
    first.answer = (query) => (query.edns ? bare(query, 1) : [{ bytes: answerTo(query, '10.9.0.1') }]);
    client.iothdns_update(`nameserver ${FIRST}\nnameserver ${SECOND}\noptions timeout:30\n`);
    expect(await addresses('name.test', AF_INET)).toEqual(['10.9.0.1']);
    expect(second.queries).toEqual([]);
  });

  test('success in 12 bytes is nobody’s answer', async () => {
    first.answer = (query) => [...bare(query, 0), ...bare(query, 3), { bytes: answerTo(query, '10.9.0.1') }];
    client.iothdns_update(`nameserver ${FIRST}\noptions timeout:30\n`);
    expect(await addresses('name.test', AF_INET)).toEqual(['10.9.0.1']);
  });
});

describe('a truncated answer whose TCP server closes early', () => {
  beforeEach(() => {
    const truncated = (query: ReceivedQuery) => {
      const bytes = answerTo(query, '10.9.0.1');
      bytes.writeUInt16BE(bytes.readUInt16BE(2) | 0x200, 2);
      return [{ bytes }];
    };
    first.answer = (query) => (query.isTcp ? [] : truncated(query));
  });

  test('is asked for as often as is configured, and may be had later', async () => {
    client.iothdns_update(`nameserver ${FIRST}\noptions timeout:30 attempts:3\n`);
    await expect(addresses('name.test', AF_INET)).rejects.toMatchObject({ eai: EAI_AGAIN, code: 'EAI_AGAIN' });
    expect(first.queries.map(({ isTcp }) => isTcp)).toEqual([false, true, false, true, false, true]);
  });

  test('is asked of the next server', async () => {
    client.iothdns_update(`nameserver ${FIRST}\nnameserver ${SECOND}\noptions timeout:30\n`);
    expect(await addresses('name.test', AF_INET)).toEqual(['10.9.0.2']);
    expect(first.queries).toHaveLength(2);
  });
});
