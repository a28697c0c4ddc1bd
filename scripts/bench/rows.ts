import { inTurn, median, type Turn } from './measure.js';

/** The unit of a figure. A time is better when it is small, a rate when it is large. */
export type Unit = 'MB/s' | 'µs' | 'ms' | '/s';

/** A line of the table: the same work by each contender, the first of them this binding. */
export interface Row {
  name: string;
  unit: Unit;
  figures: Figure[];
  /** This binding's figure divided by that of the contender `against`. */
  ratio: number;
  against: string;
  bar: string;
  met: boolean;
}

export interface Figure {
  contender: string;
  /** The median, in the row's unit. */
  value: number;
  samples: number[];
}

/** The description of a row. */
export interface Work {
  name: string;
  unit: Unit;
  /** The number of bytes, round trips, connections or datagrams of one turn. */
  amount: number;
  /** The turns by contender; the first is this binding, the second the one that the bar refers to. */
  turns: Record<string, Turn>;
  /** The ratio to reach: at least this for a rate, at most this for a time. */
  bar: number;
  /** The number of turns before those that count; 1 by default. */
  warmUps?: number;
}

/** Does the work in turn and makes a row of it. */
export async function measureRow({ name, unit, amount, turns, bar, warmUps }: Work, rounds: number): Promise<Row> {
  const times = await inTurn(Object.values(turns), rounds, warmUps);
  const samples = Object.keys(turns).map((contender, i) => [
    contender,
    (times[i] ?? []).map((ms) => inUnit(unit, amount, ms)),
  ]);
  return rowOf({ name, unit, bar }, Object.fromEntries(samples));
}

/** Makes a row of measured times, by contender; the first is this binding, the second the one that the bar refers to. */
export function rowOf(
  { name, unit, bar }: Pick<Work, 'name' | 'unit' | 'bar'>,
  measured: Record<string, number[]>,
): Row {
  const figures = Object.entries(measured).map(([contender, samples]) => {
    return { contender, value: median(samples), samples };
  });
  const [ours, theirs] = figures as [Figure, Figure];
  const ratio = ours.value / theirs.value;
  const isTime = unit === 'µs' || unit === 'ms';
  return {
    name,
    unit,
    figures,
    ratio,
    against: theirs.contender,
    bar: `${isTime ? '≤' : '≥'} ${bar.toFixed(2)}`,
    met: isTime ? ratio <= bar : ratio >= bar,
  };
}

function inUnit(unit: Unit, amount: number, ms: number): number {
  switch (unit) {
    case 'MB/s':
      return amount / 1e6 / (ms / 1000);
    case '/s':
      return amount / (ms / 1000);
    case 'ms':
      return ms / amount;
    case 'µs':
      return (ms * 1000) / amount;
  }
}
