/**
 * Measures a lab of many hosts: the time to make it, to let every host reach every other one, and to close it. Also measures the
 * same number of bare stacks.
 *
 *     npx tsx scripts/lab-scale.ts [HOSTS [NETWORKS]]
 */

import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { AF_INET, SOCK_DGRAM, type Socket, Stack } from '../lib/index.js';
import { Lab, type LabHost } from '../lib/lab/index.js';

const [hosts = 100, networks = 10] = process.argv.slice(2).map(Number);
const PORT = 7;
const ROUND_SECONDS = 0.25;
const ROUNDS = 100;
const WINDOW = 20;

async function main(): Promise<void> {
  const before = holdings();
  const bare = await bareStacks(hosts + networks);
  const [lab, made] = await timed(() => Lab.create(topology()));
  const [pairs, answered] = await timed(() => reachAll(lab));
  const [, closed] = await timed(() => lab.close());
  const left = holdings();
  const rows = {
    [`${hosts + networks} bare stacks, made and closed`]: bare,
    [`lab of ${hosts} hosts and ${networks} routers, made`]: made,
    [`${pairs} pairs answered`]: answered,
    closed,
  };
  for (const [what, ms] of Object.entries(rows)) console.log(`${what}: ${(ms / 1000).toFixed(2)} s`);
  console.log(`left: ${JSON.stringify(left)}, before: ${JSON.stringify(before)}`);
  if (pairs !== hosts * (hosts - 1)) process.exitCode = 1;
}

/** Returns networks around a backbone, each with its own router. */
function topology() {
  const prefixes = Array.from({ length: networks }, (_, n) => [`net${n}`, `10.1.${n}.0/24`]);
  const routers = prefixes.map(([name], n) => [`router${n}`, [String(name), 'backbone']]);
  const members = Array.from({ length: hosts }, (_, h) => [`host${h}`, `net${h % networks}`]);
  return {
    networks: { backbone: '10.0.0.0/24', ...Object.fromEntries(prefixes) },
    hosts: Object.fromEntries([...routers, ...members]),
  };
}

/**
 * Lets every host ask every other one by UDP, by its name, and repeats the requests without an answer: all namespaces of the
 * machine share at most 1024 neighbours (net.ipv4.neigh.default.gc_thresh3), and the kernel forgets the others after 5 s.
 * @returns the number of answers from the right host
 */
async function reachAll(lab: Lab): Promise<number> {
  const all = Object.values(lab.hosts).filter(({ name }) => name.startsWith('host'));
  const echoes = all.map(({ stack }) => stack.socket(AF_INET, SOCK_DGRAM));
  for (const socket of echoes) void echo(socket);
  let answers = 0;
  for (const [i, host] of all.entries()) answers += await reachOthers(host, [...all.slice(i + 1), ...all.slice(0, i)]);
  for (const socket of echoes) socket.close();
  return answers;
}

async function reachOthers(host: LabHost, others: LabHost[]): Promise<number> {
  const socket = host.stack.socket(AF_INET, SOCK_DGRAM);
  socket.settimeout(ROUND_SECONDS);
  const missing = new Map(others.map((other) => [other.address(), other.name]));
  for (let round = 0; round < ROUNDS && missing.size > 0; round++) {
    const asked = [...missing].slice(0, WINDOW);
    for (const [, name] of asked) await socket.sendto(name, [name, PORT]);
    while (asked.some(([address]) => missing.has(address))) {
      try {
        const [data, from] = await socket.recvfrom(100);
        if (missing.get(from.address) === String(data)) missing.delete(from.address);
      } catch {
        break;
      }
    }
  }
  socket.close();
  return others.length - missing.size;
}

async function echo(socket: Socket): Promise<void> {
  socket.unref();
  socket.bind(['0.0.0.0', PORT]);
  while (!socket.closed) {
    try {
      const [data, from] = await socket.recvfrom(100);
      await socket.sendto(data, [from.address, from.port]);
    } catch {
      if (!socket.closed) socket.close();
    }
  }
}

async function bareStacks(count: number): Promise<number> {
  const [, ms] = await timed(async () => {
    const stacks = Array.from({ length: count }, () => new Stack('vdestack', 'null://'));
    await Promise.all(stacks.map((stack) => stack.close()));
  });
  return ms;
}

async function timed<T>(act: () => Promise<T>): Promise<[result: T, ms: number]> {
  const start = performance.now();
  return [await act(), performance.now() - start];
}

function holdings(): { descriptors: number; children: number; files: number } {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    children: readFileSync('/proc/thread-self/children', 'utf8').split(' ').filter(Boolean).length,
    files: readdirSync(tmpdir()).filter((name) => name.startsWith('ioth-lab-')).length,
  };
}

void main();
