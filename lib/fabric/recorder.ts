import { epochMs, epochTime } from '../core/epoch.js';

/** The number of frames in the history. */
export const HISTORY_FRAMES = 1000;
const HISTORY_SLOT = 2048;
/** How many receivers of a frame are noted. */
const ARRIVALS = 4;
const BATCH_SIZE = 256 * 1024;
const FLUSH_AFTER_MS = 10;
/** The maximum number of bytes on the way to the other thread. Frames beyond that are not captured. */
const MAX_UNTAKEN = 64 * 1024 * 1024;

/** The data about a frame in a capture. */
export interface FrameRecord {
  /** The time, in nanoseconds since 1970. */
  readonly time: bigint;
  /** The number of the station that it came from. */
  readonly station: number;
  /** The number of the station that it was for; -1 for all others, or none. */
  readonly to: number;
  /** The number of bytes that are kept; `originalLength` is the number that it had. */
  readonly length: number;
  readonly originalLength: number;
  readonly comment: string | undefined;
  /** The number of the frame on its network. A capture has none. */
  readonly mark?: number;
  /** The number of the frame if it was recorded before, and this only has a comment on it; else 0. */
  readonly of?: number;
  /** Two numbers for each station that got it: the station, and the time in milliseconds since 1970. The first four. */
  readonly arrivals?: readonly number[];
}

/** Frames, and their bytes one after the other. */
export interface FrameBatch {
  readonly records: readonly FrameRecord[];
  readonly bytes: Uint8Array;
}

/** The last frames of a network. Each has a number, its mark, from 1 on. */
export class History {
  /** Zeroed pages of the system: a page that is never written costs nothing. */
  readonly #bytes = Buffer.alloc(HISTORY_FRAMES * HISTORY_SLOT);
  readonly #times = new Float64Array(HISTORY_FRAMES);
  readonly #stations = new Uint16Array(HISTORY_FRAMES);
  readonly #lengths = new Uint16Array(HISTORY_FRAMES);
  readonly #comments: (string | undefined)[] = new Array(HISTORY_FRAMES).fill(undefined);
  readonly #origins = new Float64Array(HISTORY_FRAMES);
  readonly #arrivalCounts = new Uint8Array(HISTORY_FRAMES);
  /** Two numbers each: the station and the time. */
  readonly #arrivals = new Float64Array(HISTORY_FRAMES * ARRIVALS * 2);
  #count = 0;

  /** Makes room for a frame, which {@link add} fills. @returns its mark */
  begin(station: number, time: number): number {
    const mark = ++this.#count;
    const at = mark % HISTORY_FRAMES;
    this.#times[at] = time;
    this.#stations[at] = station;
    this.#lengths[at] = 0;
    this.#origins[at] = 0;
    this.#arrivalCounts[at] = 0;
    return mark;
  }

  /**
   * Adds a frame.
   * @param begun the mark that {@link begin} gave it, or 0. If that is filled this is a comment on the same frame
   * @returns its mark
   */
  add(
    begun: number,
    station: number,
    frame: Buffer,
    length: number,
    time: number,
    comment: string | undefined,
  ): number {
    const isEmpty = this.#has(begun) && this.#lengths[begun % HISTORY_FRAMES] === 0;
    const mark = isEmpty ? begun : this.begin(station, time);
    const at = mark % HISTORY_FRAMES;
    this.#origins[at] = isEmpty ? 0 : begun;
    this.#lengths[at] = length;
    this.#comments[at] = comment;
    frame.copy(this.#bytes, at * HISTORY_SLOT, 0, Math.min(length, HISTORY_SLOT));
    return mark;
  }

  /** Notes that a station got a frame. */
  arrived(mark: number, station: number, now: number): void {
    const at = mark % HISTORY_FRAMES;
    const count = this.#arrivalCounts[at]!;
    if (count === ARRIVALS || !this.#has(mark)) return;
    this.#arrivalCounts[at] = count + 1;
    const entry = (at * ARRIVALS + count) * 2;
    this.#arrivals[entry] = station;
    this.#arrivals[entry + 1] = now;
  }

  #has(mark: number): boolean {
    return mark > 0 && mark > this.#count - HISTORY_FRAMES;
  }

  #arrivalsAt(at: number): number[] {
    const start = at * ARRIVALS * 2;
    const found = Array.from(this.#arrivals.subarray(start, start + this.#arrivalCounts[at]! * 2));
    return found.map((value, i) => (i % 2 === 0 ? value : epochMs(value)));
  }

  /** Returns the frames in the order in which they came. @param toOf returns the number of the station that a frame was for */
  batch(toOf: (station: number, frame: Uint8Array) => number): FrameBatch {
    const [records, parts]: [FrameRecord[], Buffer[]] = [[], []];
    for (let mark = Math.max(1, this.#count - HISTORY_FRAMES + 1); mark <= this.#count; mark++) {
      const at = mark % HISTORY_FRAMES;
      const originalLength = this.#lengths[at]!;
      const length = Math.min(originalLength, HISTORY_SLOT);
      const [time, station] = [epochTime(this.#times[at]!), this.#stations[at]!];
      const [comment, of, arrivals] = [this.#comments[at], this.#origins[at]!, this.#arrivalsAt(at)];
      const frame = this.#bytes.subarray(at * HISTORY_SLOT, at * HISTORY_SLOT + length);
      const to = toOf(station, frame);
      records.push({ time, station, to, length, originalLength, comment, mark, of, arrivals });
      parts.push(frame);
    }
    return { records, bytes: new Uint8Array(Buffer.concat(parts)) };
  }
}

/** Collects the frames of a capture for the thread that writes them. */
export class CaptureFeed {
  /** The number of frames that were not captured, because the other thread did not take earlier ones. */
  missed = 0;
  #bytes = Buffer.allocUnsafeSlow(BATCH_SIZE);
  #used = 0;
  #records: FrameRecord[] = [];
  #since = 0;
  #untaken = 0;

  /** @param post gets the collected frames */
  constructor(readonly post: (batch: FrameBatch) => void) {}

  /** @param stations the numbers of the station that it came from, and of the one that it was for */
  add([station, to]: readonly [number, number], frame: Buffer, length: number, time: number, comment?: string): void {
    if (this.#untaken > MAX_UNTAKEN) {
      this.missed++;
      return;
    }
    if (this.#used + length > BATCH_SIZE) this.flush();
    if (this.#records.length === 0) this.#since = time;
    this.#records.push({ time: epochTime(time), station, to, length, originalLength: length, comment });
    frame.copy(this.#bytes, this.#used, 0, length);
    this.#used += length;
  }

  /** When the collected frames must be sent. */
  get dueAt(): number {
    return this.#records.length === 0 ? Number.POSITIVE_INFINITY : this.#since + FLUSH_AFTER_MS;
  }

  flush(): void {
    if (this.#records.length === 0) return;
    const bytes = new Uint8Array(this.#bytes.subarray(0, this.#used));
    this.#untaken += bytes.length;
    this.post({ records: this.#records, bytes });
    this.#records = [];
    this.#used = 0;
  }

  /** Notes that the other thread has taken some bytes. */
  taken(bytes: number): void {
    this.#untaken -= bytes;
  }
}
