import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { sameName } from '../../../lib/address/domain-name.js';
import { decodeMessage, encodeQuery, isResponseTo, readReply } from '../../../lib/dns/message.js';
import { FUZZ_RUNS } from '../../support/fuzz.js';

const QUESTION = { name: 'www.example.org', type: 'A' as const };

function answer(packet: dnsPacket.Packet & { rcode?: number }): Buffer {
  const { rcode = 0, ...rest } = packet;
  return dnsPacket.encode({
    type: 'response',
    id: 7,
    flags: dnsPacket.RECURSION_AVAILABLE | rcode,
    questions: [{ name: 'www.example.org', type: 'A' }],
    ...rest,
  });
}

function reply(packet: dnsPacket.Packet & { rcode?: number }, question = QUESTION) {
  const message = decodeMessage(answer(packet));
  if (!message) throw new Error('malformed');
  return readReply(message, question);
}

test('a query asks one question, with EDNS unless told not to', () => {
  const query = dnsPacket.decode(encodeQuery(0x1234, QUESTION));
  expect(query).toMatchObject({ id: 0x1234, type: 'query', flag_rd: true });
  expect(query.questions).toEqual([{ name: 'www.example.org', type: 'A', class: 'IN' }]);
  expect(query.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
  expect(dnsPacket.decode(encodeQuery(1, QUESTION, { edns0: false })).additionals).toEqual([]);
});

test('an answer must have the id, the question and the class', () => {
  const message = decodeMessage(answer({}));
  if (!message) throw new Error('malformed');
  expect(isResponseTo(message, 7, QUESTION)).toBe(true);
  expect(isResponseTo(message, 7, { ...QUESTION, name: 'WWW.Example.org' })).toBe(true);
  expect(isResponseTo(message, 8, QUESTION)).toBe(false);
  expect(isResponseTo(message, 7, { ...QUESTION, type: 'AAAA' })).toBe(false);
  expect(isResponseTo(message, 7, { ...QUESTION, name: 'example.org' })).toBe(false);
  expect(isResponseTo({ ...message, isResponse: false }, 7, QUESTION)).toBe(false);
  expect(isResponseTo({ ...message, questions: [] }, 7, QUESTION)).toBe(false);
  expect(isResponseTo({ ...message, questions: [...message.questions, ...message.questions] }, 7, QUESTION)).toBe(
    false,
  );
});

test('follows aliases to the records, and takes the shortest time to live', () => {
  expect(
    reply({
      answers: [
        { type: 'A', name: 'c.example.org', data: '10.0.0.1', ttl: 300 },
        { type: 'CNAME', name: 'www.example.org', data: 'b.example.org', ttl: 60 },
        { type: 'CNAME', name: 'B.example.org', data: 'c.example.org', ttl: 30 },
        { type: 'A', name: 'elsewhere.example.org', data: '10.6.6.6', ttl: 300 },
      ],
    }),
  ).toMatchObject({ status: 'found', canonicalName: 'c.example.org', ttl: 30, records: [{ data: '10.0.0.1' }] });
});

test('a loop of aliases ends, without an answer', () => {
  const answers: dnsPacket.Answer[] = [
    { type: 'CNAME', name: 'www.example.org', data: 'b.example.org', ttl: 60 },
    { type: 'CNAME', name: 'b.example.org', data: 'www.example.org', ttl: 60 },
  ];
  expect(reply({ answers })).toMatchObject({ status: 'nodata', records: [] });
});

test('absent is held as long as the SOA says, RFC 2308', () => {
  const soa = (ttl: number, minimum: number): dnsPacket.Answer => ({
    type: 'SOA',
    name: 'example.org',
    ttl,
    data: { mname: 'ns.example.org', rname: 'root.example.org', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
  });
  expect(reply({ rcode: 3, authorities: [soa(60, 20)] })).toMatchObject({ status: 'nxdomain', ttl: 20 });
  expect(reply({ authorities: [soa(10, 20)] })).toMatchObject({ status: 'nodata', ttl: 10 });
  expect(reply({ rcode: 3 })).toMatchObject({ status: 'nxdomain', ttl: 0 });
});

describe('what is malformed is no message', () => {
  const good = answer({ answers: [{ type: 'A', name: 'www.example.org', data: '10.0.0.1', ttl: 1 }] });

  function changed(edit: (bytes: Buffer) => void): Buffer {
    const bytes = Buffer.from(good);
    edit(bytes);
    return bytes;
  }

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['half a header', good.subarray(0, 11)],
    ['cut off', good.subarray(0, good.length - 1)],
    ['more records than there is room for', changed((bytes) => bytes.writeUInt16BE(65535, 6))],
    ['an address of another length', changed((bytes) => bytes.writeUInt16BE(3, bytes.length - 6)).subarray(0, -1)],
    ['a name that points at itself', changed((bytes) => bytes.writeUInt16BE(0xc00c, 12))],
    ['a name that points ahead', changed((bytes) => bytes.writeUInt16BE(0xc0ff, 12))],
    ['a label of 64 bytes', changed((bytes) => bytes.writeUInt8(64, 12))],
  ])('%s', (_what, bytes) => {
    expect(decodeMessage(good)).not.toBeNull();
    expect(decodeMessage(bytes)).toBeNull();
  });

  test('a chain of pointers that goes round', () => {
    // two names, each pointing at the other
    const bytes = Buffer.concat([
      Buffer.from('000780000001000100000000', 'hex'),
      Buffer.from('c010000100010000', 'hex'),
    ]);
    const ring = Buffer.concat([bytes, Buffer.from('c00c00010001000000000004', 'hex'), Buffer.alloc(4)]);
    expect(decodeMessage(ring)).toBeNull();
  });
});

