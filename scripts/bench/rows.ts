import { inTurn, median, quartiles, type Turn } from './measure.js';

/** The unit of a figure. A time or a size is better when it is small, a rate when it is large. */
export type Unit = TimedUnit | 'kB';

/** A unit of what takes time. */
export type TimedUnit = 'MB/s' | '/s' | 'µs' | 'ms';

/** A line of the table: the same work by each contender, the first of them this binding. */
export interface Row {
  name: string;
  unit: Unit;
  figures: Figure[];
  /** The median of this binding's figures divided by those of the contender `against`. */
  ratio: number;
  /** The quartiles of the ratios of the turns; the least and the greatest one of fewer than five. */
  scatter: readonly [low: number, high: number];
  against: string;
  bar: string;
  /** 'unsure' if the scatter has the bar in it. */
  verdict: 'met' | 'missed' | 'unsure';
}

/** The ratios that are good. */
export interface Bar {
  readonly from?: number;
  readonly to?: number;
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
  unit: TimedUnit;
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
  { name, unit, bar }: Pick<Work, 'name' | 'bar'> & { unit: Unit },
  measured: Record<string, number[]>,
): Row {
  const figures = Object.entries(measured).map(([contender, samples]) => {
    return { contender, value: median(samples), samples };
  });
  const [ours, theirs] = figures as [Figure, Figure];
  const ratios = ratiosOf(ours, theirs);
  const isRate = unit === 'MB/s' || unit === '/s';
  return judged(
    { name, unit, figures, ratio: median(ratios), scatter: quartiles(ratios), against: theirs.contender },
    isRate ? { from: bar } : { to: bar },
  );
}

/** Makes one row of the rounds of several, which have the same contenders. */
export function joined(work: Pick<Work, 'name' | 'unit' | 'bar'>, rows: readonly Row[]): Row {
  const samplesOf = (contender: string) =>
    rows.flatMap(({ figures }) => figures.find((figure) => figure.contender === contender)?.samples ?? []);
  const contenders = rows[0]!.figures.map(({ contender }) => contender);
  return rowOf(work, Object.fromEntries(contenders.map((contender) => [contender, samplesOf(contender)])));
}

/** Returns the row with this bar. */
export function judged(row: Omit<Row, 'bar' | 'verdict'>, bar: Bar): Row {
  const isGood = (ratio: number) => ratio >= (bar.from ?? 0) && ratio <= (bar.to ?? Number.POSITIVE_INFINITY);
  const [low, high] = row.scatter.map(isGood);
  return { ...row, bar: barText(bar), verdict: low !== high ? 'unsure' : low ? 'met' : 'missed' };
}

function barText({ from, to }: Bar): string {
  if (from !== undefined && to !== undefined) return `${from.toFixed(2)} – ${to.toFixed(2)}`;
  return from === undefined ? `≤ ${to?.toFixed(2)}` : `≥ ${from.toFixed(2)}`;
}

/** Compares each turn with the other contender's turn of the same round, which met the same other work of the machine. */
function ratiosOf(ours: Figure, theirs: Figure): number[] {
  const isPaired = ours.samples.length === theirs.samples.length;
  return ours.samples.map((value, i) => value / ((isPaired && theirs.samples[i]) || theirs.value));
}

function inUnit(unit: TimedUnit, amount: number, ms: number): number {
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
