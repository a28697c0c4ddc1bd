import { Headers } from '../../../lib/fabric/headers.js';
import { errorToIpv4, errorToIpv6 } from '../../../lib/fabric/nat64/icmp-errors.js';
import { InsideHosts } from '../../../lib/fabric/nat64/inside-hosts.js';
import { Nat64 } from '../../../lib/fabric/nat64/nat64.js';
import { ToIpv4 } from '../../../lib/fabric/nat64/to-ipv4.js';
import { ToIpv6 } from '../../../lib/fabric/nat64/to-ipv6.js';
import { describeFrame } from '../../../lib/vde/describe-frame.js';
import { summed, wrongChecksums } from '../../support/ip-frames.js';
import { ETHERTYPE, type IpParts, icmp, ipFrame, tcp, udp } from '../../support/packet-frames.js';
import { macOf } from '../../support/vde.js';

/* Packets from IPv6 to IPv4 and back, by RFC 7915. */

const [ALICE, CAROL, PEER] = ['fd00:2::2', 'fd00:2::3', '64:ff9b::cb00:7101'];
const [ALICE4, PEER4] = ['240.0.0.2', '203.0.113.1'];
const BASE = 0xf000_0000;
const FRAGMENT = 44;

/** From alice to the peer, and back, in both families. */
const OUT = { from: ALICE, to: PEER };
const IN = { from: PEER4, to: ALICE4 };

class Tried {
  readonly hosts = new InsideHosts(BASE);
  readonly #headers = new Headers();
  readonly #toIpv4 = new ToIpv4(this.hosts);
  readonly #toIpv6 = new ToIpv6(this.hosts);

  constructor() {
    this.hosts.note(ipFrame(17, udp(1, 2), OUT), 14 + 8);
  }

  /** The frame with the packet in IPv4, or why there is none. */
  to4(frame: Buffer): Buffer | string {
    this.#headers.parse(frame, frame.length);
    const packet = this.#toIpv4.translate(frame, this.#headers);
    return typeof packet === 'string' ? packet : framed(4, packet);
  }

  to6(frame: Buffer): Buffer[] | string {
    this.#headers.parse(frame, frame.length);
    const packets = this.#toIpv6.translate(frame, this.#headers);
    return typeof packets === 'string' ? packets : packets.map((packet) => framed(6, packet));
  }
}

function framed(family: 4 | 6, packet: Buffer): Buffer {
  const type = Buffer.alloc(2);
  type.writeUInt16BE(ETHERTYPE[family]);
  return Buffer.concat([Buffer.alloc(12), type, packet]);
}

const frameOf = (protocol: number, data: Uint8Array, parts: IpParts) => summed(ipFrame(protocol, data, parts));
const ECHO = Buffer.from('0001002a70696e67', 'hex');

