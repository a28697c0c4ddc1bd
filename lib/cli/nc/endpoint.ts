/** The settings of `ioth nc`, for TCP and UDP. */
export interface Endpoint {
  /** The address of the peer, or our own if it listens; undefined for any of our own. */
  host: string | undefined;
  port: number;
  listens: boolean;
  /** Milliseconds without data after which it ends; undefined for no limit. */
  idleMs: number | undefined;
  signal: AbortSignal;
}

/** Calls `onIdle` after a time without data. */
export class IdleTimer {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number | undefined, onIdle: () => void) {
    this.#timer = idleMs === undefined ? undefined : setTimeout(onIdle, idleMs);
  }

  /** Restarts the time, because data came or went. */
  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
