import { addressOf, type Connection } from '../connection.js';
import { h } from '../dom.js';
import type { Model } from '../model.js';
import type { PageTerminal } from '../terminal.js';

interface Opened {
  readonly host: string;
  readonly place: HTMLElement;
  readonly tab: HTMLElement;
  terminal: PageTerminal | undefined;
  /** Its number at the lab, once it is open there. */
  number: number | undefined;
}

/** The terminals in hosts. */
export class TerminalsView {
  readonly element: HTMLElement;
  readonly #tabs = h('div', { class: 'bar', role: 'group', 'aria-label': 'Terminals' });
  readonly #place = h('div', { class: 'terminals' });
  readonly #opened: Opened[] = [];
  /** What came for terminals whose number is not known yet. */
  readonly #early = new Map<number, string>();
  #front: Opened | undefined;

  constructor(
    readonly model: Model,
    readonly connection: Connection,
  ) {
    this.#place.append(h('p', { class: 'hint' }, 'Choose a host in the drawing, and then ‘Terminal’.'));
    this.element = h('div', { class: 'terminal-view' }, this.#tabs, this.#place);
    new ResizeObserver(() => this.#front?.terminal?.fill()).observe(this.#place);
  }

  /** Opens a terminal in a host, or shows the one that is open. */
  async open(host: string): Promise<void> {
    const known = this.#opened.find((each) => each.host === host && each.tab.isConnected);
    if (known) {
      this.#show(known);
      return;
    }
    const tab = h('button', { onclick: () => this.#show(opened) }, host);
    const opened: Opened = {
      host,
      place: h('div', { class: 'terminal' }),
      tab,
      terminal: undefined,
      number: undefined,
    };
    if (this.#opened.length === 0) this.#place.replaceChildren();
    this.#opened.push(opened);
    this.#tabs.append(opened.tab);
    this.#place.append(opened.place);
    this.#show(opened);
    try {
      await this.#start(opened);
    } catch (error) {
      opened.place.append(h('p', { class: 'error', role: 'alert' }, (error as Error).message));
    }
  }

  async #start(opened: Opened): Promise<void> {
    const { openTerminal } = (await import(addressOf('/terminal.js'))) as typeof import('../terminal.js');
    const { connection } = this;
    const { client } = this.model;
    const terminal = openTerminal(opened.place, {
      onType: (text) => this.#type(opened, client, text),
      onResize: (columns, rows) => {
        if (opened.number === undefined) return;
        connection.act({ do: 'resize', client, terminal: opened.number, columns, rows }).catch(() => {});
      },
    });
    opened.terminal = terminal;
    const { columns, rows } = terminal;
    const answer = await connection.act<{ terminal: number }>({ do: 'open', client, host: opened.host, columns, rows });
    opened.number = answer.terminal;
    terminal.write(this.#early.get(answer.terminal) ?? '');
    this.#early.delete(answer.terminal);
    terminal.focus();
  }

  /** Sends what is typed in its order: requests may overtake each other. */
  #typing: Promise<unknown> = Promise.resolve();

  #type(opened: Opened, client: number, text: string): void {
    const { number } = opened;
    if (number === undefined) return;
    this.#typing = this.#typing
      .then(() => this.connection.act({ do: 'type', client, terminal: number, text }))
      .catch(() => {});
  }

  #show(opened: Opened): void {
    this.#front = opened;
    for (const each of this.#opened) {
      each.place.hidden = each !== opened;
      each.tab.setAttribute('aria-pressed', each === opened ? 'true' : 'false');
    }
    opened.terminal?.fill();
    opened.terminal?.focus();
  }

  /** Prints what came for a terminal. */
  output(number: number, text: string): void {
    const opened = this.#opened.find((each) => each.number === number);
    if (opened) opened.terminal?.write(text);
    else this.#early.set(number, (this.#early.get(number) ?? '') + text);
  }

  /** Removes a terminal whose shell has ended. */
  ended(number: number): void {
    const at = this.#opened.findIndex((each) => each.number === number);
    if (at >= 0) this.#remove(at);
  }

  /** Removes all: the lab has closed them with the old connection. */
  lost(): void {
    while (this.#opened.length > 0) this.#remove(0);
  }

  #remove(at: number): void {
    const [opened] = this.#opened.splice(at, 1);
    opened?.tab.remove();
    opened?.place.remove();
    const next = this.#opened.at(-1);
    if (next) this.#show(next);
    else this.#place.replaceChildren(h('p', { class: 'hint' }, 'No terminal is open.'));
  }
}
