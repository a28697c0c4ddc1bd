import { IPPROTO_TCP, IPPROTO_UDP } from '../constants/inet.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../constants/packet.js';
import { epochMs } from '../core/epoch.js';
import { u16 } from './headers.js';
import type { NetworkStats } from './stats.js';
import { TCP_FLAGS } from './tcp-flags.js';

/** The time between two batches. */
const FLUSH_MS = 200;
/** How many frames a second are shown, and how many at once. Of more frames, which come evenly, some are chosen. */
const RATE_PER_MS = 0.4;
const BURST = 200;
/** The same for frames on which there is a comment, and for those that begin or end something. */
const NOTED_PER_MS = 0.2;
const NOTED_BURST = 100;
/** The number of bytes of a frame that a page gets. */
export const SNAP = 600;
const BYTES = (BURST + NOTED_BURST + (RATE_PER_MS + NOTED_PER_MS) * FLUSH_MS * 2) * SNAP;
/** The number of batches on the way to the other thread. After that only counts are kept. */
const MAX_UNTAKEN = 8;
/** How many marks are remembered as chosen, and how many arrivals and notes a batch has. */
const MARKS = 1 << 16;
const MAX_ARRIVALS = 4000;
const MAX_NOTES = 1000;
const SYN_FIN_RST = TCP_FLAGS.SYN | TCP_FLAGS.FIN | TCP_FLAGS.RST;

/** The numbers of a frame that is shown: its number on this network, the time in milliseconds since 1970, the number of its sender … */
export const FRAME_NUMBERS = ['mark', 'time', 'station', 'length', 'originalLength'] as const;
export const ARRIVAL_NUMBERS = ['mark', 'station', 'time'] as const;

/** Some of the frames of a network in a time, and the counts of all. */
export interface LiveBatch {
  readonly names: readonly string[];
  /** {@link FRAME_NUMBERS} of each: an object each would take the thread several times as long to send. */
  readonly frames: Float64Array;
  readonly comments: readonly (string | undefined)[];
  /** The bytes of the frames, one after the other. */
  readonly bytes: Uint8Array;
  /** {@link ARRIVAL_NUMBERS} of each: which frame which station got. */
  readonly arrivals: Float64Array;
  /** What became of frames later: a comment on the frame with a mark. */
  readonly notes: readonly { readonly mark: number; readonly text: string }[];
  /** How many frames are not among these. */
  readonly passedOver: number;
  readonly stats: NetworkStats;
}

/** Some tokens, and more with time. */
class Bucket {
  #tokens: number;
  #at = 0;

  constructor(
    readonly perMs: number,
    readonly burst: number,
  ) {
    this.#tokens = burst;
  }

  take(now: number): boolean {
    this.#tokens = Math.min(this.burst, this.#tokens + (now - this.#at) * this.perMs);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** Chooses frames for a page, and sends them in batches a few times a second, however many frames pass. */
export class LiveFeed {
  readonly #marks = new Float64Array(MARKS);
  readonly #all = new Bucket(RATE_PER_MS, BURST);
  readonly #noted = new Bucket(NOTED_PER_MS, NOTED_BURST);
  readonly #bytes = Buffer.allocUnsafeSlow(BYTES);
  #used = 0;
  /** The frame that is forwarded now, and whether it is chosen. */
  #current = 0;
  #isCurrentChosen = false;
  #frames: number[] = [];
  #comments: (string | undefined)[] = [];
  #arrivals: number[] = [];
  #notes: { mark: number; text: string }[] = [];
  #passedOver = 0;
  #untaken = 0;
  #due = 0;

  /** @param post gets the batches, without the counts and names */
  constructor(readonly post: (batch: Omit<LiveBatch, 'names' | 'stats'>) => void) {}

  /** Decides whether a frame is shown. */
  begin(mark: number, frame: Buffer, length: number, now: number): void {
    this.#current = mark;
    this.#isCurrentChosen = false;
    if (this.#all.take(now) || (isEvent(frame, length) && this.#noted.take(now))) this.#choose(mark);
  }

  #choose(mark: number): void {
    this.#marks[mark % MARKS] = mark;
    if (mark === this.#current) this.#isCurrentChosen = true;
  }

  #isChosen(mark: number): boolean {
    if (mark === this.#current) return this.#isCurrentChosen;
    return mark !== 0 && this.#marks[mark % MARKS] === mark;
  }

  /**
   * Takes a frame with what became of it so far.
   * @param of the mark of the frame if it was taken before, and this only has a comment on it
   */
  add(mark: number, of: number, station: number, frame: Buffer, length: number, now: number, comment?: string): void {
    if (of !== 0 && this.#isChosen(of)) {
      if (comment !== undefined && this.#notes.length < MAX_NOTES) this.#notes.push({ mark: of, text: comment });
      return;
    }
    const isChosen = this.#isChosen(mark) || (comment !== undefined && this.#noted.take(now));
    const kept = Math.min(length, SNAP);
    if (!isChosen || this.#untaken >= MAX_UNTAKEN || this.#used + kept > BYTES) {
      this.#passedOver++;
      return;
    }
    this.#choose(mark);
    this.#frames.push(mark, epochMs(now), station, kept, length);
    this.#comments.push(comment);
    frame.copy(this.#bytes, this.#used, 0, kept);
    this.#used += kept;
  }

  /** Notes that a station got a frame. */
  arrived(mark: number, station: number, now: number): void {
    if (!this.#isChosen(mark) || this.#arrivals.length >= MAX_ARRIVALS * ARRIVAL_NUMBERS.length) return;
    this.#arrivals.push(mark, station, epochMs(now));
  }

  get dueAt(): number {
    return this.#due;
  }

  flush(): void {
    this.#due = performance.now() + FLUSH_MS;
    if (this.#untaken >= MAX_UNTAKEN) return;
    this.#untaken++;
    this.post({
      frames: Float64Array.from(this.#frames),
      comments: this.#comments,
      bytes: new Uint8Array(this.#bytes.subarray(0, this.#used)),
      arrivals: Float64Array.from(this.#arrivals),
      notes: this.#notes,
      passedOver: this.#passedOver,
    });
    [this.#frames, this.#comments, this.#arrivals, this.#notes] = [[], [], [], []];
    [this.#used, this.#passedOver] = [0, 0];
  }

  /** Notes that the other thread has taken a batch. */
  taken(): void {
    this.#untaken--;
  }
}

/** Returns whether a frame begins or ends a connection, or has to do with DHCP; without options of IP and tags, for speed. */
function isEvent(frame: Buffer, length: number): boolean {
  if (length < 48) return false;
  const type = u16(frame, 12);
  if (type === ETH_P_IP && frame[23] === IPPROTO_TCP) return (frame[47]! & SYN_FIN_RST) !== 0;
  if (type === ETH_P_IP && frame[23] === IPPROTO_UDP) return frame[36] === 0 && (frame[37] === 67 || frame[37] === 68);
  return type === ETH_P_IPV6 && frame[20] === IPPROTO_TCP && length > 67 && (frame[67]! & SYN_FIN_RST) !== 0;
}
