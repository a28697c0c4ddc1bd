import type { FrameStore } from '../vde/frame-store.js';
import { type LiveBatch, LiveFeed } from './live-feed.js';
import { CaptureFeed, type FrameBatch, History } from './recorder.js';

/** What is served at a time: the set of all that are. */
interface TimedSet {
  add(feed: { readonly dueAt: number; flush(): void }): unknown;
  delete(feed: { readonly dueAt: number; flush(): void }): unknown;
}

/** Notes what becomes of the frames of a network: in its history, in captures, and for pages that show it. */
export class NetworkRecord {
  readonly #history = new History();
  /** The captures, by the number that the other thread gave them. */
  readonly #captures = new Map<number, CaptureFeed>();
  #live: LiveFeed | undefined;
  /** Comments on what is done on purpose to the frame that is forwarded now. */
  #notes: string[] = [];

  /**
   * @param store has the mark of the frame that is forwarded now
   * @param toOf returns the number of the station that a frame is for
   */
  constructor(
    readonly store: FrameStore,
    readonly feeds: TimedSet,
    readonly toOf: (station: number, frame: Uint8Array) => number,
  ) {}

  /** Begins the frame that came from a station. It is the one that is forwarded now, until the next one. */
  begin(station: number, frame: Buffer, length: number, now: number): void {
    const mark = this.#history.begin(station, now);
    this.store.mark = mark;
    this.#live?.begin(mark, frame, length, now);
  }

  /** Comments on the frame that is forwarded now. */
  say(text: string): void {
    this.#notes.push(text);
  }

  /** Returns whether there are comments that no record has yet. */
  get isNoted(): boolean {
    return this.#notes.length > 0;
  }

  /** Records a frame with the comments on it. */
  add(station: number, frame: Buffer, length: number, now: number): void {
    let comment: string | undefined;
    if (this.#notes.length > 0) {
      comment = this.#notes.join('; ');
      this.#notes = [];
    }
    const current = this.store.mark;
    const mark = this.#history.add(current, station, frame, length, now, comment);
    const of = mark === current ? 0 : current;
    this.#live?.add(mark, of, station, frame, length, now, comment);
    if (this.#captures.size === 0) return;
    const stations = [station, this.toOf(station, frame)] as const;
    for (const feed of this.#captures.values()) feed.add(stations, frame, length, now, comment);
  }

  /** Records a frame that is not the one that is forwarded now. */
  addOther(station: number, frame: Buffer, length: number, now: number, comment: string): void {
    const [notes, mark] = [this.#notes, this.store.mark];
    this.#notes = [comment];
    this.store.mark = 0;
    this.add(station, frame, length, now);
    this.#notes = notes;
    this.store.mark = mark;
  }

  /** Notes that a station got the frame that is forwarded now. */
  arrived(station: number): void {
    const { mark } = this.store;
    const now = performance.now();
    this.#history.arrived(mark, station, now);
    this.#live?.arrived(mark, station, now);
  }

  batch(): FrameBatch {
    return this.#history.batch(this.toOf);
  }

  startCapture(capture: number, post: (batch: FrameBatch) => void): void {
    const feed = new CaptureFeed(post);
    this.#captures.set(capture, feed);
    this.feeds.add(feed);
  }

  captureTaken(capture: number, bytes: number): void {
    this.#captures.get(capture)?.taken(bytes);
  }

  /** Stops a capture. @returns how many frames were not captured because the other thread was too slow */
  stopCapture(capture: number): number {
    const feed = this.#captures.get(capture);
    if (!feed) return 0;
    feed.flush();
    this.#captures.delete(capture);
    this.feeds.delete(feed);
    return feed.missed;
  }

  /** Shows frames from now on. @param post undefined ends it */
  show(post: ((batch: Omit<LiveBatch, 'names' | 'stats'>) => void) | undefined): void {
    if (this.#live) this.feeds.delete(this.#live);
    this.#live = post && new LiveFeed(post);
    if (this.#live) this.feeds.add(this.#live);
  }

  shownTaken(): void {
    this.#live?.taken();
  }
}
