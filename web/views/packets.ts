import { drawSlowly, h, printable } from '../dom.js';
import { fateText, isDropped } from '../fate.js';
import { displayFilter, FILTER_HELP } from '../filter.js';
import { clockText } from '../format.js';
import type { Frame, Model } from '../model.js';
import type { ViewState } from '../view-state.js';
import { hexDump } from './hex-dump.js';

const ROW = 24;
/** Rows above and below the window. */
const MORE = 6;

interface Row {
  readonly text: string;
  readonly element: HTMLElement;
}

/** The list of frames, with a filter, and what is in the one that is chosen. */
export class Packets {
  readonly element: HTMLElement;
  readonly #list = h('div', {
    class: 'rows',
    role: 'listbox',
    tabindex: 0,
    'aria-label': 'Packets',
    onkeydown: (event: KeyboardEvent) => this.#onKey(event),
    onscroll: () => this.#onScroll(),
  });
  readonly #space = h('div', { class: 'space' });
  readonly #window = h('div', { class: 'window' });
  readonly #detail = h('div', { class: 'packet', 'aria-label': 'Packet', role: 'region', tabindex: 0 });
  readonly #input = h('input', {
    type: 'search',
    class: 'filter',
    placeholder: 'alice tcp :80 dropped',
    'aria-label': 'Filter of packets',
    title: FILTER_HELP,
    oninput: () => this.update(),
  });
  readonly #count = h('span', { class: 'count' });
  /** Those that the filter lets through, up to the time that is shown. */
  frames: readonly Frame[] = [];
  #rows = new Map<Frame, Row>();
  #isFollowing = true;
  #shown: Frame | undefined;
  #shownText = '';

  constructor(
    readonly model: Model,
    readonly view: ViewState,
  ) {
    this.#list.append(this.#space, this.#window);
    const bar = h('div', { class: 'bar' }, this.#input, this.#count);
    this.element = h('div', { class: 'packets' }, h('div', { class: 'list' }, bar, this.#list), this.#detail);
    view.watch(() => this.update());
    new ResizeObserver(() => this.#paintRows()).observe(this.#list);
  }

  focusFilter(): void {
    this.#input.focus();
    this.#input.select();
  }

  /** Shows what has come. */
  readonly refresh = () => {
    if (this.element.hidden) return;
    this.update();
  };

  soon(): void {
    drawSlowly(this.refresh);
  }

  /** Returns all frames that the filter lets through. */
  get filtered(): readonly Frame[] {
    const text = this.#input.value.trim();
    return text === '' ? this.model.frames : this.model.frames.filter(displayFilter(text, this.model));
  }

  update(): void {
    const { time, frame } = this.view;
    const all = this.filtered;
    this.frames = time === undefined ? all : all.filter((each) => each.time <= time);
    const more = this.model.passedOver > 0 ? `, ${this.model.passedOver} not shown` : '';
    this.#count.textContent = `${this.frames.length} of ${this.model.frames.length}${more}`;
    this.#space.style.height = `${this.frames.length * ROW}px`;
    if (frame && time !== undefined) this.#scrollTo(frame);
    else if (this.#isFollowing) this.#list.scrollTop = this.#list.scrollHeight;
    this.#paintRows();
    this.#paintDetail();
  }

  #scrollTo(frame: Frame): void {
    const at = this.frames.indexOf(frame) * ROW;
    const { scrollTop, clientHeight } = this.#list;
    if (at < 0 || (at >= scrollTop && at + ROW <= scrollTop + clientHeight)) return;
    this.#list.scrollTop = at - clientHeight / 2;
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#list;
    this.#isFollowing = scrollTop + clientHeight >= scrollHeight - ROW;
    this.#paintRows();
  }

  #paintRows(): void {
    const { scrollTop, clientHeight } = this.#list;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - MORE);
    const last = Math.min(this.frames.length, Math.ceil((scrollTop + clientHeight) / ROW) + MORE);
    this.#window.style.transform = `translateY(${first * ROW}px)`;
    const rows = new Map(this.frames.slice(first, last).map((frame) => [frame, this.#rowOf(frame)]));
    this.#rows = rows;
    const elements = [...rows.values()].map(({ element }) => element);
    const isSame =
      elements.length === this.#window.childElementCount &&
      elements.every((each, i) => this.#window.children[i] === each);
    if (!isSame) this.#window.replaceChildren(...elements);
    const chosen = this.view.frame;
    if (chosen) this.#list.setAttribute('aria-activedescendant', `frame-${chosen.id}`);
  }

  /** Returns the row of a frame: the one that is there, unless it says something else now. */
  #rowOf(frame: Frame): Row {
    const text = `${frame.comment} ${frame === this.view.frame}`;
    const known = this.#rows.get(frame);
    return known?.text === text ? known : { text, element: this.#newRow(frame) };
  }

  #newRow(frame: Frame): HTMLElement {
    const { decoded, network, time, tcp } = frame;
    const isLost = isDropped(frame);
    const isChosen = frame === this.view.frame;
    const [from, to] = [
      this.model.nameOf(decoded.from) || decoded.fromMac,
      this.model.nameOf(decoded.to) || decoded.toMac,
    ];
    const classes = ['row', decoded.kind, isLost ? 'lost' : '', isChosen ? 'chosen' : '', tcp?.note ? 'odd' : ''];
    return h(
      'div',
      {
        class: classes.filter(Boolean).join(' '),
        role: 'option',
        id: `frame-${frame.id}`,
        'aria-selected': isChosen ? 'true' : 'false',
        onclick: () => {
          this.#isFollowing = false;
          this.view.choose(frame);
        },
      },
      h('span', { class: 'time' }, clockText(time)),
      h('span', { class: 'net' }, network),
      h('span', { class: 'ends' }, printable(`${from} → ${to}`)),
      h('span', { class: 'protocol' }, decoded.protocol),
      h('span', { class: 'info' }, printable(tcp?.note ? `${decoded.info}, ${tcp.note}` : decoded.info)),
      h('span', { class: 'fate' }, isLost ? '✕ ' : '', printable(frame.comment ?? '')),
    );
  }

  #onKey(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 };
    const far: Readonly<Record<string, number>> = { Home: 0, End: this.frames.length - 1 };
    const now = this.view.frame ? this.frames.indexOf(this.view.frame) : this.frames.length;
    const next = event.key in steps ? now + steps[event.key]! : far[event.key];
    if (next === undefined || this.frames.length === 0) return;
    event.preventDefault();
    const frame = this.frames[Math.min(Math.max(next, 0), this.frames.length - 1)]!;
    this.#isFollowing = false;
    this.view.choose(frame);
    this.#scrollTo(frame);
  }

  #paintDetail(): void {
    const { frame } = this.view;
    if (!frame) {
      if (!this.#detail.firstChild)
        this.#detail.append(h('p', { class: 'hint' }, 'Choose a packet to see what is in it.'));
      return;
    }
    const fate = fateText(frame, this.model);
    // an open layer stays open
    if (frame === this.#shown && fate === this.#shownText) return;
    [this.#shown, this.#shownText] = [frame, fate];
    const { decoded, tcp } = frame;
    const bytes = hexDump(frame.bytes, frame.length);
    const notes = tcp ? [`number ${tcp.sequence} of its connection${tcp.note ? `: ${tcp.note}` : ''}`] : [];
    this.#detail.replaceChildren(
      h(
        'p',
        { class: `verdict${isDropped(frame) ? ' lost' : ''}` },
        printable(`From ${frame.from} on ${frame.network}: ${fate}.`),
      ),
      h('p', { class: 'hint' }, [`${frame.length} bytes, ${clockText(frame.time)}`, ...notes].join(', ')),
      ...decoded.layers.map((layer, i) => {
        const rows = layer.fields.map(([name, value]) =>
          h('div', {}, h('dt', {}, printable(name)), h('dd', {}, printable(value))),
        );
        const mark = () => bytes.mark(layer.from, layer.to);
        return h(
          'details',
          { open: i === decoded.layers.length - 1, ontoggle: mark, onpointerenter: mark },
          h('summary', {}, layer.name),
          h('dl', {}, ...rows),
        );
      }),
      bytes.element,
    );
  }
}
