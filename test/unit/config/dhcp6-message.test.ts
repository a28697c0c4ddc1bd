import { ipBytes } from '../../../lib/address/ip.js';
import { concat, u16, u32 } from '../../../lib/config/bytes.js';
import {
  ADVERTISE,
  decodeReply,
  duidLlt,
  encodeRequest,
  INFORMATION_REQUEST,
  isReplyTo,
  Option,
  RELEASE,
  REPLY,
  SOLICIT,
  Status,
} from '../../../lib/config/dhcp6/message.js';
import { encodeDomain } from '../../../lib/config/domains.js';
import { fuzz } from '../../support/fuzz.js';
import { option6 } from '../../support/packets.js';

const CLIENT = duidLlt('02:00:00:00:00:01', Date.UTC(2000, 0, 1) / 1000 + 5);
const SERVER = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 9);

const iaaddr = (address: string, preferred: number, valid: number, ...inner: Uint8Array[]) =>
  option6(Option.IAADDR, ipBytes(address), u32(preferred), u32(valid), ...inner);
const ia = (...inner: Uint8Array[]) => option6(Option.IA_NA, u32(7), u32(100), u32(200), ...inner);
const message = (type: number, ...options: Uint8Array[]) => concat(Uint8Array.of(type, 0x12, 0x34, 0x56), ...options);
const ids = [option6(Option.CLIENT_ID, CLIENT), option6(Option.SERVER_ID, SERVER)];

test('a DUID-LLT (RFC 8415 11.2)', () => {
  expect(Buffer.from(CLIENT).toString('hex')).toBe('0001000100000005020000000001');
});

test('a request, octet by octet', () => {
  const bytes = encodeRequest({
    type: SOLICIT,
    xid: 0x123456,
    clientId: CLIENT,
    elapsed: 70000,
    ia: { iaid: 7, addresses: ['fd00::1'] },
    fqdn: 'a.b',
  });
  expect(Buffer.from(bytes).toString('hex')).toBe(
    '01123456' +
      '0001000e0001000100000005020000000001' +
      '00080002ffff' +
      '00060006001700180052' +
      '002700060101610162' +
      '00' +
      '00030028' +
      '000000070000000000000000' +
      '00050018fd00000000000000000000000000000100000000' +
      '00000000',
  );
});

test('an information-request has no IA, a release asks for nothing', () => {
  const information = encodeRequest({ type: INFORMATION_REQUEST, xid: 1, clientId: CLIENT, elapsed: 0 });
  expect(Buffer.from(information).toString('hex')).toContain('0006000a00170018005200200053');
  const release = encodeRequest({ type: RELEASE, xid: 1, clientId: CLIENT, serverId: SERVER, elapsed: 0 });
  expect(Buffer.from(release).toString('hex')).toBe(
    '080000010001000e00010001000000050200000000010002000a000300010200000000090008' + '00020000',
  );
});

test('a reply with everything', () => {
  const reply = decodeReply(
    message(
      REPLY,
      ...ids,
      option6(Option.PREFERENCE, Uint8Array.of(255)),
      option6(Option.STATUS_CODE, u16(0), Buffer.from('all is\x1b well')),
      ia(iaaddr('fd00::50', 60, 120), iaaddr('fd00::51', 0xffffffff, 0xffffffff)),
      option6(Option.DNS_SERVERS, ipBytes('fd00::1'), ipBytes('::'), ipBytes('ff02::1'), ipBytes('fe80::1')),
      option6(Option.DOMAIN_LIST, encodeDomain('example.org'), encodeDomain('a.b')),
      option6(Option.INFORMATION_REFRESH_TIME, u32(600)),
      option6(Option.SOL_MAX_RT, u32(60)),
      option6(Option.INF_MAX_RT, u32(86400)),
      option6(999, Uint8Array.of(1, 2, 3)),
    ),
  )!;
  expect(reply).toMatchObject({
    type: REPLY,
    xid: 0x123456,
    preference: 255,
    status: Status.SUCCESS,
    statusMessage: 'all is\\027 well',
    dns: ['fd00::1', 'fe80::1'],
    domains: ['example.org', 'a.b'],
    refreshTime: 600,
    solicitMax: 60,
    informMax: 86400,
  });
  expect(reply.ia).toEqual([
    {
      iaid: 7,
      t1: 100,
      t2: 200,
      status: 0,
      addresses: [
        { address: 'fd00::50', preferred: 60, valid: 120 },
        { address: 'fd00::51', preferred: Infinity, valid: Infinity },
      ],
    },
  ]);
});

