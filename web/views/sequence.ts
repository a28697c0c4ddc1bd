import { conversationOf } from '../conversations.js';
import { drawSlowly, h, printable, s } from '../dom.js';
import { isDropped, losersOf } from '../fate.js';
import { clockText, timeText } from '../format.js';
import type { Frame, Model } from '../model.js';
import type { ViewState } from '../view-state.js';

/** How many frames are drawn, the last ones; and how many conversations can be chosen. */
const MAX_FRAMES = 300;
const MAX_CHOICES = 100;
const [TOP, MIN_GAP, LABEL_GAP] = [46, 7, 25];
/** Where there is no room, times are short, and labels too. */
const NARROW = 560;
/** Time between two things is this high at most; a longer one is named. */
const MAX_GAP = 60;
const PIXELS_PER_MS = 1.2;
const NAMED_GAP_MS = 100;

/** An arrow of the diagram. */
interface Arrow {
  readonly frame: Frame;
  readonly from: string;
  readonly to: string;
  readonly leaves: number;
  readonly arrives: number;
  readonly isLost: boolean;
}

/** Draws a conversation between hosts, with time from top to bottom. */
export class Sequence {
  readonly element: HTMLElement;
  readonly #choice = h('select', { 'aria-label': 'Conversation', onchange: () => this.#choose() });
  readonly #paper = h('div', { class: 'paper', tabindex: 0, role: 'region', 'aria-label': 'Sequence diagram' });
  #chosen = '';
  #isFollowing = true;
  #drawn = '';

  constructor(
    readonly model: Model,
    readonly view: ViewState,
  ) {
    const bar = h(
      'div',
      { class: 'bar' },
      this.#choice,
      h('span', { class: 'hint' }, 'time runs down; a slope is a delay'),
    );
    this.element = h('div', { class: 'sequence' }, bar, this.#paper);
    this.#paper.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.#paper;
      this.#isFollowing = scrollTop + clientHeight >= scrollHeight - 20;
    });
    new ResizeObserver(() => this.refresh()).observe(this.#paper);
    view.watch(() => this.refresh());
  }

  readonly refresh = () => {
    if (!this.element.hidden) this.#update();
  };

  soon(): void {
    drawSlowly(this.refresh);
  }

  /** Shows the conversation of a frame. */
  show(frame: Frame): void {
    this.#chosen = conversationOf(frame.decoded);
    this.refresh();
  }

