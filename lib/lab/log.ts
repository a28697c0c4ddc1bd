import { epochMs } from '../core/epoch.js';
import type { PageEvent, PageEventKind, PageState } from './web/protocol.js';

/** How many events are kept. */
const MAX_EVENTS = 300;
const MICROSECOND_MS = 0.001;

/** What was done to a lab, for its page and for reports. */
export class LabLog {
  readonly #events: PageEvent[] = [];
  readonly #listeners = new Set<(event: PageEvent) => void>();

  /** @param state returns how the lab is now */
  constructor(readonly state: () => PageState) {}

  get events(): readonly PageEvent[] {
    return this.#events;
  }

  /** Notes something that was done to the lab. */
  add(kind: PageEventKind, text: string): void {
    this.#note({ time: this.#now(), kind, text, state: this.state() });
  }

  /** Notes something that happened in it. */
  happened(kind: PageEventKind, text: string): void {
    this.#note({ time: this.#now(), kind, text });
  }

  /** The clock is that of frames. No two events have the same time, because a page shows the lab as it was at one. */
  #now(): number {
    const last = this.#events.at(-1)?.time ?? 0;
    return Math.max(epochMs(performance.now()), last + MICROSECOND_MS);
  }

  #note(event: PageEvent): void {
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** Calls a listener for each event from now on. @returns a function that ends that */
  listen(listener: (event: PageEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
