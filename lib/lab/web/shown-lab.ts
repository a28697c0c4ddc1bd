import { ARRIVAL_NUMBERS, FRAME_NUMBERS, type LiveBatch, SNAP } from '../../fabric/live-feed.js';
import type { FrameBatch } from '../../fabric/recorder.js';
import type { PortStats } from '../../fabric/stats.js';
import type { LabHost } from '../host.js';
import type { LabLog } from '../log.js';
import type { LabNetwork } from '../network.js';
import { cablesOf, type HostPlan, insideOf } from '../topology/host-plan.js';
import type { Topology } from '../topology/topology.js';
import type { PageBatch, PageFaults, PageFrame, PageHost, PageLab, PageStart, PageStats } from './protocol.js';

/** What a page needs of a Lab. */
export interface ShownLab {
  readonly lab: {
    readonly seed: number;
    readonly hosts: Readonly<Record<string, LabHost>>;
    readonly networks: Readonly<Record<string, LabNetwork>>;
    down(host: string): Promise<void>;
    up(host: string): Promise<void>;
    restart(host: string): Promise<unknown>;
    heal(): Promise<void>;
  };
  readonly topology: Topology;
  readonly log: LabLog;
}

/** Returns a lab as it was made. */
export function pageLabOf({ lab, topology }: ShownLab): PageLab {
  const networks = topology.networks.map(({ name, prefixes, hasExit }) => ({
    name,
    prefixes: prefixes.map(({ text }) => text),
    hasExit,
  }));
  return { seed: lab.seed, networks, hosts: topology.hosts.map((host) => pageHostOf(host, topology)) };
}

function pageHostOf(host: HostPlan, topology: Topology): PageHost {
  const { name, isRouter } = host;
  const nat = topology.nats.get(host);
  const services = [...(topology.dns === host ? ['DNS'] : []), ...(topology.dhcp === host ? ['DHCP'] : [])];
  return {
    name,
    isRouter,
    nat: nat && {
      outside: nat.outside.network.name,
      inside: insideOf(host).map((network) => network.name),
      addresses: nat.addresses,
    },
    hasFirewall: topology.firewalls.has(host),
    roams: host.cables !== undefined,
    services,
    cables: cablesOf(host).map(({ network, mac, addresses, link }) => ({
      network: network.name,
      mac,
      addresses: [...addresses.values()],
      up: { ...link?.up } as PageFaults,
      down: { ...link?.down } as PageFaults,
    })),
  };
}

/** Returns what a page begins with: the lab, and its last frames and events. */
export async function startOf(shown: ShownLab, rest: Pick<PageStart, 'isLive' | 'test'>): Promise<PageStart> {
  const { lab, log } = shown;
  const networks = Object.values(lab.networks);
  const frames = await Promise.all(
    networks.map(async (network) => {
      const { names, batch } = await network.recentRecords();
      return framesOf(network.name, names, batch);
    }),
  );
  const stats = await Promise.all(
    networks.map(async (network) => [network.name, statsOf((await network.stats()).ports)]),
  );
  return {
    ...rest,
    time: Date.now(),
    lab: pageLabOf(shown),
    state: log.state(),
    events: log.events,
    frames: frames.flat().sort((a, b) => a.time - b.time),
    stats: Object.fromEntries(stats),
  };
}

function framesOf(network: string, names: readonly string[], { records, bytes }: FrameBatch): PageFrame[] {
  let at = 0;
  return records.map(({ time, station, length, originalLength, comment, mark = 0, of = 0, arrivals = [] }) => {
    const frame = bytes.subarray(at, at + Math.min(length, SNAP));
    at += length;
    return {
      network,
      mark,
      of: of || undefined,
      time: Number(time) / 1e6,
      from: names[station]!,
      length: originalLength,
      bytes: Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString('base64'),
      comment,
      arrivals: groupsOf(arrivals, ['to', 'when']).map(({ to, when }) => [names[to]!, when] as const),
    };
  });
}

/** Returns the objects that stand as numbers, one after the other, in a list. */
function groupsOf<Key extends string>(numbers: ArrayLike<number>, keys: readonly Key[]): Record<Key, number>[] {
  return Array.from({ length: numbers.length / keys.length }, (_, group) => {
    const entries = keys.map((key, i) => [key, numbers[group * keys.length + i]]);
    return Object.fromEntries(entries) as Record<Key, number>;
  });
}

/** Returns what passed on a network as its page gets it. */
export function pageBatchOf(network: string, batch: LiveBatch): PageBatch {
  const { names, comments, notes, passedOver, stats } = batch;
  let at = 0;
  const frames = groupsOf(batch.frames, FRAME_NUMBERS).map(({ mark, time, station, length, originalLength }, i) => {
    const comment = comments[i];
    const bytes = Buffer.from(batch.bytes.buffer, at, length).toString('base64');
    at += length;
    return { network, mark, time, from: names[station]!, length: originalLength, bytes, comment, arrivals: [] };
  });
  return {
    network,
    time: Date.now(),
    frames,
    arrivals: groupsOf(batch.arrivals, ARRIVAL_NUMBERS).map(({ mark, station, time }) => [mark, names[station]!, time]),
    notes: notes.map(({ mark, text }) => [mark, text] as const),
    passedOver,
    stats: statsOf(stats.ports),
  };
}

function statsOf(ports: Readonly<Record<string, PortStats>>): PageStats {
  return Object.fromEntries(
    Object.entries(ports).map(([name, { received, sent, dropped }]) => {
      const causes = Object.entries(dropped).filter(([, count]) => count > 0);
      return [name, { received, sent, dropped: Object.fromEntries(causes) }];
    }),
  );
}
