/** What becomes of a frame: 'hold' if the gate keeps it for now, 'back' if it goes back to where it came from. */
export type Verdict = 'pass' | 'drop' | 'hold' | 'back';

/** Inspects and changes the frames between a host and a network. */
export interface Gate {
  /** A comment on the last frame. */
  readonly note: string | undefined;
  /** Decides about a frame from the host, and may change it. `now` is in milliseconds of performance.now(). */
  fromHost(frame: Buffer, length: number, now: number): Verdict;
  /** Decides about a frame to the host, and may change it. */
  toHost(frame: Buffer, length: number, now: number): Verdict;
  /** Returns frames that were held, to be decided again now. */
  released(): readonly Buffer[];
}
