import * as dnsPacket from 'dns-packet';
import type { PacketAction, PacketMatch } from 'ioth/lab';
import { checksum } from '../../../lib/core/internet-checksum.js';
import { Headers } from '../../../lib/fabric/headers.js';
import { compileMatch } from '../../../lib/fabric/intercept/matcher.js';
import { checkIntercept, checkVerdict, type InterceptOptions } from '../../../lib/fabric/intercept/plan.js';
import { refusalOf } from '../../../lib/fabric/refusal.js';
import { describeFrame } from '../../../lib/vde/describe-frame.js';
import { fuzz } from '../../support/fuzz.js';
import { icmp, ipFrame, TCP_FLAG, tagged, tcp, udp } from '../../support/packet-frames.js';
import { arpRequest, BROADCAST, frameOf, greeting, macOf } from '../../support/vde.js';

const { SYN, ACK, FIN, RST, PSH } = TCP_FLAG;
const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const IPV6 = { from: 'fd00::1', to: 'fd00::2' };
const HOP_BY_HOP: [number, number[]] = [0, [0, 1, 4, 0, 0, 0, 0]];
const fragment6 = (offset: number, more: number): [number, number[]] => [
  44,
  [0, offset >> 5, (offset << 3) | more, 0, 0, 0, 7],
];

const names = (_what: string, value: unknown) => (value === undefined ? undefined : [value].flat().map(String));
const check = (match: unknown, action: unknown = 'drop', options?: unknown) =>
  checkIntercept(match as PacketMatch, action as PacketAction, options as InterceptOptions, names);

const headers = new Headers();

/** Returns whether a frame matches, in a buffer that has other bytes behind it. */
function matches(match: PacketMatch, frame: Uint8Array, length = frame.length): boolean {
  const { plan } = check(match);
  const buffer = Buffer.concat([frame, Buffer.alloc(64, 0x35)]);
  headers.parse(buffer, length);
  return compileMatch(plan.match)(buffer, headers);
}

function dnsMessage(
  type: 'query' | 'response',
  name: string,
  recordType: string,
  answers: dnsPacket.Answer[] = [],
): Buffer {
  const questions = name === '' ? [] : [{ type: recordType as dnsPacket.RecordType, name }];
  return dnsPacket.encode({ type, id: 1, questions, answers });
}

const query = (name: string, type: string) => ipFrame(UDP, udp(40000, 53, dnsMessage('query', name, type)));
const reply = (name: string, type: string) => ipFrame(UDP, udp(53, 40000, dnsMessage('response', name, type)));
const segmentOf = (message: Buffer) => Buffer.concat([Buffer.of(0, message.length), message]);
const fromMdns = ipFrame(
  UDP,
  udp(
    5353,
    5353,
    dnsMessage('response', '', 'A', [
      { type: 'TXT', name: 'printer._ipp._tcp.local', data: 'x' },
      { type: 'A', name: 'printer.local', data: '10.0.0.1' },
    ]),
  ),
);

