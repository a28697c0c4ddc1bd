import { AF_INET, IothError, SOCK_STREAM, type Socket, type Stack } from 'ioth';
import { parseResolvConf } from '../../../lib/dns/resolv-conf.js';
import type { StackInterface } from '../../../lib/dns/stack-interface.js';
import { StubResolver } from '../../../lib/dns/stub-resolver.js';
import { NameNetwork } from '../../support/name-servers.js';
import { answerTo, type ReceivedQuery, ScriptedServer, type Sent } from '../../support/scripted-server.js';
import { until } from '../../support/until.js';

const TRUE = '10.5.0.9';
const FALSE = '10.66.66.66';
const OTHER_ADDRESS = '10.5.0.101';

const network = new NameNetwork();
let client: Stack;
let server: ScriptedServer;
let otherPort: Socket;
let otherAddress: Socket;

beforeAll(() => {
  const stack = network.join(1);
  stack.ipaddr_add(AF_INET, OTHER_ADDRESS, 24, stack.if_nametoindex('vde0'));
  client = network.join(2, 'nameserver 10.5.0.1\noptions timeout:30 attempts:1\n', { dns: 'builtin', dnsCache: 0 });
  server = new ScriptedServer(stack, '10.5.0.1', () => []);
  otherPort = server.open(5353);
  otherAddress = server.open(53, OTHER_ADDRESS);
});
afterAll(async () => {
  server.close();
  await network.close();
});

beforeEach(() => {
  server.queries.splice(0);
  client.iothdns_update('nameserver 10.5.0.1\noptions timeout:30 attempts:1\n');
});

async function lookUp(name = 'victim.test'): Promise<string[]> {
  const infos = await client.getaddrinfo(name, 80, AF_INET, SOCK_STREAM);
  return infos.map(({ sockaddr }) => sockaddr.address);
}

const forgeries: Record<string, (query: ReceivedQuery) => Sent> = {
  'a wrong id': (query) => ({ bytes: answerTo({ ...query, id: query.id ^ 1 }, FALSE) }),
  'a wrong name': (query) => ({ bytes: answerTo({ ...query, name: 'other.test' }, FALSE) }),
  'a wrong type': (query) => ({
    bytes: answerTo(query, FALSE, (packet) => (packet.questions = [{ name: query.name, type: 'MX' }])),
  }),
  'no question': (query) => ({ bytes: answerTo(query, FALSE, (packet) => (packet.questions = [])) }),
  'a query, not a response': (query) => {
    const bytes = answerTo(query, FALSE);
    bytes[2] = (bytes[2] ?? 0) & 0x7f;
    return { bytes };
  },
  'another port of the server': (query) => ({ bytes: answerTo(query, FALSE), via: otherPort }),
  'another address': (query) => ({ bytes: answerTo(query, FALSE), via: otherAddress }),
  'nothing in the datagram': () => ({ bytes: Buffer.alloc(0) }),
  'half a message': (query) => ({ bytes: answerTo(query, FALSE).subarray(0, 20) }),
  'counts that are not true': (query) => {
    const bytes = answerTo(query, FALSE);
    bytes.writeUInt16BE(65535, 6);
    return { bytes };
  },
  'a name that points at itself': (query) => {
    const bytes = answerTo(query, FALSE);
    // the name of the record, 14 bytes and the address before the end
    bytes.writeUInt16BE(0xc000 | (12 + query.name.length + 2 + 4), 12 + query.name.length + 2 + 4);
    return { bytes };
  },
  'an address that is cut short': (query) => {
    const bytes = answerTo(query, FALSE);
    bytes.writeUInt16BE(2, bytes.length - 6);
    return { bytes: bytes.subarray(0, -2) };
  },
};

test.each(Object.keys(forgeries))('%s is ignored, the true answer after it arrives', async (what) => {
  server.answer = (query) => [
    forgeries[what]?.(query) ?? { bytes: Buffer.alloc(0) },
    { bytes: answerTo(query, TRUE), after: 50 },
  ];
  expect(await lookUp()).toEqual([TRUE]);
});

test('all of them at once, many times over', async () => {
  server.answer = (query) => [
    ...Object.values(forgeries).flatMap((forge) => Array.from({ length: 10 }, () => forge(query))),
    { bytes: answerTo(query, TRUE), after: 50 },
  ];
  expect(await lookUp()).toEqual([TRUE]);
});