  #choose(): void {
    this.#chosen = this.#choice.value;
    this.#isFollowing = true;
    this.refresh();
  }

  #update(): void {
    const counts = new Map<string, number>();
    for (const { decoded } of this.model.frames) {
      const key = conversationOf(decoded);
      const count = counts.get(key) ?? 0;
      // the last one is the newest
      counts.delete(key);
      if (key !== '') counts.set(key, count + 1);
    }
    if (this.#chosen !== '' && !counts.has(this.#chosen)) this.#chosen = '';
    const keys = [...counts.keys()].reverse().slice(0, MAX_CHOICES);
    const options = [
      h('option', { value: '' }, 'all packets'),
      ...keys.map((key) => this.#option(key, counts.get(key)!)),
    ];
    // a list that is open must not change
    if (document.activeElement !== this.#choice || this.#choice.options.length === 0)
      this.#choice.replaceChildren(...options);
    this.#choice.value = this.#chosen;
    const { time } = this.view;
    const frames = this.model.frames.filter(
      (frame) =>
        (this.#chosen === '' || conversationOf(frame.decoded) === this.#chosen) &&
        (time === undefined || frame.time <= time),
    );
    this.#paint(frames.slice(-MAX_FRAMES));
  }

  #option(key: string, count: number): HTMLOptionElement {
    const [protocol, ...ends] = key.split(' ');
    const names = ends.map((end) => {
      const address = /^\[(.*)\](:\d+)$|^([\d.]+)(:\d+)$/.exec(end);
      const [host = end, port = ''] = address ? [address[1] ?? address[3], address[2] ?? address[4]] : [];
      return `${this.model.nameOf(host)}${port}`;
    });
    return h('option', { value: key }, printable(`${protocol} ${names.join(' ↔ ')} (${count})`));
  }

  #paint(frames: readonly Frame[]): void {
    const arrows = frames.flatMap((frame) => this.#arrowsOf(frame));
    const drawn = [
      this.#paper.clientWidth,
      this.view.frame?.id,
      arrows.length,
      ...frames.slice(-50).map(({ id, arrivals, comment }) => `${id} ${arrivals.length} ${comment}`),
    ].join();
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const hosts = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))];
    if (hosts.length === 0) {
      this.#paper.replaceChildren(h('p', { class: 'hint' }, 'No packets yet.'));
      return;
    }
    const { places, marks, height } = timesOf(arrows);
    const isNarrow = this.#paper.clientWidth < NARROW;
    const left = isNarrow ? 58 : 92;
    const width = Math.max(this.#paper.clientWidth - 4, left + hosts.length * (isNarrow ? 104 : 130));
    const step = (width - left) / hosts.length;
    const xOf = (host: string) => left + step * (hosts.indexOf(host) + 0.5);
    const lines = hosts.map((host) =>
      s('line', { class: 'life', x1: xOf(host), x2: xOf(host), y1: TOP - 14, y2: height }),
    );
    const heads = hosts.map((host) => s('text', { class: 'life-name', x: xOf(host), y: 18 }, printable(host)));
    const textOf = (text: string, isGap: boolean) => (isNarrow && !isGap ? text.slice(3) : text);
    const svg = s('svg', { width, height: height + 12, role: 'img', 'aria-label': 'Sequence diagram' });
    svg.append(
      ...lines,
      ...marks.map(({ y, text, isGap }) =>
        s('text', { class: isGap ? 'gap' : 'clock', x: 4, y: y + 4 }, textOf(text, isGap)),
      ),
    );
    for (const arrow of arrows) svg.append(this.#draw(arrow, xOf, places, isNarrow));
    const head = s('svg', { class: 'heads', width, height: 28 }, ...heads);
    this.#paper.replaceChildren(head, svg);
    if (this.#isFollowing && this.view.time === undefined) this.#paper.scrollTop = this.#paper.scrollHeight;
    const chosen = this.view.time === undefined ? undefined : svg.querySelector('.arrow.chosen');
    chosen?.scrollIntoView({ block: 'nearest' });
  }

  #arrowsOf(frame: Frame): Arrow[] {
    const { from, time } = frame;
    const arrows = frame.arrivals.map(([to, arrives]): Arrow => {
      // the clocks of two threads differ a little
      return { frame, from, to, leaves: time, arrives: Math.max(time, arrives), isLost: false };
    });
    const fallback = this.model.receiverOf(frame);
    if (isDropped(frame)) {
      for (const host of losersOf(frame)) {
        const to = host ?? fallback ?? this.#neighborOf(frame);
        if (to !== undefined && to !== from)
          arrows.push({ frame, from, to, leaves: time, arrives: time, isLost: true });
      }
    } else if (arrows.length === 0 && fallback !== undefined && fallback !== from) {
      const isWaiting = this.model.isLive && Date.now() - time < 10_000;
      if (!isWaiting) arrows.push({ frame, from, to: fallback, leaves: time, arrives: time, isLost: false });
    }
    return arrows;
  }

  #neighborOf({ network, from }: Frame): string | undefined {
    return this.model.lab.hosts.find(
      ({ name, cables }) => name !== from && cables.some((cable) => cable.network === network),
    )?.name;
  }

  #draw(
    arrow: Arrow,
    xOf: (host: string) => number,
    places: ReadonlyMap<string, number>,
    isNarrow: boolean,
  ): SVGGElement {
    const { frame, from, to, isLost } = arrow;
    const [x1, x2] = [xOf(from), xOf(to)];
    const [y1, y2] = [places.get(keyOf(arrow, 'leaves'))!, places.get(keyOf(arrow, 'arrives'))!];
    const sign = Math.sign(x2 - x1) || 1;
    const end = isLost ? x1 + (x2 - x1) * 0.6 : x2 - sign * 2;
    const [labelX, label] = [(x1 + x2) / 2, this.#labelOf(frame, isNarrow)];
    const angle = (Math.atan2(y2 - y1, Math.abs(x2 - x1)) * 180 * sign) / Math.PI;
    const classes = [
      'arrow',
      frame.decoded.kind,
      isLost ? 'lost' : '',
      frame === this.view.frame ? 'chosen' : '',
      frame.tcp?.note ? 'odd' : '',
    ];
    // when the pointer goes down, too: the arrow may be drawn anew before it is up again
    const choose = () => this.view.choose(frame);
    const name = `${clockText(frame.time)}, ${from} to ${to}: ${label}${isLost ? ', lost' : ''}`;
    const tip = isLost
      ? s('path', { class: 'cross', d: `M${end - 6} ${y2 - 6}l12 12m0 -12l-12 12` })
      : s('path', { class: 'tip', d: `M${x2} ${y2}l${-8 * sign} -4v8z`, transform: `rotate(${angle} ${x2} ${y2})` });
    return s(
      'g',
      {
        class: classes.filter(Boolean).join(' '),
        role: 'button',
        tabindex: -1,
        'aria-label': printable(name),
        onpointerdown: choose,
        onclick: choose,
      },
      s('title', {}, printable(name)),
      s('line', { class: 'reach', x1, y1, x2: end, y2 }),
      s('line', { class: 'shaft', x1, y1, x2: end, y2 }),
      tip,
      s(
        'text',
        { class: 'label', x: labelX, y: (y1 + y2) / 2 - 5, transform: `rotate(${angle} ${labelX} ${(y1 + y2) / 2})` },
        printable(label),
      ),
    );
  }

  #labelOf({ decoded, tcp, arrivals, time }: Frame, isShort: boolean): string {
    const { segment, protocol, info } = decoded;
    const delay = arrivals[0] ? arrivals[0][1] - time : 0;
    if (isShort) return cut(segment ? [segment.flags, tcp?.note].filter(Boolean).join(' ') : info, 18);
    const late = delay >= 2 ? ` (${timeText(delay)})` : '';
    if (!segment || !tcp) return `${cut(protocol === 'UDP' ? `UDP ${info}` : `${protocol} ${info}`)}${late}`;
    const numbers = [
      segment.flags || 'no flags',
      `seq ${tcp.sequence}`,
      segment.flags.includes('ACK') ? `ack ${tcp.acknowledgment}` : '',
      segment.length > 0 ? `${segment.length} B` : '',
    ];
    const said = protocol === 'TCP' ? '' : ` ${cut(info)}`;
    return `${numbers.filter(Boolean).join(' ')}${said}${tcp.note ? ` ${tcp.note}` : ''}${late}`;
  }
}