describe('a packet', () => {
  it.each<[string, Buffer, string]>([
    ['UDP', frameOf(17, udp(5000, 53, 'hello'), OUT), 'IP 240.0.0.2.5000 > 203.0.113.1.53: UDP, length 5'],
    ['a datagram of odd length', frameOf(17, udp(5000, 53, 'hell'), OUT), 'UDP, length 4'],
    ['TCP', frameOf(6, tcp(5000, 80, 2), OUT), 'IP 240.0.0.2.5000 > 203.0.113.1.80: Flags [S]'],
    ['a ping', frameOf(58, icmp(128, 0, ECHO), OUT), 'IP 240.0.0.2 > 203.0.113.1: ICMP echo request, id 1, seq 42'],
    ['an answer of zeros only', frameOf(58, icmp(129), OUT), 'ICMP echo reply, id 0, seq 0'],
    ['its answer', frameOf(58, icmp(129, 0, ECHO), OUT), 'ICMP echo reply, id 1, seq 42'],
  ])('%s goes to IPv4, and is the same when it comes back', (_what, frame, text) => {
    const tried = new Tried();
    const there = tried.to4(frame) as Buffer;
    expect(describeFrame(there)).toContain(text);
    expect(wrongChecksums(there)).toBe('');
    const [back] = tried.to6(there) as [Buffer];
    expect(wrongChecksums(back)).toBe('');
    expect(back.subarray(14).toString('hex')).toBe(frame.subarray(14).toString('hex'));
  });

  it('made by hand: the header, and a checksum that was computed elsewhere', () => {
    const frame = frameOf(17, udp(5000, 53, 'hello'), OUT);
    frame.writeUInt16BE(0x6ab0, 14);
    frame[14 + 7] = 9;
    const there = new Tried().to4(frame) as Buffer;
    // type of service, hop limit, addresses; small packets may be fragmented and have an identification
    expect(there.toString('hex', 14, 34)).toBe(
      '45ab0021000100000911abcdf0000002cb007101'.replace('abcd', there.toString('hex', 24, 26)),
    );
    // pseudo header f0000002 cb007101 0011 000d, header 1388 0035 000d, data 6865 6c6c 6f00
    const sum = 0xf000 + 0x0002 + 0xcb00 + 0x7101 + 0x11 + 0x0d + 0x1388 + 0x35 + 0x0d + 0x6865 + 0x6c6c + 0x6f00;
    expect(there.readUInt16BE(14 + 20 + 6)).toBe(~((sum & 0xffff) + (sum >> 16)) & 0xffff);
  });

  it('a long one may not be fragmented, a short one may: RFC 7915, 5.1', () => {
    const flags = (size: number) => (new Tried().to4(frameOf(17, udp(1, 2, 'x'.repeat(size)), OUT)) as Buffer)[14 + 6];
    expect([flags(1232), flags(1233)]).toEqual([0, 0x40]);
  });

  it('a wrong checksum stays wrong', () => {
    const tried = new Tried();
    for (const [protocol, data, at] of [
      [17, udp(1, 2, 'hello'), 6],
      [6, tcp(1, 2, 2), 16],
      [58, icmp(128, 0, ECHO), 2],
    ] as const) {
      const frame = frameOf(protocol, data, OUT);
      frame[54 + at]! ^= 0x55;
      const there = tried.to4(frame) as Buffer;
      expect(wrongChecksums(there)).not.toBe('');
      expect(wrongChecksums((tried.to6(there) as [Buffer])[0])).not.toBe('');
    }
  });

  it('a datagram without a checksum gets one: RFC 7915, 4.5', () => {
    const [there] = new Tried().to6(ipFrame(17, udp(53, 5000, 'hello'), IN)) as [Buffer];
    expect(there.readUInt16BE(14 + 40 + 6)).not.toBe(0);
    expect(wrongChecksums(there)).toBe('');
    expect(new Tried().to6(ipFrame(17, udp(1, 2, 'x'), { ...IN, fragment: 0x2000 }))).toBe('no checksum');
    expect(new Tried().to4(ipFrame(17, udp(1, 2), OUT))).toBe('no checksum');
  });

  it('loses its options and extension headers, but not a source route: RFC 7915, 5.1', () => {
    const behind = (type: number, rest: number[]) =>
      new Tried().to4(ipFrame(6, tcp(1, 2, 2), { ...OUT, extensions: [[type, rest]] }));
    const options = [0, 1, 4, 0, 0, 0, 0];
    expect(describeFrame(behind(60, options) as Buffer)).toContain('240.0.0.2.1 > 203.0.113.1.2');
    expect(describeFrame(behind(43, [0, 0, 0, 0, 0, 0, 0]) as Buffer)).toContain('240.0.0.2.1 > 203.0.113.1.2');
    expect(behind(43, [0, 0, 1, 0, 0, 0, 0])).toBe('a source route');
  });

  it.each<[string, Buffer, string]>([
    ['SCTP', ipFrame(132, Buffer.alloc(20), OUT), 'protocol 132'],
    ['neighbour discovery', frameOf(58, icmp(135), OUT), 'ICMPv6 type 135, code 0'],
    ['a cut packet', ipFrame(17, udp(1, 2, 'hello'), OUT).subarray(0, 60), 'malformed'],
    ['half a header', ipFrame(17, Buffer.alloc(7), OUT), 'malformed'],
    ['an unknown sender', frameOf(17, udp(1, 2), { from: CAROL, to: PEER }), 'no IPv4 address'],
  ])('%s does not go to IPv4', (_what, frame, reason) => {
    expect(new Tried().to4(frame)).toBe(reason);
  });

  it.each<[string, Buffer, string]>([
    ['GRE', ipFrame(47, Buffer.alloc(20), IN), 'protocol 47'],
    ['a timestamp', frameOf(1, icmp(13), IN), 'ICMP type 13, code 0'],
    ['a packet to nobody', ipFrame(17, udp(1, 2), { ...IN, to: '240.0.0.9' }), 'no such host'],
  ])('%s does not go to IPv6', (_what, frame, reason) => {
    expect(new Tried().to6(frame)).toBe(reason);
  });
});