describe('a match', () => {
  const syn = ipFrame(TCP, tcp(40000, 80, SYN));
  const datagram = ipFrame(UDP, udp(40000, 9000, 'hello world'));
  const datagram6 = ipFrame(UDP, udp(40000, 9000, 'hello'), IPV6);

  test.each<[string, PacketMatch, Buffer, boolean]>([
    ['every frame', {}, greeting(1, 'x'), true],
    ['a protocol', { protocol: 'udp' }, datagram, true],
    ['another protocol', { protocol: 'tcp' }, datagram, false],
    ['one of two protocols', { protocol: ['arp', 'udp'] }, datagram, true],
    ['the number of a protocol', { protocol: 17 }, datagram, true],
    ['an EtherType', { protocol: 0x88b5 }, greeting(1, 'x'), true],
    ['ARP', { protocol: 'arp' }, arpRequest(1, 2), true],
    ['whom ARP asks for', { protocol: 'arp', toAddress: '10.0.0.2' }, arpRequest(1, 2), true],
    ['whom ARP does not ask for', { protocol: 'arp', toAddress: '10.0.0.1' }, arpRequest(1, 2), false],
    ['the port that it goes to', { toPort: 9000 }, datagram, true],
    ['not the port that it comes from', { toPort: 40000 }, datagram, false],
    ['a port of both', { port: [1, 40000] }, datagram, true],
    ['the port that it comes from', { fromPort: 40000, protocol: 'udp' }, datagram6, true],
    ['an address', { address: '10.0.0.2' }, datagram, true],
    ['an address that it comes from', { fromAddress: '10.0.0.2' }, datagram, false],
    ['a prefix', { toAddress: ['192.168.0.0/16', '10.0.0.0/30'] }, datagram, true],
    ['a prefix beside it', { toAddress: '10.0.0.4/30' }, datagram, false],
    ['a prefix of IPv6', { fromAddress: 'fd00::/9' }, datagram6, true],
    ['all addresses of IPv6', { address: '::/0' }, datagram6, true],
    ['no address of the other family', { address: '::/0' }, datagram, false],
    ['bytes', { payload: Uint8Array.of(0x6c, 0x6c) }, datagram, true],
    ['a text at the end', { payload: 'world' }, datagram, true],
    ['a text that goes on behind the end', { payload: 'world5' }, datagram, false],
    ['no text in the headers', { payload: Uint8Array.of(0x9c, 0x40) }, datagram, false],
    ['what is not excluded', { protocol: 'udp', not: { port: 53 } }, datagram, true],
    ['what is excluded', { protocol: 'udp', not: { toPort: 9000, payload: 'hello' } }, datagram, false],
    ['what is excluded in part', { not: { toPort: 9000, payload: 'bye' } }, datagram, true],
    ['a SYN', { flags: 'SYN' }, syn, true],
    ['a SYN that offers ECN', { flags: 'SYN' }, ipFrame(TCP, tcp(1, 2, SYN | 0xc0)), true],
    ['no SYN with ACK', { flags: 'SYN' }, ipFrame(TCP, tcp(1, 2, SYN | ACK)), false],
    ['a SYN with ACK', { flags: 'SYN+ACK' }, ipFrame(TCP, tcp(1, 2, SYN | ACK)), true],
    ['both', { flags: ['SYN', 'SYN+ACK'] }, ipFrame(TCP, tcp(1, 2, SYN | ACK)), true],
    ['a FIN, which has ACK', { flags: 'FIN' }, ipFrame(TCP, tcp(1, 2, FIN | ACK)), true],
    ['both of two flags', { flags: 'FIN+PSH' }, ipFrame(TCP, tcp(1, 2, FIN | ACK)), false],
    ['flags of TCP only', { flags: 'SYN' }, ipFrame(UDP, tcp(1, 2, SYN)), false],
    ['an echo', { icmp: 'echo-request' }, ipFrame(ICMP, icmp(8)), true],
    ['an echo of IPv6', { icmp: 'echo-request' }, ipFrame(ICMPV6, icmp(128), IPV6), true],
    ['of one family only', { protocol: 'icmp', icmp: 'echo-request' }, ipFrame(ICMPV6, icmp(128), IPV6), false],
    ['too big', { icmp: 'too-big' }, ipFrame(ICMP, icmp(3, 4)), true],
    ['too big in IPv6', { icmp: 'too-big' }, ipFrame(ICMPV6, icmp(2), IPV6), true],
    ['unreachable, not too big', { icmp: 'unreachable' }, ipFrame(ICMP, icmp(3, 4)), false],
    ['any unreachable', { icmp: 'unreachable' }, ipFrame(ICMP, icmp(3, 13)), true],
    ['an unreachable port', { icmp: 'port-unreachable' }, ipFrame(ICMPV6, icmp(1, 4), IPV6), true],
    ['a number', { protocol: 'icmp6', icmp: 143 }, ipFrame(ICMPV6, icmp(143), IPV6), true],
    ['a question for a neighbour', { icmp: 'neighbor-solicitation' }, ipFrame(ICMPV6, icmp(135), IPV6), true],
    ['within a VLAN', { toPort: 9000 }, tagged(tagged(datagram, 7), 8), true],
    [
      'behind extension headers',
      { toPort: 9000 },
      ipFrame(UDP, udp(1, 9000), { ...IPV6, extensions: [HOP_BY_HOP, HOP_BY_HOP] }),
      true,
    ],
    ['the first fragment', { toPort: 9000 }, ipFrame(UDP, udp(1, 9000), { fragment: 0x2000 }), true],
    ['a later fragment, by protocol', { protocol: 'udp' }, ipFrame(UDP, udp(1, 9000), { fragment: 0x0010 }), true],
    ['a later fragment has no ports', { toPort: 9000 }, ipFrame(UDP, udp(1, 9000), { fragment: 0x0010 }), false],
    [
      'the first fragment of IPv6',
      { toPort: 9000 },
      ipFrame(UDP, udp(1, 9000), { ...IPV6, extensions: [fragment6(0, 1)] }),
      true,
    ],
    [
      'a later fragment of IPv6',
      { toPort: 9000 },
      ipFrame(UDP, udp(1, 9000), { ...IPV6, extensions: [fragment6(64, 0)] }),
      false,
    ],
    [
      'its protocol',
      { protocol: 'udp' },
      ipFrame(UDP, udp(1, 9000), { ...IPV6, extensions: [fragment6(64, 0)] }),
      true,
    ],
    ['no port in the padding', { toPort: 0x3535 }, ipFrame(UDP, Buffer.alloc(0)), false],
  ])('is for %s', (_what, match, frame, expected) => {
    expect(matches(match, frame)).toBe(expected);
  });

  test.each<[string, PacketMatch['dns'], Buffer, boolean]>([
    ['any message', {}, query('bob.lab.test', 'A'), true],
    ['none on other ports', {}, ipFrame(UDP, udp(1, 54, dnsMessage('query', 'x', 'A'))), false],
    ['questions', { answer: false }, query('bob.lab.test', 'A'), true],
    ['answers', { answer: true }, query('bob.lab.test', 'A'), false],
    ['answers for a type', { answer: true, type: 'AAAA' }, reply('bob.lab.test', 'AAAA'), true],
    ['other types', { type: ['A', 33] }, reply('bob.lab.test', 'AAAA'), false],
    ['a type by number', { type: ['A', 28] }, reply('bob.lab.test', 'AAAA'), true],
    ['a name in any case', { name: 'Bob.LAB.test.' }, query('boB.lab.test', 'A'), true],
    ['not a name below it', { name: 'lab.test' }, query('bob.lab.test', 'A'), false],
    ['names below', { name: '*.lab.test' }, query('a.bob.lab.test', 'A'), true],
    ['not the name itself', { name: '*.lab.test' }, query('lab.test', 'A'), false],
    ['whole labels', { name: '*.lab.test' }, query('bob.flab.test', 'A'), false],
    [
      'TCP, a whole message',
      { name: 'bob' },
      ipFrame(TCP, tcp(1, 53, ACK | PSH, segmentOf(dnsMessage('query', 'bob', 'A')))),
      true,
    ],
    ['TCP, no message', {}, ipFrame(TCP, tcp(1, 53, ACK | PSH, dnsMessage('query', 'bob', 'A'))), false],
    ['mDNS, by its answers', { name: 'printer.local', type: 'A' }, fromMdns, true],
    ['mDNS, name and type of one', { name: 'printer.local', type: 'TXT' }, fromMdns, false],
  ])('is for DNS: %s', (_what, dns, frame, expected) => {
    expect(matches({ dns }, frame)).toBe(expected);
  });

  test('is for DNS on a port that it names', () => {
    const frame = ipFrame(UDP, udp(1, 5300, dnsMessage('query', 'x', 'A')));
    expect(matches({ dns: { name: 'x' }, toPort: 5300 }, frame)).toBe(true);
    expect(matches({ dns: {}, toPort: 5300, not: { dns: { type: 'A' } } }, frame)).toBe(false);
  });

  test('reads no byte behind the end of a frame', () => {
    const all = [syn, datagram, datagram6, fromMdns, arpRequest(1, 2), tagged(datagram, 5), query('bob.lab.test', 'A')];
    const every: PacketMatch[] = [
      { port: 0x3535 },
      { payload: '5' },
      { address: '53.53.53.53/8' },
      { flags: 'SYN+URG' },
    ];
    for (const frame of all) {
      for (let length = 0; length <= frame.length; length++) {
        expect(every.map((match) => matches(match, frame.subarray(0, length), length))).toEqual(every.map(() => false));
      }
    }
  });
});

