import type { HostOptions, LabConfig } from '../../lab/index.js';
import { UsageError } from '../command.js';
import { noSuch } from '../suggest.js';

/** The names of hosts, in their order; behind these come h27, h28 … */
const NAMES =
  'alice bob carol dave erin frank grace heidi ivan judy kim leo mallory nina olivia peggy quentin rupert sybil trent ursula victor walter xenia yuri zoe'.split(
    ' ',
  );
/** Each host is a process of some MB. */
const MAX_HOSTS = 200;

/** A kind of topology. */
interface Kind {
  /** Its sizes: 'N', 'DEPTH,FANOUT'; '' if it has none. */
  readonly sizes: string;
  readonly help: string;
  /** The least of each size. */
  readonly least: readonly number[];
  config(sizes: readonly number[]): LabConfig;
}

const KINDS: Readonly<Record<string, Kind>> = {
  star: { sizes: 'N', help: 'N hosts on a network', least: [1], config: ([count = 0]) => tree(1, count) },
  line: {
    sizes: 'N',
    help: 'N hosts in a row, of which the inner ones are routers',
    least: [2],
    config: ([count = 0]) => row(count, count - 1),
  },
  ring: { sizes: 'N', help: 'N routers in a circle', least: [3], config: ([count = 0]) => row(count, count) },
  tree: {
    sizes: 'DEPTH,FANOUT',
    help: 'a network with FANOUT routers to networks of the same kind, DEPTH networks deep, and hosts at the end',
    least: [1, 1],
    config: ([depth = 0, fanout = 0]) => tree(depth, fanout),
  },
  nat: {
    sizes: '',
    help: 'a home and an office behind NATs, and a server outside',
    least: [],
    config: () => ({
      networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24', office: '192.168.2.0/24' },
      hosts: {
        server: 'internet',
        'home-nat': { networks: ['home', 'internet'], nat: 'home' },
        'office-nat': { networks: ['office', 'internet'], nat: 'corporate' },
        alice: 'home',
        bob: 'office',
      },
    }),
  },
};

/** Whether a text begins as a topology: 'star=5'. */
export function isTopology(text: string): boolean {
  return Object.hasOwn(KINDS, text.replace(/=.*/s, ''));
}

/** The topologies for `--help`, a row each. */
export const TOPOLOGIES = Object.entries(KINDS).map(([name, { sizes, help }]) => ['', usageOf(name, sizes), help]);

/**
 * Returns the configuration of a topology: 'star=5', 'tree=2,3', 'nat'.
 * @throws {UsageError}
 */
export function topologyConfig(text: string): LabConfig {
  const [name = '', ...sizes] = text.split(/[=,]/);
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) {
    const known = Object.entries(KINDS).map(([each, { sizes }]) => usageOf(each, sizes));
    throw new UsageError(`${noSuch('topology', name, Object.keys(KINDS))} (${known.join(', ')})`);
  }
  const numbers = sizes.map((size) => (/^\d{1,4}$/.test(size) ? Number(size) : Number.NaN));
  const isValid = numbers.length === kind.least.length && numbers.every((number, i) => number >= kind.least[i]!);
  if (!isValid) {
    const least = kind.least.length > 0 ? `, from ${kind.least.join(',')} on` : '';
    throw new UsageError(`the topology must be ${usageOf(name, kind.sizes)}${least}, not '${text}'`);
  }
  return kind.config(numbers);
}

function usageOf(name: string, sizes: string): string {
  return sizes === '' ? name : `${name}=${sizes}`;
}

function hostName(i: number): string {
  return NAMES[i] ?? `h${i + 1}`;
}

function networkNames(count: number): string[] {
  return count === 1 ? ['lan'] : Array.from({ length: count }, (_, i) => `net${i + 1}`);
}

function labOf(networks: readonly string[], hosts: Readonly<Record<string, HostOptions['networks']>>): LabConfig {
  return { networks: Object.fromEntries(networks.map((name, i) => [name, `10.0.${i}.0/24`])), hosts };
}

function checkCount(hosts: number): void {
  if (hosts > MAX_HOSTS) throw new UsageError(`the topology has ${hosts} hosts: ${MAX_HOSTS} at most`);
}

/** Hosts in a row, a network between each two; with as many networks as hosts the last network closes the circle. */
function row(hosts: number, networks: number): LabConfig {
  checkCount(hosts);
  const names = networkNames(networks);
  const sides = (i: number) => [names[(i - 1 + hosts) % hosts], names[i]].filter((name) => name !== undefined);
  return labOf(names, Object.fromEntries(Array.from({ length: hosts }, (_, i) => [hostName(i), sides(i)])));
}

function tree(depth: number, fanout: number): LabConfig {
  let networks = 0;
  for (let level = 0; level < depth; level++) networks += fanout ** level;
  const leaves = fanout ** depth;
  checkCount(leaves + networks - 1);
  const names = networkNames(networks);
  // the children of network i are i * fanout + 1 and so on: networks first, then hosts
  const parent = (i: number) => names[Math.floor((i - 1) / fanout)]!;
  const routers = names.slice(1).map((name, i) => [`r${i + 1}`, [parent(i + 1), name]]);
  const hosts = Array.from({ length: leaves }, (_, i) => [hostName(i), parent(networks + i)]);
  return labOf(names, Object.fromEntries([...routers, ...hosts]));
}
