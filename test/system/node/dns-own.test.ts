import dns from 'node:dns';
import { promisify } from 'node:util';
import { AF_INET } from '../../../lib/constants/index.js';
import { DnsError, GaiError } from '../../../lib/dns/errors.js';
import type { Stack } from '../../../lib/stack/stack.js';
import { runText } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { Network } from '../../support/network.js';
import { answerTo, ScriptedServer } from '../../support/scripted-server.js';

/* What node:dns does not know: several stacks, and the host beside them. */

const directory = useDirectory();
let lan: Network;
let left: Stack;
let right: Stack;
let usual: ScriptedServer;
let other: ScriptedServer;

beforeAll(async () => {
  lan = await Network.create(2);
  [left, right] = lan.stacks as [Stack, Stack];
  usual = serverOf('10.0.0.1', '10.9.0.1');
  other = serverOf('10.0.0.1', '10.9.0.2', 5353);
});
afterAll(async () => {
  for (const server of [usual, other]) server.close();
  await lan.close();
});
beforeEach(() => {
  right.iothdns_update('nameserver 10.0.0.1\noptions timeout:30 attempts:1');
  for (const server of [usual, other]) server.queries.splice(0);
});

function serverOf(address: string, answer: string, port = 53): ScriptedServer {
  return new ScriptedServer(left, address, (query) => [{ bytes: answerTo(query, answer) }], port);
}

const asked = ({ queries }: ScriptedServer) => queries.map(({ name, type }) => `${name} ${type}`);

it('a Resolver asks the server that it was given, where that is the one of the host too', async () => {
  const [host = ''] = new dns.Resolver().getServers();
  const address = /^\d+(\.\d+){3}$/.test(host) ? host : '127.0.0.1';
  right.linksetupdown('lo', true);
  right.ipaddr_add(AF_INET, address, 32, right.if_nametoindex('lo'));
  const own = new ScriptedServer(right, address, (query) => [{ bytes: answerTo(query, '10.9.0.3') }]);
  const resolver = new dns.promises.Resolver();
  resolver.setServers([address]);
  expect(await right.run(() => resolver.resolve4('a.test'))).toEqual(['10.9.0.3']);
  expect([asked(own), asked(usual)]).toEqual([['a.test A'], []]);
  own.close();
});

it('setServers() is of one stack, and of resolve alone; iothdns_update() takes it back', async () => {
  const before = dns.getServers();
  right.run(() => dns.setServers(['10.0.0.1:5353']));
  expect(right.run(() => dns.getServers())).toEqual(['10.0.0.1:5353']);
  expect([right.dns.getServers(), dns.getServers()]).toEqual([['10.0.0.1:5353'], before]);
  expect(await right.run(() => dns.promises.resolve4('b.test'))).toEqual(['10.9.0.2']);
  expect(await right.dns.promises.resolve4('c.test')).toEqual(['10.9.0.2']);
  expect(asked(usual)).toEqual([]);
  expect(await right.run(() => dns.promises.lookup('b.test', 4))).toEqual({ address: '10.9.0.1', family: 4 });
  expect(await right.resolveHost('c.test', AF_INET)).toBe('10.9.0.1');
  expect(await new right.dns.promises.Resolver().resolve4('d.test')).toEqual(['10.9.0.1']);
  right.iothdns_update('10.0.0.1');
  expect(await right.run(() => dns.promises.resolve4('e.test'))).toEqual(['10.9.0.1']);
});

it('dns.setServers() of the host is not of the stacks', async () => {
  const before = dns.getServers();
  dns.setServers(['127.0.0.1:9']);
  try {
    expect(await right.run(() => dns.promises.resolve4('f.test'))).toEqual(['10.9.0.1']);
    expect(await right.run(() => promisify(dns.resolve4)('g.test'))).toEqual(['10.9.0.1']);
  } finally {
    dns.setServers(before);
  }
});

