/**
 * What becomes of a frame: 'hold' if the gate keeps it for now, 'back' if it goes back to where it came from, 'replace' if the
 * frames that are released now take its place.
 */
export type Verdict = 'pass' | 'drop' | 'hold' | 'back' | 'replace';

/** Inspects and changes the frames between a host and a network. */
export interface Gate {
  /** What drops it: the name in the counts of dropped frames. */
  readonly cause: 'nat' | 'firewall';
  /** A comment on the last frame. */
  readonly note: string | undefined;
  /** The frame that tells the sender of the last one, which was dropped, that it was refused. */
  readonly answer: Buffer | undefined;
  /** Decides about a frame from the host, and may change it. `now` is in milliseconds of performance.now(). */
  fromHost(frame: Buffer, length: number, now: number): Verdict;
  /** Decides about a frame to the host, and may change it. */
  toHost(frame: Buffer, length: number, now: number): Verdict;
  /** Returns frames that were held, or that take the place of the last one, to be decided now. */
  released(): readonly Buffer[];
}

/** Two gates, the first one nearer to the host. */
export class GateChain implements Gate {
  cause: Gate['cause'] = 'nat';
  note: string | undefined;
  answer: Buffer | undefined;

  constructor(
    readonly inner: Gate,
    readonly outer: Gate,
  ) {}

  fromHost(frame: Buffer, length: number, now: number): Verdict {
    const verdict = this.#take(this.inner, this.inner.fromHost(frame, length, now));
    return verdict === 'pass' ? this.#take(this.outer, this.outer.fromHost(frame, length, now)) : verdict;
  }

  toHost(frame: Buffer, length: number, now: number): Verdict {
    const verdict = this.#take(this.outer, this.outer.toHost(frame, length, now));
    const { note } = this;
    if (verdict !== 'pass') return verdict;
    const last = this.#take(this.inner, this.inner.toHost(frame, length, now));
    this.note ??= note;
    if (this.answer) this.answer = this.#outwards(this.answer, now);
    return last;
  }

  /** Takes an answer of the inner gate out through the outer one, which has translated what is answered. */
  #outwards(answer: Buffer, now: number): Buffer | undefined {
    const verdict = this.outer.fromHost(answer, answer.length, now);
    if (verdict === 'replace') return this.outer.released()[0];
    return verdict === 'pass' ? answer : undefined;
  }

  #take(gate: Gate, verdict: Verdict): Verdict {
    this.cause = gate.cause;
    this.note = gate.note;
    this.answer = gate.answer;
    return verdict;
  }

  released(): readonly Buffer[] {
    return this.outer.released();
  }
}
