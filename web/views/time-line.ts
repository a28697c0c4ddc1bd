import type { PageEvent } from '../../lib/lab/web/protocol.js';
import { color } from '../colors.js';
import { drawSlowly, h, printable, update } from '../dom.js';
import { isDropped } from '../fate.js';
import { clockText } from '../format.js';
import type { Frame, Model } from '../model.js';
import type { ViewState } from '../view-state.js';

/** What is shown while the page follows the lab. */
const WINDOW_MS = 60_000;
const STEPS = 2000;
const BAR = 4;
/** How many events have a mark. */
const MAX_MARKS = 200;

/** The events of the lab and how many frames passed, over time; and the buttons that go through it. */
export class TimeLine {
  readonly element: HTMLElement;
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' });
  readonly #marks = h('div', { class: 'marks' });
  readonly #label = h('output', { class: 'now' });
  readonly #range = h('input', {
    type: 'range',
    min: 0,
    max: STEPS,
    value: STEPS,
    'aria-label': 'Time',
    oninput: () => this.#onRange(),
  });
  readonly #pause = h('button', { class: 'pause', onclick: () => this.toggle() });
  #markElements = new Map<PageEvent, HTMLElement>();
  #span: [number, number] = [0, 1];

  /** @param framesOf returns the frames to step through */
  constructor(
    readonly model: Model,
    readonly view: ViewState,
    readonly framesOf: () => readonly Frame[],
  ) {
    const back = h(
      'button',
      { 'aria-label': 'One packet back', title: 'One packet back (←)', onclick: () => this.step(-1) },
      '◂',
    );
    const on = h(
      'button',
      { 'aria-label': 'One packet on', title: 'One packet on (→)', onclick: () => this.step(1) },
      '▸',
    );
    const buttons = h('div', { class: 'buttons' }, this.#pause, back, on, this.#label);
    const strip = h('div', { class: 'strip' }, this.#canvas, this.#marks, this.#range);
    this.element = h('section', { class: 'time-line', 'aria-label': 'Time line' }, buttons, strip);
    view.watch(() => this.refresh());
    new ResizeObserver(() => this.refresh()).observe(this.element);
  }

  soon(): void {
    drawSlowly(this.refresh);
  }

  /** Stops at this moment, or follows the lab again. */
  toggle(): void {
    const isStopped = this.view.time !== undefined;
    if (isStopped && !this.model.isLive) this.view.goTo(undefined);
    else this.view.goTo(isStopped ? undefined : this.model.span[1]);
  }

  /** Goes to another frame. */
  step(count: number): void {
    const frames = this.framesOf();
    if (frames.length === 0) return;
    const { frame, time } = this.view;
    let at = frame && time !== undefined ? frames.indexOf(frame) : -1;
    if (at < 0) {
      const end = time ?? Number.POSITIVE_INFINITY;
      const next = frames.findIndex((each) => each.time > end);
      at = (next < 0 ? frames.length : next) - (count > 0 ? 1 : 0);
      // the first step from now shows the last frame
    }
    const to = frames[Math.min(Math.max(at + count, 0), frames.length - 1)]!;
    this.view.goTo(to.time, to);
  }

  #onRange(): void {
    const [start, end] = this.#span;
    const time = start + ((end - start) * Number(this.#range.value)) / STEPS;
    const frame = this.framesOf().findLast((each) => each.time <= time);
    this.view.goTo(time, frame);
  }

  readonly refresh = () => {
    const { time } = this.view;
    const [first, last] = this.model.span;
    const end = this.model.isLive && time === undefined ? Math.max(Date.now(), last) : Math.max(last, first + 1);
    const start = this.model.isLive && time === undefined ? Math.max(first, end - WINDOW_MS) : first;
    this.#span = [Math.min(start, end - 1000), end];
    const isStopped = time !== undefined;
    const shown = Math.min(time ?? end, end);
    const [from, to] = this.#span;
    if (document.activeElement !== this.#range || !isStopped) {
      this.#range.value = String(Math.round(((shown - from) / (to - from)) * STEPS));
    }
    update(this.#range, { 'aria-valuetext': clockText(shown) });
    this.#pause.textContent = isStopped ? (this.model.isLive ? '▶ Live' : '▶ End') : '❚❚ Pause';
    update(this.#pause, { 'aria-pressed': isStopped ? 'true' : 'false', title: 'Pause, or follow again (space)' });
    this.#label.textContent = clockText(shown);
    this.#paint();
    this.#mark();
  };

  #paint(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    const context = this.#canvas.getContext('2d')!;
    context.scale(devicePixelRatio, devicePixelRatio);
    const [start, end] = this.#span;
    const bars = Math.max(1, Math.floor(width / BAR));
    const [counts, lost] = [new Array<number>(bars).fill(0), new Array<number>(bars).fill(0)];
    for (const frame of this.model.frames) {
      const bar = Math.floor(((frame.time - start) / (end - start)) * bars);
      if (bar < 0 || bar >= bars) continue;
      counts[bar]!++;
      if (isDropped(frame)) lost[bar]!++;
    }
    const most = Math.max(4, ...counts);
    const paint = (list: readonly number[], name: string) => {
      context.fillStyle = color(name);
      for (const [i, count] of list.entries()) {
        const tall = count === 0 ? 0 : Math.max(2, (count / most) * (height - 4));
        context.fillRect(i * BAR, height - tall, BAR - 1, tall);
      }
    };
    paint(counts, '--bar');
    paint(lost, '--bad');
    if (this.view.time === undefined) return;
    const x = ((this.view.time - start) / (end - start)) * width;
    context.fillStyle = color('--accent');
    context.fillRect(Math.min(x, width - 2), 0, 2, height);
  }

  #mark(): void {
    const [start, end] = this.#span;
    const events = this.model.events.filter(({ time }) => time >= start && time <= end).slice(-MAX_MARKS);
    // a mark that is being clicked must stay
    const marks = new Map(events.map((event) => [event, this.#markElements.get(event) ?? this.#newMark(event)]));
    this.#markElements = marks;
    for (const [event, mark] of marks) mark.style.left = `${((event.time - start) / (end - start)) * 100}%`;
    const shown = [...marks.values()];
    const { children } = this.#marks;
    if (shown.length === children.length && shown.every((mark, i) => children[i] === mark)) return;
    this.#marks.replaceChildren(...shown);
  }

  #newMark(event: PageEvent): HTMLElement {
    const text = printable(`${clockText(event.time)} ${event.text}`);
    return h('button', {
      class: `mark ${event.kind}`,
      title: text,
      'aria-label': text,
      tabindex: -1,
      onclick: () => this.view.goTo(event.time),
    });
  }
}
