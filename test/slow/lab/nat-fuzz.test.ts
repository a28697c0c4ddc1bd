import { checkAddressPrefix } from '../../../lib/fabric/address-prefix.js';
import { FirewallGate } from '../../../lib/fabric/firewall/firewall.js';
import { checkFirewall } from '../../../lib/fabric/firewall/options.js';
import type { Verdict } from '../../../lib/fabric/gate.js';
import { addressNumber } from '../../../lib/fabric/nat/ipv4-packet.js';
import { Nat, NatInside } from '../../../lib/fabric/nat/nat.js';
import { checkNat } from '../../../lib/fabric/nat/options.js';
import { Nat64 } from '../../../lib/fabric/nat64/nat64.js';
import { randomOf } from '../../support/fuzz-values.js';
import { icmpError, summed, tcp, udp, wrongChecksums } from '../../support/ip-frames.js';
import { udp as datagram, icmp, ipFrame, tcp as segment } from '../../support/packet-frames.js';

/* A million packets through NATs and firewalls, of hosts that follow no rules. */

const COUNT = 1_000_000;
const MAX_ENDPOINTS = 65_536;
const MAX_HOSTS = 4096;
const OUTSIDE = '203.0.113.2';

type Take = (frame: Buffer, length: number, now: number) => Verdict;

/** Sends a million packets through one of the gates each, and checks those that pass. */
function flood(gates: readonly Take[]): void {
  const draw = randomOf(7);
  const upTo = (n: number) => Math.floor(draw() * n);
  // a template for each kind, changed in place: making a packet costs more than translating it
  const addresses = Array.from(
    { length: 2000 },
    (_, i) => `10.${i % 250}.${i % 7}.${1 + (i % 200)}:${1 + upTo(65_535)}`,
  );
  const address = () => (draw() < 0.2 ? `${OUTSIDE}:${upTo(65_536)}` : addresses[upTo(addresses.length)]!);
  const templates = Array.from({ length: 3000 }, () => {
    const [from, to] = [address(), address()];
    const options = { toRouter: draw() < 0.5, fragment: draw() < 0.05 ? upTo(65_536) : 0x4000 };
    const packet = draw() < 0.5 ? udp(from, to, options) : tcp(from, to, upTo(256), options);
    const [source = '', destination = ''] = [address(), address()].map((text) => text.split(':')[0]!);
    return draw() < 0.2 ? icmpError(source, destination, packet, { ...options, quoted: upTo(60) }) : packet;
  });
  send(templates, gates, draw);
}

/** Sends a million of the packets, some of them mutated, through one of the gates each, and checks those that pass. */
function send(templates: readonly Buffer[], gates: readonly Take[], draw: () => number): void {
  const upTo = (n: number) => Math.floor(draw() * n);
  const frame = Buffer.alloc(4000);
  for (let i = 0; i < COUNT; i++) {
    const template = templates[upTo(templates.length)]!;
    template.copy(frame);
    const isMutated = draw() < 0.3;
    let length = template.length;
    if (isMutated) {
      frame[upTo(length)] = upTo(256);
      if (draw() < 0.3) length = upTo(length);
    }
    const verdict = gates[upTo(gates.length)]!(frame, length, i);
    if (isMutated || (verdict !== 'pass' && verdict !== 'back')) continue;
    const wrong = wrongChecksums(frame.subarray(0, length));
    if (wrong !== '') throw new Error(`packet ${i}: ${wrong}: ${frame.toString('hex', 0, length)}`);
  }
}

/** Packets between hosts inside, of which there are many, and addresses outside, in both families; as fragments and errors too. */
function packetsOfBothFamilies(draw: () => number): Buffer[] {
  const upTo = (n: number) => Math.floor(draw() * n);
  const data = () => Buffer.alloc(draw() < 0.1 ? upTo(2000) : upTo(60), 'data');
  const inside = () => `fd00:2::${upTo(3).toString(16)}:${upTo(2048).toString(16)}`;
  const remote = () => `203.0.113.${1 + upTo(9)}`;
  const ends = (): [from: string, to: string] => {
    const kind = draw();
    if (kind < 0.4) return [inside(), `64:ff9b::${remote()}`];
    if (kind < 0.5) return [inside(), `2001:db8::${1 + upTo(9)}`];
    if (kind < 0.6) return ['2001:db8::1', `2001:db8:1::${upTo(65_536).toString(16)}:0:0:2`];
    if (kind < 0.7) return [inside(), `2001:db8:1::${upTo(65_536).toString(16)}:0:0:2`];
    return [remote(), draw() < 0.7 ? `240.0.${upTo(8)}.${upTo(256)}` : OUTSIDE];
  };
  const carried = (isIPv6: boolean): [protocol: number, payload: Buffer] => {
    const kind = draw();
    if (kind < 0.4) return [17, datagram(upTo(65_536), upTo(65_536), data())];
    if (kind < 0.8) return [6, segment(upTo(65_536), upTo(65_536), upTo(256), data())];
    const types = isIPv6 ? [128, 129, 135] : [8, 0, 13];
    return [isIPv6 ? 58 : 1, icmp(types[upTo(3)]!, 0, Buffer.concat([Buffer.alloc(4), data()]))];
  };
  const whole = (from: string, to: string) => {
    const [protocol, payload] = carried(from.includes(':'));
    return summed(ipFrame(protocol, payload, { from, to }));
  };
  return Array.from({ length: 3000 }, () => {
    const [from, to] = ends();
    const isIPv6 = from.includes(':');
    if (draw() < 0.2) {
      const quoted = whole(to, from).subarray(14);
      const error = icmp(
        isIPv6 ? 1 + upTo(4) : [3, 11, 12][upTo(3)]!,
        upTo(6),
        Buffer.concat([Buffer.alloc(4), quoted]),
      );
      return summed(ipFrame(isIPv6 ? 58 : 1, error, { from, to }));
    }
    if (draw() < 0.1) {
      const offset = upTo(65_536);
      const [protocol, payload] = carried(isIPv6);
      return ipFrame(protocol, payload, {
        from,
        to,
        fragment: offset,
        extensions: [[44, [0, offset >> 8, offset & 0xff, 0, 0, upTo(256), upTo(256)]]],
      });
    }
    return whole(from, to);
  });
}