test.each([u32(59), u32(86401), u32(0xffffffff), u16(60), new Uint8Array()])('%p is no SOL_MAX_RT', (value) => {
  const reply = decodeReply(
    message(REPLY, ...ids, option6(Option.SOL_MAX_RT, value), option6(Option.INF_MAX_RT, value)),
  );
  expect(reply).toMatchObject({ solicitMax: null, informMax: null });
});

test('a reply answers one request', () => {
  const reply = decodeReply(message(ADVERTISE, ...ids))!;
  const request = { type: SOLICIT, xid: 0x123456, clientId: CLIENT, elapsed: 0 };
  expect(isReplyTo(reply, request)).toBe(true);
  expect(isReplyTo(reply, { ...request, xid: 1 })).toBe(false);
  expect(isReplyTo(reply, { ...request, clientId: SERVER })).toBe(false);
  expect(isReplyTo(decodeReply(message(ADVERTISE))!, request)).toBe(false);
});

test('an IA without addresses tells why', () => {
  const reply = decodeReply(message(REPLY, ...ids, ia(option6(Option.STATUS_CODE, u16(Status.NO_ADDRS_AVAIL)))));
  expect(reply?.ia[0]).toMatchObject({ status: Status.NO_ADDRS_AVAIL, addresses: [] });
});

test('addresses that no host can have, or preferred for longer than valid, are left out', () => {
  const bad = [
    iaaddr('::', 1, 2),
    iaaddr('::1', 1, 2),
    iaaddr('ff02::1', 1, 2),
    iaaddr('fe80::1', 1, 2),
    iaaddr('fd00::1', 3, 2),
  ];
  expect(decodeReply(message(REPLY, ...ids, ia(...bad)))?.ia[0]?.addresses).toEqual([]);
});

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['a cut header', Uint8Array.of(REPLY, 0, 0)],
  ['a message of a client', message(SOLICIT, ...ids)],
  ['a relayed message', message(13, ...ids)],
  ['half an option header', concat(message(REPLY), Uint8Array.of(0, 1, 0))],
  ['an option past the end', concat(message(REPLY), Uint8Array.of(0, 1, 0, 9, 1))],
  ['an empty client id', message(REPLY, option6(Option.CLIENT_ID))],
  ['an empty server id', message(REPLY, option6(Option.SERVER_ID))],
  ['a server id of 131 octets', message(REPLY, option6(Option.SERVER_ID, new Uint8Array(131)))],
  ['an empty preference', message(REPLY, option6(Option.PREFERENCE))],
  ['an empty status', message(REPLY, option6(Option.STATUS_CODE))],
  ['an empty IA', message(REPLY, option6(Option.IA_NA))],
  ['a cut IA', message(REPLY, option6(Option.IA_NA, new Uint8Array(11)))],
  ['an option past the end of its IA', message(REPLY, ia(Uint8Array.of(0, 5, 0, 24)))],
  ['an address without lifetimes', message(REPLY, ia(option6(Option.IAADDR, ipBytes('fd00::1'))))],
  ['an IA with T1 past T2', message(REPLY, option6(Option.IA_NA, u32(7), u32(9), u32(8)))],
  ['half a server address', message(REPLY, option6(Option.DNS_SERVERS, new Uint8Array(15)))],
  ['a compression loop', message(REPLY, option6(Option.DOMAIN_LIST, Uint8Array.of(0xc0, 0)))],
  ['a cut refresh time', message(REPLY, option6(Option.INFORMATION_REFRESH_TIME, u16(1)))],
])('%s is ignored', (_, bytes) => {
  expect(decodeReply(bytes)).toBeNull();
});

test('any bytes', () => {
  const packet = message(
    REPLY,
    ...ids,
    ia(iaaddr('fd00::50', 60, 120)),
    option6(Option.DOMAIN_LIST, encodeDomain('a.b')),
  );
  fuzz([packet, message(ADVERTISE, option6(Option.DNS_SERVERS, ipBytes('fd00::1')))], decodeReply);
});
