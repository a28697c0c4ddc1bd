/** What the two ways of `ioth nc` are told. */
export interface Endpoint {
  /** The peer's, or one's own where it listens; undefined for any of one's own. */
  host: string | undefined;
  port: number;
  listens: boolean;
  /** Milliseconds without anything after which it ends. */
  idleMs: number | undefined;
  signal: AbortSignal;
}

/** Calls back once nothing was heard for a while. */
export class IdleTimer {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number | undefined, onIdle: () => void) {
    this.#timer = idleMs === undefined ? undefined : setTimeout(onIdle, idleMs);
  }

  /** Something came or went. */
  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
