import { availableParallelism } from 'node:os';
import type { LabConfig } from '../../../lib/lab/topology/config.js';
import { forwardingPlan } from '../../../lib/lab/topology/forwarding.js';
import { Topology } from '../../../lib/lab/topology/topology.js';

/* Which thread forwards which network of a lab. */

/** The number of threads, and that of each network. */
function planOf(config: LabConfig): [number, Record<string, number>] {
  const { threads, threadOf } = forwardingPlan(new Topology(config));
  return [threads, Object.fromEntries([...threadOf].map(([{ name }, thread]) => [name, thread]))];
}

const ROUTED = {
  networks: { a: '10.0.1.0/24', b: '10.0.2.0/24', c: '10.0.3.0/24' },
  hosts: { left: ['a', 'b'], right: ['b', 'c'] },
} as const;

it('gives networks to threads in turn, and has no thread without one', () => {
  expect(planOf({ ...ROUTED, threads: 1 })).toEqual([1, { a: 0, b: 0, c: 0 }]);
  expect(planOf({ ...ROUTED, threads: 2 })).toEqual([2, { a: 0, b: 1, c: 0 }]);
  expect(planOf({ ...ROUTED, threads: 9 })).toEqual([3, { a: 0, b: 1, c: 2 }]);
});

it('has a thread for each four processors where nobody says how many', () => {
  const networks = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`n${i}`, `10.0.${i}.0/24`]));
  const hosts = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`h${i}`, [`n${i}`, `n${i + 1}`]]));
  expect(planOf({ networks, hosts })[0]).toBe(Math.max(1, Math.min(100, Math.floor(availableParallelism() / 4))));
});

it('keeps the networks of a NAT on one thread, and those of NATs that share one', () => {
  const config: LabConfig = {
    threads: 9,
    networks: {
      first: '192.168.1.0/24',
      alone: '10.9.0.0/24',
      second: '192.168.2.0/24',
      middle: '100.64.0.0/24',
      internet: '203.0.113.0/24',
    },
    hosts: {
      server: ['internet', 'alone'],
      carrier: { networks: ['middle', 'internet'], nat: 'cgnat' },
      one: { networks: ['first', 'middle'], nat: 'home' },
      two: { networks: ['second', 'internet'], nat: 'home' },
    },
  };
  expect(planOf(config)).toEqual([2, { first: 0, alone: 1, second: 0, middle: 0, internet: 0 }]);
});

it('keeps the networks of a host with a firewall on one thread', () => {
  const phone = { networks: ['a', 'c'], roams: true, firewall: { rules: [] } } as const;
  const hosts = { ...ROUTED.hosts, phone };
  expect(planOf({ ...ROUTED, hosts, threads: 9 })).toEqual([2, { a: 0, b: 1, c: 0 }]);
});

it.each([0, 65, 1.5, '2', null])('refuses %p threads', (threads) => {
  expect(() => planOf({ ...ROUTED, threads: threads as number })).toThrow('config.threads must be');
});