test('an answer that is late is not the answer to the next question', async () => {
  let ask = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  server.answer = (query) => {
    const isFirst = server.queries.length === 1;
    if (!isFirst) ask();
    // both leave when the second query waits, the late one before the other
    return [{ bytes: answerTo(query, isFirst ? FALSE : TRUE), after: asked }];
  };
  client.iothdns_update('nameserver 10.5.0.1\noptions timeout:1 attempts:1\n');
  await expect(lookUp()).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  client.iothdns_update('nameserver 10.5.0.1\noptions timeout:30 attempts:1\n');
  expect(await lookUp()).toEqual([TRUE]);
  expect(server.queries).toHaveLength(2);
});

test('each query has a port and an id of its own', async () => {
  server.answer = (query) => [{ bytes: answerTo(query, TRUE) }];
  for (let i = 0; i < 40; i++) await lookUp(`n${i}.test`);
  expect(server.queries).toHaveLength(40);
  expect(new Set(server.queries.map(({ from }) => from.port)).size).toBeGreaterThan(35);
  expect(new Set(server.queries.map(({ id }) => id)).size).toBeGreaterThan(35);
});

test('the records of another name in the answer are not taken', async () => {
  server.answer = (query) => [
    {
      bytes: answerTo(query, TRUE, (packet) =>
        packet.answers?.unshift({ type: 'A', name: 'bank.test', ttl: 60, data: FALSE }),
      ),
    },
  ];
  expect(await lookUp()).toEqual([TRUE]);
});

test('a truncated answer is asked for again over TCP', async () => {
  server.answer = (query) => [
    { bytes: answerTo(query, query.isTcp ? TRUE : FALSE, (packet) => (packet.flags = query.isTcp ? 0 : 0x0200)) },
  ];
  expect(await lookUp()).toEqual([TRUE]);
  expect(server.queries.map(({ isTcp }) => isTcp)).toEqual([false, true]);
});

test('a server that does not know EDNS is asked without', async () => {
  let count = 0;
  server.answer = (query) => [{ bytes: answerTo(query, TRUE, (packet) => (packet.flags = count++ === 0 ? 1 : 0)) }];
  expect(await lookUp()).toEqual([TRUE]);
  expect(server.queries).toHaveLength(2);
});

test('rotate spreads the queries over the servers', async () => {
  const second = new ScriptedServer(network.join(6), '10.5.0.6', (query) => [{ bytes: answerTo(query, TRUE) }]);
  server.answer = second.answer;
  client.iothdns_update('nameserver 10.5.0.1\nnameserver 10.5.0.6\noptions rotate timeout:30\n');
  for (let i = 0; i < 10; i++) await lookUp(`r${i}.test`);
  expect([server.queries.length, second.queries.length]).toEqual([5, 5]);
  second.close();
});

test('a query that is lost is sent again', async () => {
  server.answer = (query) => (server.queries.length === 1 ? [] : [{ bytes: answerTo(query, TRUE) }]);
  client.iothdns_update('nameserver 10.5.0.1\noptions timeout:1 attempts:5\n');
  expect(await lookUp()).toEqual([TRUE]);
  expect(server.queries.length).toBeGreaterThan(1);
});

test('out of descriptors, a query waits for one', async () => {
  server.answer = (query) => [{ bytes: answerTo(query, TRUE) }];
  let refused = 0;
  const scarce: Partial<StackInterface> = {
    closed: false,
    interfaces: () => client.interfaces(),
    if_nametoindex: (name) => client.if_nametoindex(name),
    socket: (family, type) => {
      if (refused++ < 3) throw new IothError('EMFILE', { syscall: 'socket' });
      return client.socket(family, type);
    },
  };
  const stub = new StubResolver(scarce as StackInterface, () =>
    parseResolvConf('nameserver 10.5.0.1\noptions timeout:30'),
  );
  expect((await stub.query('h.test', 'A')).records).toMatchObject([{ data: TRUE }]);
  expect(refused).toBe(4);
});

test('an abort and cancel() end the wait at once, and close the sockets', async () => {
  server.answer = () => [];
  client.iothdns_update('nameserver 10.5.0.1\noptions timeout:30 attempts:5\n');
  const controller = new AbortController();
  const aborted = client.getaddrinfo('a.test', 80, 0, 0, 0, 0, { signal: controller.signal });
  const resolver = new client.dns.promises.Resolver();
  const cancelled = [resolver.resolve4('b.test'), resolver.resolveMx('c.test')];
  const questions = ['A a.test', 'A b.test', 'AAAA a.test', 'MX c.test'];
  const asked = () => server.queries.map(({ type, name }) => `${type} ${name}`).sort();
  await until('the server has the questions', () => server.queries.length === questions.length);
  controller.abort(new Error('enough'));
  resolver.cancel();
  await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR', cause: new Error('enough') });
  for (const query of cancelled) await expect(query).rejects.toMatchObject({ code: 'ECANCELLED' });
  // none was asked for again, as after its time
  expect(asked()).toEqual(questions);
});