describe('a refusal', () => {
  const refused = (frame: Buffer) => {
    headers.parse(frame, frame.length);
    const refusal = refusalOf(frame, headers);
    if (!refusal) return undefined;
    headers.parse(refusal, refusal.length);
    const { family, network, transport, fromAddress, protocol, end } = headers;
    const data = refusal.subarray(transport, end);
    const pseudo = Buffer.concat([
      refusal.subarray(fromAddress, transport),
      Buffer.of(0, protocol, data.length >> 8, data.length & 255),
    ]);
    const sums = [family === 4 ? checksum(refusal.subarray(network, transport)) : 0];
    sums.push(checksum(protocol === ICMP ? data : Buffer.concat([pseudo, data])));
    expect({ sums, end }).toEqual({ sums: [0, 0], end: refusal.length });
    return `${refusal.subarray(0, network).toString('hex')} ${describeFrame(refusal)}`;
  };
  const back = '020000000001020000000002';

  test.each<[string, Buffer, string | undefined]>([
    [
      'a SYN',
      ipFrame(TCP, tcp(4000, 80, SYN)),
      `${back}0800 IP 10.0.0.2.80 > 10.0.0.1.4000: Flags [R.], seq 0, ack 1001, win 0, length 0`,
    ],
    [
      'a segment',
      ipFrame(TCP, tcp(4000, 80, ACK | FIN, 'abc'), IPV6),
      `${back}86dd IP6 fd00::2.80 > fd00::1.4000: Flags [R], seq 2000, win 0, length 0`,
    ],
    [
      'a SYN with data in a VLAN',
      tagged(ipFrame(TCP, tcp(4000, 80, SYN, 'abc')), 5),
      `${back}810000050800 vlan 5, p 0, IP 10.0.0.2.80 > 10.0.0.1.4000: Flags [R.], seq 0, ack 1004, win 0, length 0`,
    ],
    [
      'a datagram',
      ipFrame(UDP, udp(4000, 53, 'x')),
      `${back}0800 IP 10.0.0.2 > 10.0.0.1: ICMP port unreachable, length 37`,
    ],
    [
      'a datagram, large',
      ipFrame(UDP, udp(4000, 53, Buffer.alloc(1400))),
      `${back}0800 IP 10.0.0.2 > 10.0.0.1: ICMP port unreachable, length 556`,
    ],
    [
      'a datagram, IPv6',
      ipFrame(UDP, udp(4000, 53, Buffer.alloc(1400)), IPV6),
      `${back}86dd IP6 fd00::2 > fd00::1: ICMP6, destination unreachable, length 1240`,
    ],
    ['an echo', ipFrame(ICMP, icmp(8)), `${back}0800 IP 10.0.0.2 > 10.0.0.1: ICMP port unreachable, length 36`],
    ['a RST', ipFrame(TCP, tcp(4000, 80, RST)), undefined],
    ['an error', ipFrame(ICMP, icmp(3, 1)), undefined],
    ['an error of IPv6', ipFrame(ICMPV6, icmp(1), IPV6), undefined],
    ['a later fragment', ipFrame(UDP, udp(1, 2), { fragment: 0x10 }), undefined],
    ['a multicast', ipFrame(UDP, udp(1, 2), { to: '224.0.0.251' }), undefined],
    ['a multicast of IPv6', ipFrame(UDP, udp(1, 2), { ...IPV6, to: 'ff02::1' }), undefined],
    ['a sender without an address', ipFrame(UDP, udp(68, 67), { from: '0.0.0.0' }), undefined],
    ['a sender without an address of IPv6', ipFrame(UDP, udp(68, 67), { from: '::', to: 'fd00::1' }), undefined],
    ['a broadcast', frameOf(BROADCAST, macOf(1), 0x0800, ipFrame(UDP, udp(1, 2)).subarray(14)), undefined],
    ['ARP', arpRequest(1, 2), undefined],
  ])('of %s', (_what, frame, expected) => {
    expect(refused(frame)).toBe(expected);
  });
});

