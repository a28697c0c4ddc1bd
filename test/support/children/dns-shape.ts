import hostDgram from 'node:dgram';
import hostDns from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import * as dnsPacket from 'dns-packet';

/*
 * Uses node:dns in many ways, and prints what comes of each as JSON: plain, with ioth/register, as `stack.dns` (argument 'face'), or in a
 * worker thread ('worker').
 * Its name server has port 53 of 127.0.0.1, where /etc/resolv.conf must lead; another one has port 5300.
 */

type Outcome = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: it is called in all the wrong ways
type Loose = any;

const PORTS = [53, 5300];
/**
 * Options of a Resolver whose servers answer, unless it has to give up. c-ares takes no more than five seconds, and after three answers
 * 250 ms, which a busy machine may stand still for; it doubles that with each try.
 */
const PATIENT = { timeout: 5000, tries: 4 };
const mode = process.argv[2];
const { dns, dgram, end } =
  mode === 'face' ? await face() : { dns: hostDns as Loose, dgram: hostDgram, end: async () => {} };
const outcomes: Outcome = {};
/** What came to the two servers since the last look: name, type, additional records, and the address that it came from. */
const asked: string[] = [];

async function face() {
  const { Stack } = await import('../../../lib/index.js');
  const stack = new Stack('vdestack');
  stack.linksetupdown('lo', true);
  return { dns: stack.dns as Loose, dgram: stack.dgram, end: () => stack.close() };
}