it('what is behind an error is its cause, which no copy of it has', async () => {
  usual.answer = (query) => [
    { bytes: answerTo(query, '', (packet) => Object.assign(packet, { flags: 3, answers: [] })) },
  ];
  const query = await right.run(() => dns.promises.resolve4('no.test')).catch((error) => error);
  const lookup = await right.dns.promises.lookup('no.test').catch((error) => error);
  const back = await new Promise<Error>((resolve) =>
    right.dns.resolveMx('no.test', (error) => resolve(error as Error)),
  );
  expect(query.cause).toBeInstanceOf(DnsError);
  expect(back.cause).toBeInstanceOf(DnsError);
  expect(lookup.cause).toBeInstanceOf(GaiError);
  expect([query, lookup].map((error) => [error instanceof DnsError, error instanceof GaiError])).toEqual([
    [true, false],
    [true, true],
  ]);
  expect([query, lookup].map((error) => [error.name, error.constructor.name])).toEqual([
    ['Error', 'Error'],
    ['Error', 'Error'],
  ]);
  expect({ ...query }).toEqual({ errno: undefined, code: 'ENOTFOUND', syscall: 'queryA', hostname: 'no.test' });
  expect({ ...lookup }).toEqual({ errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'no.test' });
  usual.answer = (query) => [{ bytes: answerTo(query, '10.9.0.1') }];
});

it('what fails of the stack itself is its own error', async () => {
  const environment = process.env.IOTH_DNS;
  process.env.IOTH_DNS = 'other';
  const third = lan.join();
  try {
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('IOTH_DNS') };
    await expect(third.dns.promises.resolve4('a.test')).rejects.toMatchObject(refused);
    await expect(third.dns.promises.lookup('a.test')).rejects.toMatchObject(refused);
    await expect(promisify(third.dns.resolve4)('a.test')).rejects.toMatchObject(refused);
  } finally {
    if (environment === undefined) delete process.env.IOTH_DNS;
    else process.env.IOTH_DNS = environment;
  }
});

it('a reply that cannot be read ends a query, and no look-up of a host', async () => {
  usual.answer = (query) => {
    const broken = answerTo(query, '10.9.0.9');
    broken.writeUInt16BE(5, 6);
    return [{ bytes: broken }, { bytes: answerTo(query, '10.9.0.1'), after: 50 }];
  };
  await expect(right.dns.promises.resolve4('h.test')).rejects.toMatchObject({ code: 'EBADRESP' });
  expect(await right.dns.promises.lookup('h.test', 4)).toEqual({ address: '10.9.0.1', family: 4 });
  usual.answer = (query) => [{ bytes: answerTo(query, '10.9.0.1') }];
});

it('a Resolver from before the first use of a stack keeps what it was given', async () => {
  const program = `
import dns from 'node:dns';
const resolver = new dns.promises.Resolver({ timeout: 50, tries: 3 });
resolver.setServers(['127.0.0.1:53']);
resolver.setLocalAddress('127.0.0.3');
const stack = new ioth.Stack('vdestack', undefined, '127.0.0.1:54');
stack.linksetupdown('lo', true);
const server = stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM);
server.bind(['127.0.0.1', 53]);
const code = await stack.run(() => resolver.resolve4('a.test')).catch((error) => error.code);
const asked = [];
server.setblocking(false);
try {
  for (;;) asked.push((await server.recvfrom(512))[1].address);
} catch {}
console.log(code, asked.join(' '));
await stack.close();`;
  const { stdout, stderr } = await runText(directory.path, program);
  expect({ stdout, stderr }).toEqual({ stdout: 'ETIMEOUT 127.0.0.3 127.0.0.3 127.0.0.3\n', stderr: '' });
});

it('a NUL in a name is refused, in whatever Node: it would cut the name off', () => {
  const refused = expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' });
  for (const lookup of [() => dns.lookup('a\0b', () => {}), () => dns.promises.lookup('a\0b')]) {
    expect(() => right.run(lookup as () => void)).toThrow(refused);
  }
});

it('dns.lookup gives what Node gives, in a later tick', async () => {
  let isLater = false;
  const called = new Promise<unknown[]>((resolve) => {
    const result = right.run(() => dns.lookup('i.test', 4, (...results) => resolve([isLater, ...results])));
    expect(result).toEqual({});
    isLater = true;
  });
  expect(await called).toEqual([true, null, '10.9.0.1', 4]);
});