test('any frame is parsed, matched and refused without an error', () => {
  const frames = [
    ipFrame(TCP, tcp(4000, 53, SYN | ACK, segmentOf(dnsMessage('query', 'bob.lab.test', 'A')))),
    ipFrame(UDP, udp(4000, 53, dnsMessage('query', 'bob.lab.test', 'A'))),
    ipFrame(UDP, udp(1, 9000), { ...IPV6, extensions: [HOP_BY_HOP, fragment6(0, 1)] }),
    ipFrame(ICMPV6, icmp(2), IPV6),
    tagged(fromMdns, 5),
    ipFrame(ICMP, icmp(3, 4)),
    arpRequest(1, 2),
  ];
  const rules = [
    { dns: { name: '*.lab.test', type: 'A' } },
    { flags: ['SYN', 'FIN+ACK'], payload: 'bob' },
    { icmp: ['too-big', 'unreachable'], address: ['fd00::/64', '10.0.0.0/8'] },
    { not: { protocol: ['arp', 'udp'], port: 53 } },
  ] satisfies PacketMatch[];
  const compiled = rules.map((match) => compileMatch(check(match).plan.match));
  const buffer = Buffer.alloc(9234, 0xc0);
  fuzz(frames, (bytes) => {
    buffer.set(bytes);
    headers.parse(buffer, bytes.length);
    const { network, payload, end, transport } = headers;
    expect([network, transport, payload].every((at) => at <= end) && end <= bytes.length).toBe(true);
    for (const isMatch of compiled) isMatch(buffer, headers);
    const refusal = refusalOf(buffer, headers);
    expect(refusal === undefined || refusal.length <= 1280 + 22 + bytes.length).toBe(true);
  });
});