describe('fragments', () => {
  const fragment = (offset: number, more: number, id = 0x0001_2345) =>
    [
      FRAGMENT,
      [0, (offset >> 8) & 0xff, (offset & 0xf8) | more, ...Buffer.from(id.toString(16).padStart(8, '0'), 'hex')],
    ] as [number, number[]];

  it('go to IPv4 with their offsets, and the first one with a checksum that covers all', () => {
    const tried = new Tried();
    const whole = frameOf(17, udp(5000, 53, 'x'.repeat(40)), OUT).subarray(54);
    const parts = [0, 16, 32].map((at) => {
      const more = at + 16 < whole.length ? 1 : 0;
      const extensions = [fragment(at, more)];
      return tried.to4(ipFrame(17, whole.subarray(at, more ? at + 16 : undefined), { ...OUT, extensions })) as Buffer;
    });
    expect(parts.map((part) => part.readUInt16BE(14 + 6))).toEqual([0x2000, 0x2002, 0x0004]);
    expect(parts.map((part) => part.readUInt16BE(14 + 4))).toEqual([0x2345, 0x2345, 0x2345]);
    const header = ipFrame(17, Buffer.alloc(whole.length), { from: ALICE4, to: PEER4 }).subarray(0, 34);
    expect(wrongChecksums(Buffer.concat([header, ...parts.map((part) => part.subarray(34))]))).toBe('');
  });

  it('go to IPv6, where all links carry them', () => {
    const tried = new Tried();
    const whole = frameOf(17, udp(53, 5000, 'x'.repeat(1400)), { ...IN, fragment: 0 });
    const parts = tried.to6(whole) as Buffer[];
    expect(parts.map(({ length }) => length)).toEqual([14 + 1280, 14 + 48 + 176]);
    expect(parts.map((part) => part.readUInt16BE(14 + 40 + 2))).toEqual([1, 1232]);
    const header = ipFrame(17, Buffer.alloc(1408), { from: PEER, to: ALICE }).subarray(0, 54);
    expect(wrongChecksums(Buffer.concat([header, ...parts.map((part) => part.subarray(62))]))).toBe('');
    const later = tried.to6(ipFrame(17, Buffer.alloc(1456), { ...IN, fragment: 0x2000 | 182 })) as Buffer[];
    expect(later.map((part) => part.readUInt16BE(14 + 40 + 2))).toEqual([1456 | 1, (1456 + 1232) | 1]);
    // what may not be fragmented is not
    expect(tried.to6(frameOf(17, udp(53, 5000, 'x'.repeat(1400)), IN))).toHaveLength(1);
  });

  it('of ICMP do not go: RFC 7915, 1.2', () => {
    const parts = { ...OUT, extensions: [fragment(0, 1)] };
    expect(new Tried().to4(ipFrame(58, icmp(128, 0, ECHO), parts))).toBe('a fragment of ICMP');
    expect(new Tried().to6(ipFrame(1, icmp(8, 0, ECHO), { ...IN, fragment: 0x2000 }))).toBe('a fragment of ICMP');
  });
});