function cut(text: string, length = 60): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function keyOf({ frame, to }: Arrow, what: 'leaves' | 'arrives'): string {
  return what === 'leaves' ? `${frame.id}` : `${frame.id} ${to}`;
}

interface Mark {
  readonly y: number;
  readonly text: string;
  readonly isGap: boolean;
}

/** Returns where each end of an arrow is. What happens at once still has a line of its own; long pauses are short. */
function timesOf(arrows: readonly Arrow[]): { places: Map<string, number>; marks: Mark[]; height: number } {
  const moments = arrows.flatMap((arrow) => [
    { time: arrow.leaves, key: keyOf(arrow, 'leaves'), isStart: true },
    ...(arrow.arrives > arrow.leaves ? [{ time: arrow.arrives, key: keyOf(arrow, 'arrives'), isStart: false }] : []),
  ]);
  moments.sort((a, b) => a.time - b.time);
  const places = new Map<string, number>();
  const marks: Mark[] = [];
  let [y, lastStart, last] = [TOP, TOP - LABEL_GAP, moments[0]?.time ?? 0];
  for (const { time, key, isStart } of moments) {
    if (places.has(key)) continue;
    const gap = time - last;
    const room = Math.min(MAX_GAP, Math.max(places.size > 0 ? MIN_GAP : 0, gap * PIXELS_PER_MS));
    if (gap >= NAMED_GAP_MS) marks.push({ y: y + room / 2 + 2, text: `⋮ ${timeText(gap)}`, isGap: true });
    y += room;
    if (isStart) {
      y = Math.max(y, lastStart + LABEL_GAP);
      lastStart = y;
      marks.push({ y, text: clockText(time), isGap: false });
    }
    places.set(key, y);
    last = time;
  }
  for (const arrow of arrows) {
    const start = places.get(keyOf(arrow, 'leaves'))!;
    const at = places.get(keyOf(arrow, 'arrives'));
    // less than a millisecond is level, whatever came between
    if (at === undefined || arrow.arrives - arrow.leaves < 1) places.set(keyOf(arrow, 'arrives'), start);
  }
  return { places, marks, height: y + LABEL_GAP };
}