describe('what makes no sense is refused', () => {
  test.each<[string, unknown, unknown, unknown, string]>([
    ['a match', undefined, 'drop', {}, 'match must be an object such as { toPort: 53 }, or a function, not undefined'],
    ['a misspelt property', { prot: 'tcp' }, 'drop', {}, "without 'prot'"],
    [
      'a protocol',
      { protocol: 'tpc' },
      'drop',
      {},
      "match.protocol must be 'tcp', 'udp', 'icmp', 'icmp6', 'arp', or a number",
    ],
    ['the number of a protocol', { protocol: 300 }, 'drop', {}, 'match.protocol must be an integer from 1536 to 65535'],
    ['a port', { toPort: 70000 }, 'drop', {}, 'match.toPort must be an integer from 0 to 65535'],
    ['a port in an array', { port: [1, '2'] }, 'drop', {}, "match.port[1] must be an integer, not '2'"],
    ['an empty array', { port: [] }, 'drop', {}, 'match.port must be an array with an item'],
    ['no host', { from: [] }, 'drop', {}, 'match.from must be an array with a name'],
    ['an address', { address: 'bob' }, 'drop', {}, "match.address must be an address such as '10.0.0.1'"],
    ['a prefix', { toAddress: '10.0.0.0/33' }, 'drop', {}, 'match.toAddress must be an integer from 0 to 32'],
    ['flags', { flags: 'SNY' }, 'drop', {}, "match.flags must be flags of TCP such as 'SYN' or 'SYN+ACK', not 'SNY'"],
    ['flags of UDP', { protocol: 'udp', flags: 'SYN' }, 'drop', {}, "match.flags must be used with the protocol 'tcp'"],
    [
      'ports of ICMP',
      { protocol: 'icmp', port: 5 },
      'drop',
      {},
      "match.port must be used with the protocol 'tcp' or 'udp'",
    ],
    ['a message of ICMP', { icmp: 'ping' }, 'drop', {}, "match.icmp must be 'echo-request', 'echo-reply'"],
    [
      'a bare number of ICMP',
      { icmp: 3 },
      'drop',
      {},
      "match.icmp must be a number only with the protocol 'icmp' or 'icmp6'",
    ],
    [
      'a message of the other ICMP',
      { protocol: 'icmp', icmp: 'neighbor-solicitation' },
      'drop',
      {},
      "it exists only as 'icmp6'",
    ],
    ['ICMP with ports', { icmp: 'too-big', port: 5 }, 'drop', {}, "match.icmp must be used without 'port'"],
    ['DNS', { dns: true }, 'drop', {}, 'match.dns must be an object such as'],
    ['a type of DNS', { dns: { type: 'AAA' } }, 'drop', {}, "match.dns.type must be 'A', 'NS'"],
    ['a name', { dns: { name: 'a..b' } }, 'drop', {}, 'match.dns.name must be a name such as'],
    ['an empty payload', { payload: '' }, 'drop', {}, 'match.payload must be one byte or more'],
    ['nothing that is excluded', { not: {} }, 'drop', {}, 'match.not must be an object that has a property'],
    ['a host that is excluded', { not: { from: 'a' } }, 'drop', {}, "without 'from'"],
    ['a function', { where: true }, 'drop', {}, 'match.where must be a function, not true'],
    [
      'an action',
      {},
      'dorp',
      {},
      "action must be 'drop', 'duplicate', 'corrupt', 'reject', 'pass' or { delay: milliseconds }, not 'dorp'",
    ],
    ['a delay', {}, { delay: -1 }, {}, 'action.delay must be from 0 to 3600000 milliseconds'],
    ['an option of an action', {}, { delay: 1, jitter: 2 }, {}, "without 'jitter'"],
    ['times', {}, 'drop', { times: 0 }, 'options.times must be an integer from 1'],
    ['after', {}, 'drop', { after: 1.5 }, 'options.after must be an integer from 0'],
    ['between', {}, 'drop', { between: [5, 5] }, 'options.between must be an array [from, to] of milliseconds'],
    ['a misspelt option', {}, 'drop', { time: 2 }, "without 'time'"],
  ])('%s', (_what, match, action, options, words) => {
    expect(() => check(match, action, options)).toThrow(words);
  });

  test('an answer of a predicate', () => {
    expect(checkVerdict(Buffer.alloc(60))).toEqual(new Uint8Array(60));
    expect(checkVerdict({ delay: 5 })).toEqual({ kind: 'delay', delay: 5 });
    expect(() => checkVerdict(undefined)).toThrow("the answer of 'where' must be true or false, an action");
    expect(() => checkVerdict(Buffer.alloc(5))).toThrow('a frame of 14 to 9234 bytes');
    expect(() => checkVerdict('dorp')).toThrow("the answer of 'where' must be 'drop'");
  });
});
