import { epochMs } from '../core/epoch.js';
import { checkInteger, checkOptions } from '../core/validate.js';
import type { PortStats } from './stats.js';

/** What passed a port, or a network, in a second. */
export interface Figures {
  /** Frames that came from the port. */
  readonly received: { readonly frames: number; readonly bytes: number };
  /** Frames that went to it. */
  readonly sent: { readonly frames: number; readonly bytes: number };
  /** The number of frames from it that did not arrive, for any cause. */
  readonly dropped: number;
}

/** The figures of one second of a network. */
export interface SecondFigures<P extends string = string> {
  /** The end of the second, in milliseconds since 1970. */
  readonly time: number;
  /** Its length in milliseconds: about 1000, but less in the first one. */
  readonly duration: number;
  /** The ports that are open now, by name. */
  readonly ports: Readonly<Record<P, Figures>>;
  /** The sum of all ports, those that were removed too. */
  readonly total: Figures;
}

/** Options of `history()`. */
export interface HistoryOptions {
  /** The number of seconds, 1 to 600: the last ones. Default 600. */
  seconds?: number;
}

/** The number of seconds that are kept. */
export const KEPT_SECONDS = 600;
const MARKS = KEPT_SECONDS + 1;
const COLUMNS = 5;

/** The counts at the ends of seconds, in their order: {@link figuresFrom} turns them into figures. */
export interface Marks {
  /** In milliseconds since 1970. */
  readonly times: Float64Array;
  /** Of each port, a row of counts for each time. */
  readonly ports: readonly { readonly name: string; readonly isOpen: boolean; readonly counts: Float64Array }[];
}

/** Notes the counts of a network at the end of each second. A second costs some stores a port, a frame nothing. */
export class FigureLog {
  readonly #times = new Float64Array(MARKS);
  /** By the numbers of the ports. Zeroed pages of the system: a page that is never written costs nothing. */
  readonly #counts: Float64Array[] = [];
  #count = 0;

  /** @param now in milliseconds of performance.now() */
  mark(now: number, stations: readonly { readonly stats: PortStats }[]): void {
    const at = this.#count++ % MARKS;
    this.#times[at] = now;
    stations.forEach(({ stats: { received, sent, dropped } }, i) => {
      this.#counts[i] ??= new Float64Array(MARKS * COLUMNS);
      let lost = 0;
      for (const cause of Object.keys(dropped) as (keyof typeof dropped)[]) lost += dropped[cause];
      const row = [received.frames, received.bytes, sent.frames, sent.bytes, lost];
      this.#counts[i].set(row, at * COLUMNS);
    });
  }

  /** Returns the last seconds, and the mark before them. */
  read(seconds: number, stations: readonly { readonly name: string; readonly plug: unknown }[]): Marks {
    const length = Math.min(seconds + 1, this.#count, MARKS);
    const first = this.#count - length;
    const times = Float64Array.from({ length }, (_, i) => epochMs(this.#times[(first + i) % MARKS]!));
    const ports = stations.flatMap(({ name, plug }, i) => {
      const counts = this.#counts[i];
      return counts ? [{ name, isOpen: plug !== undefined, counts: inOrder(counts, first % MARKS, length) }] : [];
    });
    return { times, ports };
  }
}

/** Returns rows of a ring, from the first one on. */
function inOrder(ring: Float64Array, first: number, length: number): Float64Array {
  const rows = new Float64Array(length * COLUMNS);
  const untilEnd = ring.subarray(first * COLUMNS, (first + length) * COLUMNS);
  rows.set(untilEnd);
  rows.set(ring.subarray(0, rows.length - untilEnd.length), untilEnd.length);
  return rows;
}

/** Checks the options of `history()`. @throws {TypeError | RangeError} */
export function checkHistoryOptions(options: HistoryOptions | undefined): number {
  const { seconds = KEPT_SECONDS } = checkOptions(options, ['seconds']);
  return checkInteger('options.seconds', seconds, 1, KEPT_SECONDS);
}

/** Returns the figures of each second between two marks. */
export function figuresFrom({ times, ports }: Marks): SecondFigures[] {
  return Array.from(times.subarray(1), (time, i) => {
    const total = new Float64Array(COLUMNS);
    const open: [string, Figures][] = [];
    for (const { name, isOpen, counts } of ports) {
      const row = total.map((_, column) => counts[(i + 1) * COLUMNS + column]! - counts[i * COLUMNS + column]!);
      row.forEach((count, column) => {
        total[column]! += count;
      });
      if (isOpen) open.push([name, figuresOf(row)]);
    }
    return { time, duration: time - times[i]!, ports: Object.fromEntries(open), total: figuresOf(total) };
  });
}

function figuresOf([receivedFrames, receivedBytes, sentFrames, sentBytes, dropped]: Float64Array): Figures {
  return {
    received: { frames: receivedFrames!, bytes: receivedBytes! },
    sent: { frames: sentFrames!, bytes: sentBytes! },
    dropped: dropped!,
  };
}