test('closing the stack ends its queries', async () => {
  const other = network.join(4, 'nameserver 10.5.0.1\noptions timeout:30\n', { dns: 'builtin' });
  const query = other.dns.promises.resolve4('d.test');
  const lookup = other.getaddrinfo('e.test', 80);
  const ended = Promise.allSettled([query, lookup]);
  await until('the server has the questions', () => server.queries.length === 3);
  await other.close();
  const results = await ended;
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(results).toMatchObject([{ reason: { code: 'ECANCELLED' } }, { reason: { code: 'ECANCELLED' } }]);
});

test('a resolver of its own has its own servers and timeout', async () => {
  server.answer = (query) => [{ bytes: answerTo(query, TRUE) }];
  const resolver = new client.dns.promises.Resolver({ timeout: 100, tries: 1 });
  resolver.setServers(['10.5.0.250']);
  expect(resolver.getServers()).toEqual(['10.5.0.250']);
  expect(client.dns.getServers()).toEqual(['10.5.0.1']);
  await expect(resolver.resolve4('f.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  const patient = new client.dns.promises.Resolver();
  patient.setServers(['10.5.0.1:53']);
  expect(patient.getServers()).toEqual(['10.5.0.1']);
  expect(await patient.resolve4('f.test')).toEqual([TRUE]);
  const callbacks = new client.dns.Resolver();
  const answer = await new Promise((resolve) => callbacks.resolve4('f.test', (...results) => resolve(results)));
  expect(answer).toEqual([null, [TRUE]]);
});

test('answers are held as long as they say, and not at all with dnsCache 0', async () => {
  server.answer = (query) => [{ bytes: answerTo(query, TRUE) }];
  const holding = network.join(5, 'nameserver 10.5.0.1\noptions timeout:30\n', { dns: 'builtin' });
  server.queries.splice(0);
  for (let i = 0; i < 3; i++) expect(await holding.dns.promises.resolve4('g.test')).toEqual([TRUE]);
  expect(server.queries).toHaveLength(1);
  for (let i = 0; i < 3; i++) await client.dns.promises.resolve4('g.test');
  expect(server.queries).toHaveLength(4);
});

describe('after the servers changed', () => {
  let holding: Stack;
  let next: ScriptedServer;

  beforeAll(() => {
    next = new ScriptedServer(network.join(7), '10.5.0.7', (query) => [{ bytes: answerTo(query, TRUE) }]);
    holding = network.join(8, null, { dns: 'builtin' });
  });
  afterAll(() => next.close());

  /** Asks the former server, which answers when `release` is called, and changes to the next one. */
  async function askBeforeChange(name: string): Promise<{ asked: Promise<string[]>; release: () => void }> {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = (query) => [{ bytes: answerTo(query, FALSE), after: released }];
    holding.iothdns_update('nameserver 10.5.0.1\noptions timeout:30\n');
    const asked = holding.dns.promises.resolve4(name);
    await until('the former server has the question', () => server.queries.length === 1);
    holding.iothdns_update('10.5.0.7');
    return { asked, release };
  }

  test('an equal question is asked again, and the late answer is not held', async () => {
    const { asked, release } = await askBeforeChange('h.test');
    expect(await holding.dns.promises.resolve4('h.test')).toEqual([TRUE]);
    release();
    expect(await asked).toEqual([FALSE]);
    expect(await holding.dns.promises.resolve4('h.test')).toEqual([TRUE]);
  });

  test('a late answer is not held if it is the only one', async () => {
    const { asked, release } = await askBeforeChange('i.test');
    release();
    expect(await asked).toEqual([FALSE]);
    expect(await holding.dns.promises.resolve4('i.test')).toEqual([TRUE]);
  });

  test('cancel() reaches the queries to the former ones, too', async () => {
    server.answer = () => [];
    const stub = new StubResolver(client, () => parseResolvConf('nameserver 10.5.0.1\noptions timeout:30'));
    const asked = stub.query('j.test', 'A');
    await until('the former server has the question', () => server.queries.length === 1);
    stub.clearCache();
    stub.cancel();
    await expect(asked).rejects.toMatchObject({ code: 'ECANCELLED' });
  });
});
