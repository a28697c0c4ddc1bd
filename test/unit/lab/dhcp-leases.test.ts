import { AF_INET } from '../../../lib/constants/index.js';
import { DhcpLeases } from '../../../lib/lab/services/dhcp-leases.js';
import type { NetworkPlan } from '../../../lib/lab/topology/config.js';
import { Topology } from '../../../lib/lab/topology/topology.js';

const macOf = (number: number) => Uint8Array.of(6, 0, 0, 0, number >> 8, number & 255);

/** Leases of a network with one host of its own, by a clock that the test sets; `looks` counts looks at the prefix. */
function leasesOf(prefix: string) {
  const topology = new Topology({ networks: { lan: prefix }, hosts: { alice: 'lan' } });
  const network = topology.networks[0] as NetworkPlan;
  const plain = network.prefixes.find(({ family }) => family === AF_INET)!;
  const clock = { now: 0, looks: 0 };
  const counting = new Proxy(plain, {
    get: (target, key) => {
      clock.looks++;
      return Reflect.get(target, key);
    },
  });
  return { leases: new DhcpLeases(topology, network, counting, () => clock.now), clock };
}

test('clients get the last addresses, and keep them', () => {
  const { leases } = leasesOf('10.0.0.0/29');
  expect([1, 2, 1].map((number) => leases.lease(macOf(number), 60))).toEqual(['10.0.0.6', '10.0.0.5', '10.0.0.6']);
});

test('clients do not get the addresses of a NAT', () => {
  const topology = new Topology({
    networks: { home: '192.168.1.0/24', internet: '203.0.113.0/29' },
    hosts: { fritz: { networks: ['home', 'internet'], nat: { addresses: ['203.0.113.5', '203.0.113.6'] } } },
  });
  const internet = topology.networks[1]!;
  const leases = new DhcpLeases(topology, internet, internet.prefixes[0]!);
  expect(leases.lease(macOf(1), 60)).toBe('203.0.113.4');
});

test('a lease that ended is free for others, one that goes on is not', () => {
  const { leases, clock } = leasesOf('10.0.0.0/29');
  for (let number = 1; number <= 5; number++) expect(leases.lease(macOf(number), number === 3 ? 10 : 60)).toBeDefined();
  expect(leases.lease(macOf(6), 60)).toBeUndefined();
  clock.now = 10_000;
  expect(leases.lease(macOf(6), 60)).toBe('10.0.0.4');
  expect(leases.addressOf(macOf(3))).toBeUndefined();
  expect(leases.lease(macOf(7), 60)).toBeUndefined();
});

test('an address that was given back, or declined', () => {
  const { leases, clock } = leasesOf('10.0.0.0/30');
  expect(leases.lease(macOf(1), 60)).toBe('10.0.0.2');
  leases.release(macOf(1));
  expect(leases.lease(macOf(2), 60)).toBe('10.0.0.2');
  leases.decline(macOf(2), 60);
  expect(leases.lease(macOf(2), 60)).toBeUndefined();
  clock.now = 60_000;
  expect(leases.lease(macOf(2), 60)).toBe('10.0.0.2');
});

test('the work for a new client does not grow with the clients before it', () => {
  const { leases, clock } = leasesOf('10.0.0.0/16');
  const looksOf = (number: number) => {
    const before = clock.looks;
    leases.lease(macOf(number), 60);
    return clock.looks - before;
  };
  const first = looksOf(1);
  for (let number = 2; number < 3000; number++) leases.lease(macOf(number), 60);
  expect(looksOf(3000)).toBe(first);
});
