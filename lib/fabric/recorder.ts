import { nanosecondsNow } from '../vde/pcapng.js';

/** The number of frames in the history. */
export const HISTORY_FRAMES = 1000;
const HISTORY_SLOT = 2048;
const BATCH_SIZE = 256 * 1024;
const FLUSH_AFTER_MS = 10;
/** The maximum number of bytes on the way to the other thread. Frames beyond that are not captured. */
const MAX_UNTAKEN = 64 * 1024 * 1024;
const NANOSECONDS_PER_MS = 1e6;

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
}

/** Frames, and their bytes one after the other. */
export interface FrameBatch {
  readonly records: readonly FrameRecord[];
  readonly bytes: Uint8Array;
}

const OFFSET_NS = nanosecondsNow() - BigInt(Math.round(performance.now() * NANOSECONDS_PER_MS));

/** Returns a time of performance.now() in nanoseconds since 1970. */
export function epochTime(time: number): bigint {
  return OFFSET_NS + BigInt(Math.round(time * NANOSECONDS_PER_MS));
}

/** The last frames of a network. */
export class History {
  /** Zeroed pages of the system: a page that is never written costs nothing. */
  readonly #bytes = Buffer.alloc(HISTORY_FRAMES * HISTORY_SLOT);
  readonly #times = new Float64Array(HISTORY_FRAMES);
  readonly #stations = new Uint16Array(HISTORY_FRAMES);
  readonly #lengths = new Uint16Array(HISTORY_FRAMES);
  readonly #comments: (string | undefined)[] = new Array(HISTORY_FRAMES).fill(undefined);
  #count = 0;

  add(station: number, frame: Buffer, length: number, time: number, comment: string | undefined): void {
    const at = this.#count++ % HISTORY_FRAMES;
    this.#times[at] = time;
    this.#stations[at] = station;
    this.#lengths[at] = length;
    this.#comments[at] = comment;
    frame.copy(this.#bytes, at * HISTORY_SLOT, 0, Math.min(length, HISTORY_SLOT));
  }

  /** Returns the frames in the order in which they came. @param toOf returns the number of the station that a frame was for */
  batch(toOf: (station: number, frame: Uint8Array) => number): FrameBatch {
    const [records, parts]: [FrameRecord[], Buffer[]] = [[], []];
    for (let i = Math.max(0, this.#count - HISTORY_FRAMES); i < this.#count; i++) {
      const at = i % HISTORY_FRAMES;
      const originalLength = this.#lengths[at]!;
      const length = Math.min(originalLength, HISTORY_SLOT);
      const [time, station] = [epochTime(this.#times[at]!), this.#stations[at]!];
      const frame = this.#bytes.subarray(at * HISTORY_SLOT, at * HISTORY_SLOT + length);
      records.push({ time, station, to: toOf(station, frame), length, originalLength, comment: this.#comments[at] });
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
