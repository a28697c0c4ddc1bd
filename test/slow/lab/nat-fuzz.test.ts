import { FirewallGate } from '../../../lib/fabric/firewall/firewall.js';
import { checkFirewall } from '../../../lib/fabric/firewall/options.js';
import type { Verdict } from '../../../lib/fabric/gate.js';
import { addressNumber } from '../../../lib/fabric/nat/ipv4-packet.js';
import { Nat } from '../../../lib/fabric/nat/nat.js';
import { checkNat } from '../../../lib/fabric/nat/options.js';
import { randomOf } from '../../support/fuzz-values.js';
import { icmpError, tcp, udp, wrongChecksums } from '../../support/ip-frames.js';

/* A million packets through NATs and firewalls, of hosts that follow no rules. */

const COUNT = 1_000_000;
const MAX_ENDPOINTS = 65_536;
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
  const frame = Buffer.alloc(2000);
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
