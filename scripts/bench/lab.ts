import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Link } from 'ioth/lab';
import type { LabAnswer, LabRequest } from './lab-peering.js';
import { median, withinDeadline } from './measure.js';
import { answerOf } from './peering.js';
import { type Row, rowOf } from './rows.js';

const FRAMES = 300_000;
const ROUND_TRIPS = 20_000;
/** The bars of a link without faults. */
const FRAMES_PER_SECOND = 100_000;
const ADDED_USECS = 60;

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