describe('errors of ICMP', () => {
  it.each([
    ['3.0', '1.0'],
    ['3.1', '1.0'],
    ['3.2', '4.1:6'],
    ['3.3', '1.4'],
    ['3.4:1400', '2.0:1420'],
    ['3.4:0', '2.0:1280'],
    ['3.5', '1.0'],
    ['3.9', '1.1'],
    ['3.13', '1.1'],
    ['3.14', ''],
    ['3.15', '1.1'],
    ['4.0', ''],
    ['5.0', ''],
    ['11.0', '3.0'],
    ['11.1', '3.1'],
    [`12.0:${8 * 2 ** 24}`, '4.0:7'],
    [`12.0:${4 * 2 ** 24}`, ''],
    [`12.2:${16 * 2 ** 24}`, '4.0:24'],
    ['12.1', ''],
  ])('%s of IPv4 is %s of IPv6 (RFC 7915, 4.2)', (from, to) => {
    expect(texts(errorToIpv6, from)).toBe(to);
  });

  it.each([
    ['1.0', '3.1'],
    ['1.1', '3.10'],
    ['1.2', '3.1'],
    ['1.3', '3.1'],
    ['1.4', '3.3'],
    ['1.5', ''],
    ['2.0:1420', '3.4:1400'],
    ['3.0', '11.0'],
    ['3.1', '11.1'],
    ['4.0:6', `12.0:${9 * 2 ** 24}`],
    ['4.0:30', `12.0:${16 * 2 ** 24}`],
    ['4.0:2', ''],
    ['4.1', '3.2'],
    ['4.2', ''],
  ])('%s of IPv6 is %s of IPv4 (RFC 7915, 5.2)', (from, to) => {
    expect(texts(errorToIpv4, from)).toBe(to);
  });

  function texts(translate: typeof errorToIpv4, text: string): string {
    const [type = 0, code = 0, rest = 0] = text.split(/[.:]/).map(Number);
    const error = translate({ type, code, rest });
    return error ? `${error.type}.${error.code}${error.rest ? `:${error.rest}` : ''}` : '';
  }

  const quoting = (type: number, code: number, quoted: Buffer, parts: IpParts) =>
    frameOf(parts.from!.includes(':') ? 58 : 1, icmp(type, code, Buffer.concat([Buffer.alloc(4), quoted])), parts);

  it.each([28, 40, 1000])(
    'go to IPv6 with %d bytes of the packet that they quote, also from a router on the way',
    (length) => {
      const tried = new Tried();
      const sent = frameOf(17, udp(5000, 9, 'x'.repeat(length - 28)), { from: ALICE4, to: PEER4 }).subarray(14);
      for (const quoted of [sent, sent.subarray(0, 28)]) {
        const [there] = tried.to6(quoting(3, 3, quoted, { ...IN, from: '198.51.100.7' })) as [Buffer];
        expect(describeFrame(there)).toContain('64:ff9b::c633:6407 > fd00:2::2: ICMP6, destination unreachable');
        expect(wrongChecksums(there)).toBe('');
        expect(describeFrame(framed(6, there.subarray(14 + 48)))).toContain(`fd00:2::2.5000 > ${PEER}.9: UDP`);
        expect(there.length).toBe(14 + 40 + 8 + 20 + quoted.length);
      }
    },
  );

  it('go to IPv4 with the packet that they quote, 576 bytes at most', () => {
    const tried = new Tried();
    const came = frameOf(17, udp(9, 5000, 'x'.repeat(1000)), { from: PEER, to: ALICE }).subarray(14);
    const there = tried.to4(quoting(1, 4, came, OUT)) as Buffer;
    expect(describeFrame(there)).toContain('240.0.0.2 > 203.0.113.1: ICMP port unreachable');
    expect([there.length, there.readUInt16BE(14 + 2), wrongChecksums(there)]).toEqual([14 + 576, 576, '']);
    expect(there.readUInt16BE(14 + 28 + 2)).toBe(20 + 8 + 1000);
  });

  it('about errors, unknown hosts and with wrong checksums do not go', () => {
    const tried = new Tried();
    const error = quoting(3, 3, Buffer.alloc(28), { from: ALICE4, to: PEER4 }).subarray(14);
    expect(tried.to6(quoting(3, 3, error, IN))).toBe('the quoted packet: ICMP type 3, code 3');
    const stranger = ipFrame(17, udp(1, 2), { from: '240.0.0.9', to: PEER4 }).subarray(14);
    expect(tried.to6(quoting(3, 3, stranger, IN))).toBe('the quoted packet: no such host');
    const wrong = quoting(3, 3, stranger, IN);
    wrong[14 + 22]! ^= 1;
    expect(tried.to6(wrong)).toBe('a wrong checksum');
  });
});