/** A message that was sound until some of its bytes were changed: gets further into the decoder than noise does. */
const damaged = fc
  .tuple(
    fc.constantFrom<dnsPacket.Answer>(
      { type: 'A', name: 'www.example.org', data: '10.0.0.1', ttl: 1 },
      { type: 'AAAA', name: 'www.example.org', data: 'fd00::1', ttl: 1 },
      { type: 'CNAME', name: 'www.example.org', data: 'b.example.org', ttl: 1 },
      { type: 'MX', name: 'example.org', data: { preference: 1, exchange: 'mx.example.org' }, ttl: 1 },
      { type: 'SRV', name: 'example.org', data: { port: 1, target: 'mx.example.org' }, ttl: 1 },
      { type: 'TXT', name: 'example.org', data: ['a', 'bc'], ttl: 1 },
      { type: 'CAA', name: 'example.org', data: { tag: 'issue', value: 'ca.example.org' }, ttl: 1 },
      {
        type: 'NAPTR',
        name: 'example.org',
        data: { order: 1, preference: 2, flags: 's', services: 'SIP', regexp: '', replacement: 'a.example.org' },
        ttl: 1,
      },
    ),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    fc.nat(),
  )
  .map(([record, changes, cut]) => {
    const bytes = answer({ answers: [record, record], authorities: [record] });
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
  });

test(`${FUZZ_RUNS} hostile messages neither throw nor hang it`, () => {
  const bytes = fc.oneof(
    { weight: 3, arbitrary: damaged },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );
  fc.assert(
    fc.property(bytes, (input) => {
      const message = decodeMessage(input);
      if (message) readReply(message, QUESTION);
    }),
    { numRuns: FUZZ_RUNS },
  );
});

// how long it takes: npm run bench -- waiting
test('the costliest message that fits in 64 kB is read', () => {
  const longest = Buffer.concat([...Array(126)].map(() => Buffer.from([1, 97])).concat(Buffer.from([0])));
  const header = Buffer.from('000780000001000000000000', 'hex');
  const record = Buffer.from('c00c00050001000000000002c00c', 'hex');
  const count = Math.floor((65535 - header.length - longest.length - 4) / record.length);
  const bytes = Buffer.concat([header, longest, Buffer.from('00010001', 'hex'), ...Array(count).fill(record)]);
  bytes.writeUInt16BE(count, 6);
  expect(decodeMessage(bytes)?.answers).toHaveLength(count);
});

test('names differ by letters, not by case or a last dot', () => {
  expect(sameName('Example.ORG.', 'example.org')).toBe(true);
  expect(sameName('.', '')).toBe(true);
  expect(sameName('exämple.org', 'exÄmple.org')).toBe(false);
});
