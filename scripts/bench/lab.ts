import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fabric, type FabricNetwork, Link } from 'ioth/lab';
import { type LabAnswer, type LabRequest, ROUTER } from './lab-peering.js';
import { median, withinDeadline } from './measure.js';
import { answerOf } from './peering.js';
import { type Row, rowOf } from './rows.js';

const FRAMES = 300_000;
const ROUND_TRIPS = 20_000;
/** The bars of a link without faults. */
const FRAMES_PER_SECOND = 250_000;
const ADDED_USECS = 25;

/** The bars of a NAT with 10,000 mappings, against a network without one. */
const SHARE_OF_FRAMES = 0.6;
const ADDED_BY_NAT_USECS = 40;

/** The rows of a link without faults: two processes at its ends, and the same two on one cable. */
export async function labRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('lab')) return [];
  const rates: Record<string, number[]> = { link: [], 'the bar': [FRAMES_PER_SECOND], cable: [] };
  const times: Record<string, number[]> = { link: [], [`cable + ${ADDED_USECS} µs`]: [], cable: [] };
  for (let round = 0; round <= rounds; round++) {
    const cable = await onCable();
    const link = await onLink();
    // the first one compiles what the others use
    if (round === 0) continue;
    rates.link?.push(link.framesPerSecond);
    rates.cable?.push(cable.framesPerSecond);
    times.link?.push(link.roundTrip);
    times.cable?.push(cable.roundTrip);
  }
  times[`cable + ${ADDED_USECS} µs`]?.push(median(times.cable ?? []) + ADDED_USECS);
  return [
    rowOf({ name: 'frames of 1,500 bytes', unit: '/s', bar: 1 }, rates),
    rowOf({ name: 'round trip, 98 bytes', unit: 'µs', bar: 1 }, times),
    ...(await natRows(rounds)),
  ];
}

async function natRows(rounds: number): Promise<Row[]> {
  const limit = `network + ${ADDED_BY_NAT_USECS} µs`;
  const rates: Record<string, number[]> = { NAT: [], network: [] };
  const times: Record<string, number[]> = { NAT: [], [limit]: [], network: [] };
  for (let round = 0; round <= rounds; round++) {
    const network = await onNetwork(false);
    const nat = await onNetwork(true);
    if (round === 0) continue;
    rates.network?.push(network.framesPerSecond);
    rates.NAT?.push(nat.framesPerSecond);
    times.network?.push(network.roundTrip);
    times.NAT?.push(nat.roundTrip);
  }
  times[limit]?.push(median(times.network ?? []) + ADDED_BY_NAT_USECS);
  return [
    rowOf({ name: 'NAT, 10,000 mappings, 1,500 bytes', unit: '/s', bar: SHARE_OF_FRAMES }, rates),
    rowOf({ name: 'NAT, round trip, 98 bytes', unit: 'µs', bar: 1 }, times),
  ];
}

interface Figures {
  framesPerSecond: number;
  /** In microseconds. */
  roundTrip: number;
}

function onCable(): Promise<Figures> {
  return inDirectory((directory) => figuresOf(`ptp://${directory}/cable`, `ptp://${directory}/cable`));
}

function onLink(): Promise<Figures> {
  return inDirectory(async (directory) => {
    const ends = [`ptp://${directory}/a`, `ptp://${directory}/b`] as const;
    await using _link = await Link.create(...ends);
    return await figuresOf(...ends);
  });
}

/** What only labs use of a fabric: it is not in the declarations. */
interface NatMaker {
  addNat(settings: object, outside: FabricNetwork, inside: readonly FabricNetwork[]): unknown;
}

function onNetwork(hasNat: boolean): Promise<Figures> {
  return inDirectory(async (directory) => {
    await using fabric = await Fabric.start();
    const network = fabric.addNetwork('outside');
    const ends = [`ptp://${directory}/router`, `ptp://${directory}/server`] as const;
    await network.addPort('router', ends[0]);
    await network.addPort('server', ends[1]);
    if (hasNat) (fabric as unknown as NatMaker).addNat(natSettings(), network, []);
    return await figuresOf(...ends);
  });
}

function natSettings(): object {
  return {
    name: 'router',
    plan: {
      type: 'port-restricted',
      mapping: 'endpoint-independent',
      filtering: 'address-and-port-dependent',
      ports: 'preserving',
      parity: false,
      hairpin: true,
      timeouts: { udp: 300_000, tcp: 7_440_000, tcpTransitory: 240_000, icmp: 60_000 },
      pooling: 'paired',
      forwards: [],
    },
    addresses: [ROUTER.outside.split('.').reduce((number, byte) => number * 256 + Number(byte), 0)],
    mac: Buffer.from(ROUTER.mac, 'hex'),
    pid: -1,
  };
}

async function inDirectory(measure: (directory: string) => Promise<Figures>): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-bench-'));
  try {
    return await measure(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function figuresOf(vnlA: string, vnlB: string): Promise<Figures> {
  const ends: ChildProcess[] = [];
  try {
    for (const vnl of [vnlA, vnlB]) {
      ends.push(fork(fileURLToPath(new URL('./lab-end.js', import.meta.url)), [vnl]));
      await withinDeadline(answerOf<LabAnswer>(ends.at(-1) as ChildProcess));
    }
    const [a, b] = ends as [ChildProcess, ChildProcess];
    const [time] = await Promise.all([ask(a, 'ping', ROUND_TRIPS), ask(b, 'echo', ROUND_TRIPS)]);
    const [rate] = await Promise.all([ask(b, 'count', FRAMES), ask(a, 'send', FRAMES)]);
    return { framesPerSecond: rate, roundTrip: (time / ROUND_TRIPS) * 1000 };
  } finally {
    for (const end of ends) {
      if (!end.connected) continue;
      end.disconnect();
      await withinDeadline(once(end, 'exit')).catch(() => end.kill('SIGKILL'));
    }
  }
}

async function ask(end: ChildProcess, work: LabRequest['work'], amount: number): Promise<number> {
  end.send({ work, amount } satisfies LabRequest);
  return (await withinDeadline(answerOf<LabAnswer>(end))).value;
}