describe('hosts', () => {
  const note = (hosts: InsideHosts, last: number, high = 0) => {
    const address = `fd00:2::${high.toString(16)}:${last.toString(16)}`;
    const frame = ipFrame(17, udp(1, 2), { from: address, to: PEER });
    hosts.note(frame, 14 + 8);
    return hosts.toIpv4(frame, 14 + 8) - BASE;
  };

  it('have the last bytes of their addresses, or the next ones', () => {
    const hosts = new InsideHosts(BASE);
    expect([note(hosts, 2), note(hosts, 2, 1), note(hosts, 2), note(hosts, 0), note(hosts, 0xffff)]).toEqual([
      2, 3, 2, 1, 4,
    ]);
  });

  it('are 4096 at most: the one that was silent longest is forgotten', () => {
    const hosts = new InsideHosts(BASE);
    for (let i = 1; i <= 4096; i++) note(hosts, i);
    note(hosts, 1);
    note(hosts, 5000);
    expect([hosts.size, hosts.textOf(BASE + 1), hosts.textOf(BASE + 2)]).toEqual([4096, 'fd00:2::1', undefined]);
  });
});

describe('between the router and the hosts', () => {
  const ROUTER = Buffer.from('020000000002', 'hex');
  const toRouter = (parts: IpParts) => {
    const frame = frameOf(17, udp(5000, 53, 'hello'), parts);
    ROUTER.copy(frame);
    return frame;
  };

  it('replaces frames, with the MAC of the host', () => {
    const nat64 = new Nat64({ mac: ROUTER, place: 1 });
    const sent = toRouter(OUT);
    expect([nat64.toRouter(sent, sent.length), nat64.note]).toEqual(['replace', 'nat64: to 203.0.113.1']);
    const [there] = nat64.released() as [Buffer];
    expect(describeFrame(there)).toBe('IP 240.1.0.2.5000 > 203.0.113.1.53: UDP, length 5');
    const answer = frameOf(17, udp(53, 5000, 'hi'), { from: PEER4, to: '240.1.0.2' });
    expect([nat64.fromRouter(answer, answer.length), nat64.note]).toEqual(['replace', 'nat64: from 203.0.113.1']);
    const [back] = nat64.released() as [Buffer];
    expect(describeFrame(back)).toBe(`IP6 ${PEER}.53 > fd00:2::2.5000: UDP, length 2`);
    expect(back.toString('hex', 0, 6)).toBe(macOf(1).replaceAll(':', ''));
    expect(nat64.released()).toEqual([]);
  });

  it.each<[string, IpParts, string]>([
    ['an address that no host has', { from: ALICE, to: '64:ff9b::f000:2' }, 'dropped: nat64: no address of a host'],
    [
      'a sender that is a translated one: RFC 6146, 3.5',
      { from: PEER, to: PEER },
      'dropped: nat64: no address that it answers',
    ],
    ['a sender of the link', { from: 'fe80::1', to: PEER }, 'dropped: nat64: no address that it answers'],
  ])('drops frames with %s', (_what, parts, note) => {
    const nat64 = new Nat64({ mac: ROUTER, place: 0 });
    const frame = toRouter(parts);
    expect([nat64.toRouter(frame, frame.length), nat64.note]).toEqual(['drop', note]);
  });

  it('leaves other frames alone', () => {
    const nat64 = new Nat64({ mac: ROUTER, place: 0 });
    const frames = [
      toRouter({ from: ALICE, to: 'fd00:2::1' }),
      frameOf(17, udp(1, 2), { from: PEER4, to: '10.0.0.1' }),
    ];
    for (const frame of frames) {
      expect(nat64.toRouter(frame, frame.length)).toBe('pass');
      expect(nat64.fromRouter(frame, frame.length)).toBe('pass');
    }
  });
});
