import { scratch } from '../../vde/frame-source.js';
import type { FrameStore, StoredFrame } from '../../vde/frame-store.js';
import type { DueHeap } from '../due-heap.js';
import { Headers } from '../headers.js';
import type { Path, Station } from '../path.js';
import { refusalOf } from '../refusal.js';
import type { InterceptEvent } from './events.js';
import type { ActionPlan, InterceptPlan, Verdict } from './plan.js';
import { Rule } from './rule.js';

/** The time that a frame waits for an answer of the other thread, and the most frames of an intercept that do. */
const ANSWER_TIMEOUT_MS = 10_000;
const MAX_QUESTIONS = 1024;
/** Another frame goes on. */
const REPLACE = { kind: 'replace', delay: 0 } as const;

type Action = ActionPlan | typeof REPLACE;

/** What an {@link Interceptor} needs of its network. All of it is for the frame in {@link scratch}. */
export interface InterceptedNetwork {
  readonly name: string;
  readonly shared: {
    readonly seed: number;
    readonly store: FrameStore;
    readonly heap: DueHeap;
    postIntercept(intercept: number, event: InterceptEvent): void;
  };
  /** Sends a frame on, with the faults of its direction. */
  sendOn(path: Path, length: number, now: number): void;
  drop(path: Path, cause: 'intercepted' | 'queue' | 'down', comment?: string): void;
  comment(path: Path, comment: string, count?: 'duplicated' | 'corrupted'): void;
  pathBack(path: Path): Path;
  /** Records a frame that has comments, once more if it waited. */
  recordComments(from: Station, length: number): void;
  /** Called when the first intercept starts, and after the last one has ended. */
  setIntercepted(isIntercepted: boolean): void;
}

/** The intercepts of a network, in the thread that forwards. */
export class Interceptor {
  readonly #rules = new Map<number, Rule>();
  readonly #headers = new Headers();
  /** Counts the frames that were seen. */
  #frame = 0;
  /** Where that frame came from, and how many had come from there. */
  #from: Station | undefined;
  #switched = 0;
  #order = 0;
  #lastQuestion = 0;
  /** Whether there are intercepts that are over. */
  #hasEnded = false;

  constructor(readonly network: InterceptedNetwork) {}

  /** Starts an intercept. @param count gets the number of its hits */
  start(id: number, plan: InterceptPlan, count: Int32Array): void {
    const { name, shared } = this.network;
    const post = (event: InterceptEvent) => shared.postIntercept(id, event);
    this.#rules.set(id, new Rule(++this.#order, plan, count, post, shared.seed, name));
    this.network.setIntercepted(true);
  }

  /** Ends an intercept. Frames that wait for its answer go on. */
  stop(id: number): void {
    const rule = this.#rules.get(id);
    if (rule) this.#end(rule);
    this.#forget();
  }

  taken(id: number, hits: number): void {
    this.#rules.get(id)?.taken(hits);
  }

  /** Gets an answer of the other thread. Ignores one that comes too late. */
  answer(id: number, question: number, verdict: Verdict): void {
    const rule = this.#rules.get(id);
    if (rule?.questions.has(question)) this.#resume(rule, question, verdict);
    if (rule?.isOver) this.#end(rule);
  }

  /** When {@link flush} must be called. */
  get dueAt(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const rule of this.#rules.values()) due = Math.min(due, rule.dueAt);
    return due;
  }

  /** Lets frames go on that have waited long enough, and ends intercepts whose time is over. */
  flush(): void {
    const now = performance.now();
    for (const rule of this.#rules.values()) {
      for (const [question, { due }] of rule.questions) {
        if (due <= now) this.#resume(rule, question, false, `passed: no answer in ${ANSWER_TIMEOUT_MS} ms`);
      }
      if (!rule.isOver && rule.endsAt <= now) this.#end(rule);
    }
    this.#forget();
  }

  /** Decides about the frame in {@link scratch} in one direction. @returns whether the network is done with it */
  takes(path: Path, length: number, now: number): boolean {
    const { from } = path;
    if (this.#from !== from || this.#switched !== from.switched) {
      this.#from = from;
      this.#switched = from.switched;
      this.#begin(length);
    }
    return this.#apply(0, path, length, now);
  }

  #begin(length: number): void {
    if (this.#hasEnded) this.#forget();
    this.#frame++;
    this.#headers.parse(scratch, length);
  }

