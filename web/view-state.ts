import { draw } from './dom.js';
import type { Frame } from './model.js';

/** What is chosen in the topology. */
export type Selection =
  | { readonly what: 'host'; readonly host: string }
  | { readonly what: 'network'; readonly network: string }
  | { readonly what: 'link'; readonly host: string; readonly network: string };

/** What the page shows now, apart from the lab. */
export class ViewState {
  selection: Selection | undefined;
  frame: Frame | undefined;
  /** The time that is shown; undefined for now. */
  time: number | undefined;
  readonly #views = new Set<() => void>();

  /** Calls a function when something has changed. */
  watch(view: () => void): void {
    this.#views.add(view);
  }

  select(selection: Selection | undefined): void {
    this.selection = selection;
    this.changed();
  }

  /** Shows a time: undefined follows the lab again. */
  goTo(time: number | undefined, frame?: Frame): void {
    this.time = time;
    this.frame = frame ?? this.frame;
    this.changed();
  }

  choose(frame: Frame | undefined): void {
    this.frame = frame;
    if (frame && this.time !== undefined) this.time = frame.time;
    this.changed();
  }

  changed(): void {
    for (const view of this.#views) draw(view);
  }
}

export function isSame(a: Selection | undefined, b: Selection): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
