import type { PageMessage, PageStart } from '../lib/lab/web/protocol.js';
import { forgetColors } from './colors.js';
import { Connection } from './connection.js';
import { h } from './dom.js';
import { Model } from './model.js';
import { ViewState } from './view-state.js';
import { Events } from './views/events.js';
import { Packets } from './views/packets.js';
import { Panel } from './views/panel.js';
import { Sequence } from './views/sequence.js';
import { Tabs } from './views/tabs.js';
import { TerminalsView } from './views/terminals.js';
import { TimeLine } from './views/time-line.js';
import { Topology } from './views/topology.js';

const SCHEMES = ['light dark', 'light', 'dark'];
const SCHEME_NAMES: Readonly<Record<string, string>> = { 'light dark': '◐', light: '☀', dark: '☾' };

/** The page: its parts, and what leads from one to another. */
class Page {
  readonly #model = new Model();
  readonly #view = new ViewState();
  readonly #topology = new Topology(this.#model, this.#view);
  readonly #packets = new Packets(this.#model, this.#view);
  readonly #sequence = new Sequence(this.#model, this.#view);
  readonly #events = new Events(this.#model, this.#view);
  readonly #timeLine = new TimeLine(this.#model, this.#view, () => this.#packets.filtered);
  readonly #connection: Connection | undefined;
  readonly #terminals: TerminalsView | undefined;
  readonly #panel: Panel;
  readonly #tabs: Tabs;
  readonly #status = h('span', { class: 'status', role: 'status' });

  /** @param report the data of a report; undefined for a lab that is live */
  constructor(report: PageStart | undefined) {
    if (!report) {
      this.#connection = new Connection(
        (message) => this.#onMessage(message),
        (isThere) => this.#onState(isThere),
      );
      this.#terminals = new TerminalsView(this.#model, this.#connection);
    }
    const { connection, terminals } = { connection: this.#connection, terminals: this.#terminals };
    const doing = connection && {
      act: <T>(action: Parameters<Connection['act']>[0]) => connection.act<T>(action),
      openTerminal: (host: string) => {
        this.#tabs.show('Terminal');
        void terminals?.open(host);
      },
    };
    this.#panel = new Panel(this.#model, this.#view, doing);
    const panels = { Packets: this.#packets.element, Sequence: this.#sequence.element, Events: this.#events.element };
    this.#tabs = new Tabs(terminals ? { ...panels, Terminal: terminals.element } : panels, () => this.#view.changed());
    this.#build();
    if (report) this.#start(report);
  }

  #build(): void {
    const scheme = h(
      'button',
      { class: 'scheme', onclick: () => this.#nextScheme(scheme) },
      SCHEME_NAMES['light dark'],
    );
    scheme.setAttribute('aria-label', 'Light or dark');
    const header = h('header', { class: 'top' }, h('h1', {}, 'ioth lab'), this.#status, scheme);
    const middle = h('div', { class: 'middle' }, this.#topology.element, this.#panel.element);
    const main = h('main', {}, this.#timeLine.element, middle, this.#tabs.element);
    document.getElementById('page')!.replaceChildren(header, main);
    document.addEventListener('keydown', (event) => this.#onKey(event));
    this.#packets.element.addEventListener('dblclick', () => {
      if (!this.#view.frame) return;
      this.#sequence.show(this.#view.frame);
      this.#tabs.show('Sequence');
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#recolor());
    setInterval(() => {
      if (this.#model.isLive && this.#view.time === undefined) this.#timeLine.soon();
    }, 500);
  }

  #start(start: PageStart): void {
    this.#model.start(start);
    const { test, isLive } = start;
    document.title = test ? `${test.name} — ioth lab` : 'ioth lab';
    if (!isLive) this.#status.textContent = test ? 'report of a failed test' : 'report';
    this.#topology.build();
    // a connection that comes back has other frames
    this.#view.frame = undefined;
    this.#view.changed();
  }

  #onMessage(message: PageMessage): void {
    if ('start' in message) this.#start(message.start);
    else if ('event' in message) {
      this.#model.addEvent(message.event);
      this.#view.changed();
    } else if ('terminal' in message) {
      if ('output' in message) this.#terminals?.output(message.terminal, message.output);
      else this.#terminals?.ended(message.terminal);
    } else {
      const last = this.#model.frames.at(-1)?.id ?? 0;
      this.#model.addBatch(message.batch);
      for (const frame of this.#model.frames.slice(-message.batch.frames.length || this.#model.frames.length)) {
        if (frame.id > last) this.#topology.run(frame);
      }
      const views = [this.#packets, this.#sequence, this.#events, this.#timeLine, this.#panel];
      for (const view of views) view.soon();
      this.#topology.soon();
    }
  }

  #onState(isThere: boolean): void {
    this.#status.textContent = isThere ? 'live' : 'the lab has ended, or cannot be reached';
    this.#status.classList.toggle('gone', !isThere);
    if (!isThere) this.#terminals?.lost();
  }

  #nextScheme(button: HTMLElement): void {
    const root = document.documentElement;
    const now = SCHEMES.indexOf(root.style.colorScheme || 'light dark');
    const next = SCHEMES[(now + 1) % SCHEMES.length]!;
    root.style.colorScheme = next;
    button.textContent = SCHEME_NAMES[next]!;
    this.#recolor();
  }

  #recolor(): void {
    forgetColors();
    this.#panel.recolor();
    this.#view.changed();
  }

  #onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, select, textarea, .terminals')) {
      const isLeft = event.key === 'Escape' && !target.closest('.terminals');
      // a search field would be emptied
      if (isLeft) event.preventDefault();
      if (isLeft) target.blur();
      return;
    }
    const keys: Readonly<Record<string, () => void>> = {
      ' ': () => this.#timeLine.toggle(),
      ArrowLeft: () => this.#timeLine.step(-1),
      ArrowRight: () => this.#timeLine.step(1),
      '/': () => {
        this.#tabs.show('Packets');
        this.#packets.focusFilter();
      },
      Escape: () => this.#view.select(undefined),
    };
    // a button takes the space itself
    if (event.key === ' ' && target.closest('button, summary')) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

const data = document.getElementById('data')?.textContent ?? '';
new Page(data === '' ? undefined : (JSON.parse(data) as PageStart));