  /** Applies the intercepts that were started after the one of an order. */
  #apply(order: number, path: Path, length: number, now: number): boolean {
    for (const rule of this.#rules.values()) {
      if (rule.order <= order || !rule.covers(path)) continue;
      if (rule.lastFrame !== this.#frame) this.#decide(rule, path, length, now);
      if (rule.question) {
        rule.question.ways.push({ path, generation: path.generation });
        this.network.comment(path, 'intercepted: waits for an answer');
        return true;
      }
      if (rule.isHit && this.#act(rule, rule.plan.action, path, length, now)) return true;
    }
    return false;
  }

  #decide(rule: Rule, path: Path, length: number, now: number): void {
    rule.lastFrame = this.#frame;
    rule.isHit = false;
    rule.question = undefined;
    if (!rule.isActive(now) || !rule.matches(scratch, this.#headers)) return;
    if (rule.plan.isAsked) this.#ask(rule, path, length, now);
    else if (rule.counts()) {
      rule.tell(this.#textOf(rule, rule.plan.action), path, scratch.subarray(0, length), now);
      if (rule.isOver) this.#end(rule);
    }
  }

  #ask(rule: Rule, path: Path, length: number, now: number): void {
    const frame = rule.questions.size < MAX_QUESTIONS ? this.network.shared.store.store(scratch, length) : undefined;
    if (!frame) {
      this.network.comment(path, 'intercepted: passed: too many frames wait for an answer');
      return;
    }
    const question = ++this.#lastQuestion;
    rule.question = { frame, ways: [], due: now + ANSWER_TIMEOUT_MS };
    rule.questions.set(question, rule.question);
    const bytes = new Uint8Array(scratch.subarray(0, length));
    rule.post({ what: 'ask', question, frame: bytes, from: path.from.name, to: path.to!.name });
  }

  /** Does with a frame that waited what the verdict says. @param reason why there is no verdict of the other thread */
  #resume(rule: Rule, id: number, verdict: Verdict, reason?: string): void {
    const { network } = this;
    const { frame, ways } = rule.questions.get(id)!;
    rule.questions.delete(id);
    frame.bytes.copy(scratch, 0, 0, frame.length);
    network.shared.store.mark = frame.mark;
    network.shared.store.release(frame);
    const now = performance.now();
    const first = ways[0]!.path;
    let { length } = frame;
    this.#from = undefined;
    this.#begin(length);
    const isHit = verdict !== false && rule.counts();
    const action = verdict instanceof Uint8Array ? REPLACE : typeof verdict === 'object' ? verdict : rule.plan.action;
    if (isHit) rule.tell(this.#textOf(rule, action), first, scratch.subarray(0, length), now);
    if (isHit && verdict instanceof Uint8Array) {
      scratch.set(verdict);
      length = verdict.length;
    }
    for (const { path, generation } of ways) {
      if (reason) network.comment(path, `intercepted: ${reason}`);
      if (generation !== path.generation) {
        network.drop(path, 'down');
        continue;
      }
      const isDone =
        (isHit && this.#act(rule, action, path, length, now)) || this.#apply(rule.order, path, length, now);
      if (!isDone) network.sendOn(path, length, now);
    }
    network.recordComments(first.from, length);
  }

  /** @returns whether the network is done with the frame */
  #act(rule: Rule, { kind, delay }: Action, path: Path, length: number, now: number): boolean {
    const { network } = this;
    const { comment, bit } = rule;
    switch (kind) {
      case 'pass':
        network.comment(path, comment);
        return false;
      case 'drop':
      case 'reject':
        network.drop(path, 'intercepted', comment);
        if (kind === 'reject') this.#refuse(rule, path, now);
        break;
      case 'delay':
        network.comment(path, comment);
        this.#hold(scratch, length, now + delay, path);
        break;
      case 'duplicate':
        network.comment(path, comment, 'duplicated');
        network.sendOn(path, length, now);
        network.sendOn(path, length, now);
        break;
      case 'replace':
        network.comment(path, comment);
        network.sendOn(path, length, now);
        break;
      case 'corrupt':
        network.comment(path, comment, 'corrupted');
        flip(bit);
        network.sendOn(path, length, now);
        // the other receivers share the bytes
        flip(bit);
    }
    return true;
  }

  /** Returns the text for the frame that was counted last. */
  #textOf(rule: Rule, { kind, delay }: Action): string {
    if (kind === 'delay') return `delay ${delay} ms`;
    if (kind !== 'corrupt') return kind;
    const { transport, payload, end } = this.#headers;
    // behind the addresses, so that it arrives and its checksum is wrong
    const start = Math.min(transport < 0 ? payload : transport, end - 1);
    rule.bit = 8 * start + Math.floor(rule.random() * 8 * (end - start));
    return `corrupt bit ${rule.bit}`;
  }

  /** Answers a packet that is not let through. One that goes to several ports gets one answer. */
  #refuse(rule: Rule, path: Path, now: number): void {
    if (rule.lastRefused === this.#frame) return;
    rule.lastRefused = this.#frame;
    const refusal = refusalOf(scratch, this.#headers);
    if (!refusal) return;
    const { store } = this.network.shared;
    const { mark } = store;
    store.mark = 0;
    // later: the refused frame is recorded first
    this.#hold(refusal, refusal.length, now, this.network.pathBack(path), 'intercepted: made by reject');
    store.mark = mark;
  }

  /** Keeps a frame until it goes on. */
  #hold(bytes: Buffer, length: number, due: number, path: Path, comment?: string): void {
    const { store, heap } = this.network.shared;
    const stored = store.store(bytes, length);
    if (!stored) {
      this.network.drop(path, 'queue');
      return;
    }
    stored.generation = path.generation;
    heap.add(due, stored, { arrive: (frame) => this.#release(frame, path, comment) });
  }

  #release({ bytes, length, generation }: StoredFrame, path: Path, comment: string | undefined): void {
    bytes.copy(scratch, 0, 0, length);
    if (comment) this.network.comment(path, comment);
    if (generation !== path.generation) this.network.drop(path, 'down');
    else this.network.sendOn(path, length, performance.now());
    this.network.recordComments(path.from, length);
  }

  /** Ends an intercept. It stays until the next frame: the last one may go in more directions. */
  #end(rule: Rule): void {
    rule.isOver = true;
    this.#hasEnded = true;
    for (const question of rule.questions.keys()) this.#resume(rule, question, false);
    rule.tellEnd();
  }

  /** Removes the intercepts that are over. */
  #forget(): void {
    this.#hasEnded = false;
    for (const [id, rule] of this.#rules) if (rule.isOver) this.#rules.delete(id);
    if (this.#rules.size === 0) this.network.setIntercepted(false);
  }
}

function flip(bit: number): void {
  scratch[bit >> 3]! ^= 0x80 >> (bit & 7);
}
