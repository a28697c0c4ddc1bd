import { ipBytes, ipText } from '../../../lib/address/ip.js';
import { checkAddressPrefix } from '../../../lib/fabric/address-prefix.js';
import { Nat66 } from '../../../lib/fabric/nat/nat66.js';
import { PrefixTranslation } from '../../../lib/fabric/nat/prefix-translation.js';
import { describeFrame } from '../../../lib/vde/describe-frame.js';
import { randomOf } from '../../support/fuzz-values.js';
import { summed, wrongChecksums } from '../../support/ip-frames.js';
import { icmp, ipFrame, udp } from '../../support/packet-frames.js';

/* Prefixes of IPv6 that stand for each other: RFC 6296. */

const pair = (inside: string, outside: string) => ({
  inside: checkAddressPrefix('inside', inside),
  outside: checkAddressPrefix('outside', outside),
});

function translated(prefixes: PrefixTranslation, address: string, way: 'toOutside' | 'toInside'): string | undefined {
  const bytes = Buffer.from(ipBytes(address));
  return prefixes[way](bytes, 0) ? ipText(bytes) : undefined;
}

describe('addresses', () => {
  it.each([
    // the example of RFC 6296, 3.6
    ['fd01:203:405::/48', '2001:db8:1::/48', 'fd01:203:405:1::1234', '2001:db8:1:d550::1234'],
    ['fd00:2::/64', '2001:db8:1::/64', 'fd00:2::2', '2001:db8:1:0:cf48::2'],
    ['fd00:2::/64', '2001:db8:1::/64', 'fd00:2::ffff:0:0:2', '2001:db8:1:0:ffff:cf48:0:2'],
    // the sum is all ones, which is zero too
    ['fd00:2::/64', '2001:db8:1::/64', 'fd00:2::30b7:0:0:2', '2001:db8:1::2'],
    ['fd00:2:0:100::/56', '2001:db8:1:200::/56', 'fd00:2:0:1ab::2', '2001:db8:1:2ab:ce48::2'],
  ])('from %s to %s: %s is %s, and back', (inside, outside, from, to) => {
    const prefixes = new PrefixTranslation(pair(inside, outside));
    expect(translated(prefixes, from, 'toOutside')).toBe(to);
    expect(translated(prefixes, to, 'toInside')).toBe(from);
  });

  it('have none if all that could be adjusted is ones: RFC 6296, 3.4 and 3.5', () => {
    const site = new PrefixTranslation(pair('fd01:203:405::/48', '2001:db8:1::/48'));
    expect(translated(site, 'fd01:203:405:ffff::1', 'toOutside')).toBeUndefined();
    const network = new PrefixTranslation(pair('fd00:2::/64', '2001:db8:1::/64'));
    expect(translated(network, 'fd00:2::ffff:ffff:ffff:ffff', 'toOutside')).toBeUndefined();
  });

  it('come back, whatever they are', () => {
    const draw = randomOf(66);
    const word = () => (draw() < 0.2 ? 0xffff : Math.floor(draw() * 0x1_0000)).toString(16);
    for (let i = 0; i < 10_000; i++) {
      const length = 16 + Math.floor(draw() * 49);
      const [inside, outside] = ['fd00', '2001'].map((first) => {
        const bytes = Buffer.from(ipBytes(`${first}:${[1, 2, 3, 4, 5, 6, 7].map(word).join(':')}`));
        return [ipText(bytes), length] as const;
      }) as [readonly [string, number], readonly [string, number]];
      const prefixes = new PrefixTranslation(pair(inside.join('/'), outside.join('/')));
      const to = translated(prefixes, inside[0], 'toOutside');
      if (to === undefined) continue;
      // zero and all ones are the same sum
      expect([inside[0], translated(prefixes, to, 'toInside')]).toEqual([inside[0], inside[0]]);
    }
  });
});

describe('packets', () => {
  const [ALICE, OUTER, PEER] = ['fd00:2::2', '2001:db8:1:0:cf48::2', '2001:db8::1'];
  const [CAROL, CAROL_OUTER] = ['fd00:2::3', '2001:db8:1:0:cf48::3'];
  const nat = () => new Nat66(pair('fd00:2::/64', '2001:db8:1::/64'));
  const datagram = (from: string, to: string) => summed(ipFrame(17, udp(5000, 9, 'hello'), { from, to }));
  const error = (from: string, to: string, about: Buffer) =>
    summed(ipFrame(58, icmp(1, 4, Buffer.concat([Buffer.alloc(4), about.subarray(14)])), { from, to }));
  const text = (frame: Buffer) => {
    expect(wrongChecksums(frame)).toBe('');
    return /^IP6 (.*?):? (?:UDP|ICMP6)/.exec(describeFrame(frame))?.[1];
  };

  it('go out and come in', () => {
    const tried = nat();
    const sent = datagram(ALICE, PEER);
    expect([tried.toOutside(sent, sent.length), tried.note]).toEqual(['pass', `nat66: ${ALICE} → ${OUTER}`]);
    expect(text(sent)).toBe(`${OUTER}.5000 > ${PEER}.9`);
    const came = datagram(PEER, OUTER);
    expect([tried.toInside(came, came.length), tried.note]).toEqual(['pass', `nat66: ${OUTER} → ${ALICE}`]);
    expect(text(came)).toBe(`${PEER}.5000 > ${ALICE}.9`);
    const direct = datagram(PEER, ALICE);
    expect([tried.toInside(direct, direct.length), tried.note]).toEqual([
      'drop',
      `dropped: nat66: ${ALICE} is not outside`,
    ]);
    for (const [from, to] of [
      ['2001:db8::2', PEER],
      [PEER, '2001:db8::2'],
    ] as const) {
      const own = datagram(from, to);
      expect([tried.toOutside(own, own.length), tried.toInside(own, own.length), tried.note]).toEqual([
        'pass',
        'pass',
        undefined,
      ]);
    }
  });

  it('errors have the addresses of their side in the packet that they quote', () => {
    const tried = nat();
    const out = error(ALICE, PEER, datagram(PEER, ALICE));
    tried.toOutside(out, out.length);
    expect([text(out), ipText(out.subarray(14 + 48 + 24, 14 + 48 + 40))]).toEqual([`${OUTER} > ${PEER}`, OUTER]);
    const came = error(PEER, OUTER, datagram(OUTER, PEER));
    tried.toInside(came, came.length);
    expect([text(came), ipText(came.subarray(14 + 48 + 8, 14 + 48 + 24))]).toEqual([`${PEER} > ${ALICE}`, ALICE]);
  });

  it('make a turn between hosts inside, unless they may not: RFC 6296, 4.3', () => {
    const tried = nat();
    const sent = datagram(ALICE, CAROL_OUTER);
    expect([tried.turn(sent, sent.length, false), tried.note]).toEqual(['drop', 'dropped: nat66: no hairpin']);
    expect(tried.turn(sent, sent.length, true)).toBe('pass');
    expect(text(sent)).toBe(`${OUTER}.5000 > ${CAROL}.9`);
    const back = error(CAROL, OUTER, datagram(OUTER, CAROL));
    expect(tried.turn(back, back.length, true)).toBe('pass');
    expect(text(back)).toBe(`${CAROL_OUTER} > ${ALICE}`);
    expect(ipText(back.subarray(14 + 48 + 8, 14 + 48 + 24))).toBe(ALICE);
    expect(ipText(back.subarray(14 + 48 + 24, 14 + 48 + 40))).toBe(CAROL_OUTER);
  });
});