const RECORDS: dnsPacket.Answer[] = [
  { type: 'A', name: 'any.test', ttl: 0, data: '10.0.0.1' },
  { type: 'AAAA', name: 'any.test', ttl: 0, data: 'fd00::1' },
  { type: 'CNAME', name: 'alias.test', ttl: 0, data: 'any.test' },
  { type: 'MX', name: 'any.test', ttl: 0, data: { preference: 10, exchange: 'mail.test' } },
  { type: 'NS', name: 'any.test', ttl: 0, data: 'ns.test' },
  { type: 'TXT', name: 'any.test', ttl: 0, data: ['one', 'two'] },
  { type: 'SRV', name: 'any.test', ttl: 0, data: { target: 'srv.test', port: 80, priority: 1, weight: 2 } },
  { type: 'PTR', name: 'any.test', ttl: 0, data: 'ptr.test' },
  {
    type: 'NAPTR',
    name: 'any.test',
    ttl: 0,
    data: { order: 1, preference: 2, flags: 's', services: 'x', regexp: '', replacement: 'r.test' },
  },
  {
    type: 'SOA',
    name: 'any.test',
    ttl: 0,
    data: { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
  },
  { type: 'CAA', name: 'any.test', ttl: 0, data: { flags: 128, tag: 'issue', value: 'ca.test' } },
  { type: 'PTR', name: '9.0.0.10.in-addr.arpa', ttl: 0, data: 'nine.test' },
  { type: 'A', name: 'both.test', ttl: 0, data: '10.0.0.2' },
  { type: 'AAAA', name: 'both.test', ttl: 0, data: 'fd00::2' },
  { type: 'A', name: 'ttl.test', ttl: 60, data: '10.0.0.6' },
  { type: 'AAAA', name: 'ttl.test', ttl: 61, data: 'fd00::6' },
  { type: 'A', name: 'four.test', ttl: 0, data: '10.0.0.4' },
];
/** Without them glibc takes an empty answer for a referral. */
const FLAGS = dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE;
const RCODES: Record<string, number> = { nx: 3, servfail: 2, refused: 5, notimp: 4, formerr: 1 };

function answerTo(query: Buffer, address: string | undefined): Buffer | undefined {
  const { id, questions: [question] = [] } = dnsPacket.decode(query);
  const { name = '', type } = question ?? {};
  const [label = ''] = name.split('.');
  if (label === 'silent') return undefined;
  const answers = RECORDS.filter((record) => record.name === name && (`${type}` === 'ANY' || record.type === type)).map(
    (record) => (address && record.type === 'A' ? { ...record, data: address } : record),
  );
  const questions = question ? [question] : [];
  const bytes = dnsPacket.encode({ type: 'response', id, flags: FLAGS | (RCODES[label] ?? 0), questions, answers });
  if (label === 'count') bytes.writeUInt16BE(5, 6);
  return label === 'half' ? bytes.subarray(0, 20) : bytes;
}

/** Waits until the servers have read all that was sent to them before: a query that was repeated may come after its outcome. */
async function queriesRead(): Promise<void> {
  const socket = dgram.createSocket('udp4');
  const last = dnsPacket.encode({ type: 'query', questions: [{ type: 'A', name: 'last.uncounted' }] });
  for (const port of PORTS) {
    socket.send(last, port, '127.0.0.1');
    await once(socket, 'message');
  }
  socket.close();
}

async function serve(port: number, address?: string) {
  const socket = dgram.createSocket('udp4', (query, peer) => {
    const { questions: [question] = [], additionals = [] } = dnsPacket.decode(query);
    const isCounted = !question?.name.endsWith('.uncounted');
    if (isCounted) asked.push(`${question?.name} ${question?.type} ${additionals.length} ${peer.address} ${port}`);
    const answer = answerTo(query, address);
    if (answer) socket.send(answer, peer.port, peer.address);
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** What an error is, but for its stack and cause. */
function shapeOf(error: Loose): Outcome {
  return {
    class: error instanceof TypeError ? 'TypeError' : error instanceof RangeError ? 'RangeError' : 'Error',
    text: String(error),
    stack: String(error.stack).split('\n')[0],
    keys: Object.keys(error).sort(),
    json: JSON.parse(JSON.stringify(error)),
  };
}

/** A call with a callback, a promise, or neither: how it ended, and when it threw. */
async function outcomeOf(call: (callback: (...results: unknown[]) => void) => unknown): Promise<Outcome> {
  let done = (_results: Outcome) => {};
  const calledBack = new Promise<Outcome>((resolve) => {
    done = resolve;
  });
  try {
    const result: Loose = call((error, ...results) => {
      done(error ? { callsBack: shapeOf(error) } : { callsBack: results });
    });
    if (typeof result?.then === 'function') {
      return await result.then(
        (value: unknown) => ({ fulfills: value ?? null }),
        (error: unknown) => ({ rejects: shapeOf(error) }),
      );
    }
    return call.length === 0 ? { returns: result ?? null } : await calledBack;
  } catch (error) {
    return { throws: shapeOf(error) };
  }
}

async function note(name: string, call: (callback: (...results: unknown[]) => void) => unknown): Promise<void> {
  const outcome = await outcomeOf(call);
  await queriesRead();
  // getaddrinfo(3) of a stack asks with an additional record, c-ares never
  const shown = asked.splice(0).map((question) => (/lookup/i.test(name) ? question.replace(/ \d /, ' ') : question));
  // how often is the setting of a stack where the Resolver has none
  outcomes[name] = { ...outcome, asked: / tries/.test(name) ? shown.sort() : [...new Set(shown.sort())] };
}

/** Both forms of a function of node:dns. */
async function both(name: string, ...args: unknown[]): Promise<void> {
  const shown = `${name}(${args.map((arg) => (typeof arg === 'symbol' ? String(arg) : JSON.stringify(arg))).join(', ')})`;
  await note(shown, (callback) => dns[name](...args, callback));
  await note(`promises.${shown}`, () => dns.promises[name](...args));
}

async function withArguments(): Promise<void> {
  const names = ['resolve4', 'resolveNs', 'resolveSoa', 'resolveAny', 'reverse', 'lookup', 'lookupService', 'resolve'];
  const bad = [5, {}, [], Symbol('x'), true, () => {}];
  for (const name of names) {
    // a Symbol is an error without a code in lookupService of Node 20
    const values = name === 'lookupService' ? bad.filter((value) => typeof value !== 'symbol') : bad;
    for (const value of values) await both(name, value, value);
    await note(`${name} without a callback`, () => dns[name]('a.test', 80));
  }
  await both('resolve', 'a.test', 'HI');
  await both('resolve', 'a.test', 'toString');
  await both('reverse', 'foo');
  await both('lookupService', '127.0.0.1', 65536);
  await both('lookupService', '127.0.0.1', -1);
  await both('lookupService', '127.0.0.1', 'x');
  await both('lookupService', 'foo', 80);
  await note('lookupService of two', () => dns.lookupService('127.0.0.1', 80));
  await note('promises.lookupService of one', () => dns.promises.lookupService('127.0.0.1'));
  const options = [{ family: 5 }, { family: '4' }, { hints: 1 << 20 }, { hints: 'x' }, { all: 1 }, { verbatim: 1 }];
  for (const one of [...options, { order: 'x' }, 5, 'x']) await both('lookup', 'both.test', one);
  for (const servers of [['1.2.3'], [5], 'x', null, ['1.2.3.4', 'foo'], [''], ['[::1'], ['1.2.3.4:x']]) {
    const shown = JSON.stringify(servers);
    await note(`setServers(${shown})`, () => dns.setServers(servers));
    await note(`promises.setServers(${shown})`, () => dns.promises.setServers(servers));
    await note(`Resolver.setServers(${shown})`, () => new dns.Resolver().setServers(servers));
  }
  for (const given of [{ timeout: '5' }, { timeout: -2 }, { tries: 0 }, { tries: 1.5 }, null, 5, 'x', []]) {
    const shown = JSON.stringify(given);
    await note(`new Resolver(${shown})`, () => void new dns.Resolver(given));
    await note(`new promises.Resolver(${shown})`, () => void new dns.promises.Resolver(given));
  }
  for (const given of [['x'], [5], ['127.0.0.1', '127.0.0.2'], ['127.0.0.1', 5], [], ['::1', '::1']]) {
    await note(`setLocalAddress(${JSON.stringify(given)})`, () => new dns.Resolver().setLocalAddress(...given));
  }
}

async function withErrors(): Promise<void> {
  const names = ['nx', 'empty', 'servfail', 'refused', 'notimp', 'formerr', 'ex ample', 'a..b', 'a@b', 'x'.repeat(64)];
  for (const form of [dns, dns.promises]) {
    for (const name of names) {
      const own = new form.Resolver(PATIENT);
      own.setServers(['127.0.0.1:5300']);
      for (const type of ['resolve4', 'resolveMx', 'resolveSoa', 'resolveAny']) {
        await note(`${form === dns ? '' : 'promises.'}${type} ${name}.test`, (callback) =>
          form === dns ? own[type](`${name}.test`, callback) : own[type](`${name}.test`),
        );
      }
    }
  }
  for (const name of ['nx.test', 'empty.test', 'count.test', 'half.test']) await both('resolve4', name);
  for (const address of ['10.0.0.9', '10.0.0.8']) await both('reverse', address);
  await both('lookup', 'nx.test');
  await both('lookup', 'nx.test', { all: true });
  await both('lookup', 'empty.test');
  await both('lookup', 'four.test', 6);
  await both('lookup', 'silent.test');
  await both('lookupService', '10.0.0.9', 80);
  await note('lookupService of no name', (callback) => dns.lookupService('10.0.0.8', 80, callback));
}

async function withRecords(): Promise<void> {
  const types = ['resolve4', 'resolve6', 'resolveMx', 'resolveNs', 'resolveTxt', 'resolveSrv', 'resolvePtr'];
  for (const type of [...types, 'resolveNaptr', 'resolveSoa', 'resolveCaa']) await both(type, 'any.test');
  await both('resolveAny', 'any.test');
  await both('resolveCname', 'alias.test');
  for (const type of ['resolve4', 'resolve6']) {
    await note(`${type} with ttl`, () => new dns.promises.Resolver()[type]('ttl.test', { ttl: true }));
  }
  await both('resolveMx', 'any.test', { ttl: true });
  for (const type of ['A', 'MX', 'SOA', 'ANY']) await both('resolve', 'any.test', type);
  await both('resolve', 'any.test');
  await both('resolve4', '');
  await both('resolve4', 'münchen.test');
  await note('promisified resolve4', () => promisify(dns.resolve4)('any.test'));
  await note('promisified lookup', () => promisify(dns.lookup)('four.test'));
  await note('promisified lookupService', () => promisify(dns.lookupService)('10.0.0.9', 80));
}

async function withOrders(): Promise<void> {
  const all = { all: true };
  for (const order of ['ipv4first', 'ipv6first']) {
    await note(`setDefaultResultOrder(${order})`, () => dns.setDefaultResultOrder(order));
    await note(`getDefaultResultOrder ${order}`, () => dns.getDefaultResultOrder());
    for (const options of [undefined, all, { verbatim: false, all: true }, { order: 'ipv4first', all: true }]) {
      await both('lookup', 'both.test', options);
    }
    await note(`promises.lookup without options, ${order}`, () => dns.promises.lookup('both.test'));
  }
  await note('setDefaultResultOrder(x)', () => dns.setDefaultResultOrder('x'));
  for (const options of [4, 6, { family: 4 }, { family: 6, all: true }, { hints: dns.ADDRCONFIG, family: 4 }]) {
    await both('lookup', 'both.test', options);
  }
  await both('lookup', '10.9.9.9');
  await both('lookup', '', all);
  await both('lookup', 'localhost', 4);
  dns.setDefaultResultOrder('verbatim');
}

async function withResolvers(): Promise<void> {
  for (const form of [dns.promises, dns]) {
    const ask = (own: Loose, name: string) =>
      form === dns ? promisify(own.resolve4).call(own, name) : own.resolve4(name);
    const kind = form === dns ? 'Resolver' : 'promises.Resolver';
    for (const tries of [1, 2, 3]) {
      const own = new form.Resolver({ timeout: 100, tries });
      own.setServers(['127.0.0.1:5300']);
      await note(`${kind}, ${tries} tries`, () => ask(own, 'silent.test'));
      const patient = new form.Resolver({ ...PATIENT, tries });
      patient.setServers(['127.0.0.1:5300']);
      await note(`${kind}, ${tries} tries, a wrong count`, () => ask(patient, 'count.test'));
      await note(`${kind}, ${tries} tries, half a message`, () => ask(patient, 'half.test'));
    }
    const usual = new form.Resolver();
    await note(`${kind}, the usual servers`, () => ask(usual, 'any.test'));
    await note(`${kind}.getServers()`, () => usual.getServers());
    const given = new form.Resolver();
    given.setServers(['127.0.0.1', '127.0.0.1', '[::1]:5300', '127.0.0.2:53']);
    await note(`${kind}, servers that were given`, () => given.getServers());
    const from = new form.Resolver();
    from.setServers(['127.0.0.1:5300']);
    from.setLocalAddress('127.0.0.2');
    await note(`${kind}, from an address of its own`, () => ask(from, 'any.test'));
    const nobody = new form.Resolver(PATIENT);
    nobody.setServers(['127.0.0.1:5301']);
    await note(`${kind}, nobody there`, () => ask(nobody, 'any.test'));
    const busy = new form.Resolver();
    busy.setServers(['127.0.0.1:5300']);
    const pending = outcomeOf(() => ask(busy, 'silent.uncounted'));
    await note(`${kind}.setServers() of a busy one`, () => busy.setServers(['127.0.0.1']));
    await note(`${kind}.cancel()`, () => busy.cancel());
    outcomes[`${kind}, cancelled`] = await pending;
  }
}

/** Of the process, and for the functions of node:dns alone. */
async function withOtherServers(): Promise<void> {
  await note('getServers() before', () => dns.getServers());
  await note('resolve4 before', () => dns.promises.resolve4('both.test'));
  await note('setServers()', () => dns.setServers(['127.0.0.1:5300', '127.0.0.1:5300']));
  await note('getServers()', () => dns.getServers());
  await note('promises.getServers()', () => dns.promises.getServers());
  await both('resolve4', 'both.test');
  await both('lookup', 'both.test', 4);
  await note('a resolver meanwhile', () => new dns.promises.Resolver().resolve4('both.test'));
  await note('its servers', () => new dns.Resolver().getServers());
  await note('promises.setServers()', () => dns.promises.setServers(['127.0.0.1']));
  await note('promises.getServers() at last', () => dns.promises.getServers());
  await note('promises.resolve4 at last', () => dns.promises.resolve4('both.test'));
}

async function main(): Promise<void> {
  const servers = [await serve(53), await serve(5300, '10.0.0.77')];
  for (const part of [withArguments, withErrors, withRecords, withOrders, withResolvers, withOtherServers])
    await part();
  for (const server of servers) server.close();
  await end();
  const [, packets = ''] = /lo:\s*\d+\s+(\d+)/.exec(readFileSync('/proc/net/dev', 'utf8')) ?? [];
  const report = { outcomes, hostPackets: Number(packets) };
  console.log(JSON.stringify(report, (_key, value) => (value === undefined ? null : value)));
}

if (mode === 'worker') new Worker(new URL(import.meta.url), { argv: ['plain'] });
else await main();
