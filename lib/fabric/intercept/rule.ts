import { epochTime } from '../../core/epoch.js';
import type { StoredFrame } from '../../vde/frame-store.js';
import type { Path } from '../path.js';
import { FrameRandom } from '../philox.js';
import type { InterceptEvent } from './events.js';
import { compileMatch, type Matcher } from './matcher.js';
import type { InterceptPlan } from './plan.js';

/** The most hits that are on the way to the other thread. Of more it gets the number only. */
const MAX_UNTAKEN = 1024;

/** A frame that waits for an answer of the other thread. */
export interface Question {
  readonly frame: StoredFrame;
  /** The directions that it goes, and their generations when it came. */
  readonly ways: { readonly path: Path; readonly generation: number }[];
  /** When it has waited long enough, in milliseconds of performance.now(). */
  readonly due: number;
}

/** An intercept in the thread that forwards. */
export class Rule {
  /** Returns whether a frame matches, whatever direction it goes. */
  readonly matches: Matcher;
  /** The frames that wait for an answer, the oldest first. */
  readonly questions = new Map<number, Question>();
  isOver = false;
  /** The number of the frame that it decided about last. A frame may go in several directions: it decides once. */
  lastFrame = -1;
  /** Whether it acts on that frame, and what captures say of it. */
  isHit = false;
  comment = '';
  /** The bit of that frame to flip. */
  bit = 0;
  /** The number of the frame that it answered last. */
  lastRefused = -1;
  /** The question about that frame. */
  question: Question | undefined;
  /** When it begins and ends, in milliseconds of performance.now(). */
  readonly startsAt: number;
  readonly endsAt: number;
  #matched = 0;
  #untaken = 0;
  #hasToldEnd = false;
  readonly #from: ReadonlySet<string> | undefined;
  readonly #to: ReadonlySet<string> | undefined;
  readonly #random: FrameRandom;

  /**
   * @param order counts the intercepts of the network
   * @param count has the number of hits, which the other thread reads
   * @param names the key of its random numbers, beside the seed
   */
  constructor(
    readonly order: number,
    readonly plan: InterceptPlan,
    readonly count: Int32Array,
    readonly post: (event: InterceptEvent) => void,
    seed: number,
    ...names: readonly string[]
  ) {
    const now = performance.now();
    this.startsAt = now + plan.between[0];
    this.endsAt = now + plan.between[1];
    this.matches = compileMatch(plan.match);
    this.#from = plan.match.from && new Set(plan.match.from);
    this.#to = plan.match.to && new Set(plan.match.to);
    this.#random = new FrameRandom(seed, ...names, `intercept ${order}`);
  }

  /** Returns whether it is for a direction. */
  covers({ from, to }: Path): boolean {
    return (this.#from?.has(from.name) ?? true) && (this.#to?.has(to!.name) ?? true);
  }

  isActive(now: number): boolean {
    return !this.isOver && now >= this.startsAt && now < this.endsAt;
  }

  /** When it must be served: a frame has waited long enough, or its time is over. */
  get dueAt(): number {
    if (this.isOver) return Number.POSITIVE_INFINITY;
    const [oldest] = this.questions.values();
    return Math.min(this.endsAt, oldest?.due ?? Number.POSITIVE_INFINITY);
  }

  get hits(): number {
    return this.count[0]!;
  }

  /** Counts a frame that matches. @returns whether it is one to act on */
  counts(): boolean {
    if (this.isOver || ++this.#matched <= this.plan.after) return false;
    this.isOver = Atomics.add(this.count, 0, 1) + 1 >= this.plan.times;
    this.isHit = true;
    return true;
  }

  /** Returns a random number for the hit that was counted last, from 0 to less than 1. */
  random(): number {
    this.#random.seek(this.hits, 0, 0);
    return this.#random.at(0);
  }

  /** Tells the other thread of the hit that was counted last. @param what what is done with the frame */
  tell(what: string, { from, to }: Path, bytes: Uint8Array, now: number): void {
    const { hits, plan } = this;
    this.comment = `intercepted: ${what} (${plan.times === Number.POSITIVE_INFINITY ? hits : `${hits} of ${plan.times}`})`;
    if (this.#untaken >= MAX_UNTAKEN) return;
    this.#untaken++;
    const hit = { number: hits, from: from.name, to: to!.name, time: epochTime(now), comment: this.comment };
    this.post({ what: 'hit', hit, frame: new Uint8Array(bytes) });
  }

  /** Tells the other thread, once, that it has ended. */
  tellEnd(): void {
    if (!this.#hasToldEnd) this.post({ what: 'end' });
    this.#hasToldEnd = true;
  }

  /** Notes that the other thread has taken some hits. */
  taken(count: number): void {
    this.#untaken -= count;
  }
}