it('NAT64 and NAT66: no exception, right checksums, bounded tables', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 2);
  const nat = new Nat(
    1,
    {
      name: 'fritz',
      plan: checkNat('nat', 'full-cone'),
      addresses: [addressNumber(OUTSIDE)],
      mac,
      pid: -1,
      prefixes6: {
        inside: checkAddressPrefix('inside', 'fd00:2::/64'),
        outside: checkAddressPrefix('outside', '2001:db8:1::/64'),
      },
    },
    () => {},
  );
  const nat64 = new Nat64({ mac, place: 0 });
  const inside = new NatInside(nat, nat64);
  const replaced = new Map<string, number>();
  const draw = randomOf(64);
  const take =
    (gate: Nat | NatInside, way: 'fromHost' | 'toHost'): Take =>
    (frame, length, now) => {
      const isRight = wrongChecksums(frame.subarray(0, length)) === '';
      const verdict = gate[way](frame, length, now);
      for (const translated of gate.released()) {
        if (verdict !== 'replace') continue;
        const family = `IPv${translated[14]! >> 4}`;
        replaced.set(family, (replaced.get(family) ?? 0) + 1);
        const wrong = isRight ? wrongChecksums(translated) : '';
        if (wrong !== '')
          throw new Error(`${wrong}: ${frame.toString('hex', 0, length)} became ${translated.toString('hex')}`);
        if (family === 'IPv4') nat.fromHost(Buffer.from(translated), translated.length, now);
      }
      return verdict;
    };
  const gates = [take(inside, 'toHost'), take(inside, 'fromHost'), take(nat, 'fromHost'), take(nat, 'toHost')];
  send(packetsOfBothFamilies(draw), gates, draw);
  expect(Math.min(replaced.get('IPv4') ?? 0, replaced.get('IPv6') ?? 0)).toBeGreaterThan(COUNT / 100);
  expect(nat64.hosts.size).toBe(MAX_HOSTS);
  const endpoints = nat.mappings(COUNT).reduce((sum, { remotes }) => sum + remotes.length, 0);
  expect(endpoints).toBeGreaterThan(100);
  expect(endpoints).toBeLessThanOrEqual(MAX_ENDPOINTS);
});

it.each(['full-cone', 'symmetric'] as const)('%s: no exception, right checksums, a bounded table', (type) => {
  const settings = {
    name: 'fritz',
    plan: checkNat('nat', type),
    addresses: [addressNumber(OUTSIDE)],
    mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    pid: -1,
  };
  const nat = new Nat(1, settings, () => {});
  flood(
    [nat.fromHost, nat.toHost, nat.fromInside].map(
      (take): Take =>
        (frame, length, now) => {
          nat.released();
          return take.call(nat, frame, length, now);
        },
    ),
  );
  const endpoints = nat.mappings(COUNT).reduce((sum, { remotes }) => sum + remotes.length, 0);
  expect(endpoints).toBeGreaterThan(100);
  expect(endpoints).toBeLessThanOrEqual(MAX_ENDPOINTS);
});

it('a firewall: no exception, and refusals with right checksums', () => {
  const firewall = new FirewallGate(
    checkFirewall('firewall', [
      { direction: 'out', protocol: 'udp', to: { address: '10.0.0.0/9' }, action: 'accept' },
      { direction: 'in', protocol: 'icmp', action: 'drop' },
      { action: 'reject' },
    ]),
  );
  let refusals = 0;
  flood(
    [firewall.fromHost, firewall.toHost].map(
      (take): Take =>
        (frame, length, now) => {
          const verdict = take.call(firewall, frame, length, now);
          if (!firewall.answer) return verdict;
          refusals++;
          // what it quotes may be mutated
          const wrong = wrongChecksums(firewall.answer).replace(/,? ?quoted packet: \w+/g, '');
          if (wrong !== '') throw new Error(wrong);
          return verdict;
        },
    ),
  );
  expect(refusals).toBeGreaterThan(COUNT / 10);
});
