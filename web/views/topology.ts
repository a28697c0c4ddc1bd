import type { PageHost, PageNetworkState, PageState } from '../../lib/lab/web/protocol.js';
import { drawSlowly, h, s, update } from '../dom.js';
import { faultsText, percentText, shortRate, timeText } from '../format.js';
import type { Frame, Model } from '../model.js';
import { isSame, type Selection, type ViewState } from '../view-state.js';
import { FrameDots } from './frame-dots.js';
import { hostKey, LINE, networkKey, type Place, placesOf, shareIn, sizeOf } from './layout.js';
import { PanAndZoom } from './pan-and-zoom.js';

interface Cable {
  readonly host: string;
  readonly network: string;
  readonly line: SVGLineElement;
  readonly area: SVGLineElement;
  readonly label: SVGTextElement;
}

/** Above this many cables only those that are chosen, or carry something, have labels. */
const MANY_CABLES = 12;

/** The drawing of the lab: hosts, networks, cables, and frames that run along them. */
export class Topology {
  readonly element: HTMLElement;
  readonly #svg: SVGSVGElement;
  readonly #scene = s('g');
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' });
  readonly #zoom: PanAndZoom;
  readonly #dots: FrameDots;
  #places = new Map<string, Place>();
  #boxes = new Map<string, SVGGElement>();
  #cables: Cable[] = [];
  /** What each box shows. */
  readonly #drawn = new WeakMap<SVGGElement, string>();
  #isWide = true;

  constructor(
    readonly model: Model,
    readonly view: ViewState,
  ) {
    this.#svg = s('svg', { role: 'group', 'aria-label': 'Topology' }, this.#scene);
    const tools = h(
      'div',
      { class: 'tools' },
      h('button', { 'aria-label': 'Zoom in', onclick: () => this.#zoom.by(1.25) }, '+'),
      h('button', { 'aria-label': 'Zoom out', onclick: () => this.#zoom.by(0.8) }, '−'),
      h('button', { 'aria-label': 'Show all of it', onclick: () => this.#zoom.fit(true) }, '⤢'),
    );
    this.element = h('section', { class: 'topology', 'aria-label': 'Topology' }, this.#svg, this.#canvas, tools);
    this.#zoom = new PanAndZoom(this.#svg, this.#scene, {
      bounds: () => boundsOf(this.#places.values()),
      changed: () => this.#dots.draw(),
      move: (key, dx, dy) => this.#move(key, dx, dy),
    });
    this.#dots = new FrameDots(this.#canvas, model, view, (key) => this.#places.get(key), this.#zoom);
    new ResizeObserver(() => {
      this.#dots.resize();
      if (this.#places.size > 0 && this.#isWide !== this.#wide) this.build();
      this.#zoom.fit(false);
    }).observe(this.element);
    view.watch(this.#refresh);
  }

  get #wide(): boolean {
    return this.element.clientWidth > this.element.clientHeight * 1.05;
  }

  /** Runs a frame along its way. */
  run(frame: Frame): void {
    this.#dots.run(frame);
  }

  soon(): void {
    drawSlowly(this.#refresh);
  }

  readonly #refresh = () => this.update();

  /** Draws the lab anew. */
  build(): void {
    const { lab } = this.model;
    this.#isWide = this.#wide;
    const state = this.model.stateAt(undefined);
    this.#places = placesOf(lab, this.#isWide, (key) => this.#linesOf(key, state));
    this.#cables = lab.hosts.flatMap(({ name, cables }) => cables.map(({ network }) => this.#newCable(name, network)));
    this.#boxes = new Map();
    for (const { name } of lab.networks) this.#newBox(networkKey(name), { what: 'network', network: name });
    for (const { name } of lab.hosts) this.#newBox(hostKey(name), { what: 'host', host: name });
    this.#scene.replaceChildren(
      ...this.#cables.flatMap(({ line, area }) => [line, area]),
      ...this.#boxes.values(),
      ...this.#cables.map(({ label }) => label),
    );
    for (const key of this.#boxes.keys()) this.#put(key);
    this.#zoom.fit(false);
    this.update();
  }

  #newCable(host: string, network: string): Cable {
    const selection: Selection = { what: 'link', host, network };
    const choose = () => this.view.select(selection);
    const area = s('line', {
      class: 'cable-area',
      tabindex: 0,
      role: 'button',
      'aria-label': `Link of ${host} to ${network}`,
      onclick: choose,
      onkeydown: onEnter(choose),
    });
    return { host, network, line: s('line', { class: 'cable' }), area, label: s('text', { class: 'cable-label' }) };
  }

  #newBox(key: string, selection: Selection): void {
    const choose = () => this.view.select(selection);
    const name = selection.what === 'network' ? `Network ${selection.network}` : `Host ${key.slice(5)}`;
    const box = s('g', {
      class: 'box',
      tabindex: 0,
      role: 'button',
      'aria-label': name,
      'data-key': key,
      onclick: choose,
      onkeydown: onEnter(choose),
    });
    this.#boxes.set(key, box);
  }

  /** Shows the lab as it is at the time that is shown. */
  update(): void {
    if (this.#boxes.size === 0) return;
    const state = this.model.stateAt(this.view.time);
    for (const [key, box] of this.#boxes) this.#updateBox(key, box, state);
    for (const cable of this.#cables) this.#updateCable(cable, state);
    this.#dots.draw();
  }

  #updateBox(key: string, box: SVGGElement, state: PageState): void {
    const isNetwork = key.startsWith('network ');
    const name = key.slice(isNetwork ? 8 : 5);
    const host = isNetwork ? undefined : this.model.host(name);
    const isUp = isNetwork || state.hosts[name]?.isUp !== false;
    const selection: Selection = isNetwork ? { what: 'network', network: name } : { what: 'host', host: name };
    const place = this.#places.get(key)!;
    const lines = this.#linesOf(key, state);
    const size = sizeOf(lines);
    const [width, grown] = [Math.max(place.width, size.width), Math.max(place.height, size.height)];
    const group = host ? groupOf(host, state) : -1;
    const classes = [
      'box',
      isNetwork ? 'network' : host?.nat ? 'nat' : host?.isRouter ? 'router' : 'host',
      isUp ? '' : 'down',
      isSame(this.view.selection, selection) ? 'chosen' : '',
      group >= 0 ? `group${group % 4}` : '',
      isNetwork && isTroubled(state.networks[name]) ? 'troubled' : '',
    ];
    const drawn = [...classes, ...lines, width, grown].join('\n');
    // a box that is being clicked must keep what is in it
    if (this.#drawn.get(box) === drawn) return;
    this.#drawn.set(box, drawn);
    const shape = s('rect', {
      x: -width / 2,
      y: -grown / 2,
      width,
      height: grown,
      rx: isNetwork ? grown / 2.2 : host?.isRouter ? 3 : 9,
    });
    const texts = lines.map((line, i) => {
      const y = (i - (lines.length - 1) / 2) * LINE + 4.5;
      return s('text', { y, class: i === 0 ? 'name' : 'detail' }, line);
    });
    update(box, { class: classes.filter(Boolean).join(' ') });
    box.replaceChildren(shape, ...texts);
  }

  #linesOf(key: string, state?: PageState): string[] {
    if (key.startsWith('network ')) {
      const name = key.slice(8);
      const network = this.model.network(name);
      const now = state?.networks[name];
      const notes = now ? [faultsText(now.faults), ...troublesOf(now)] : [];
      return [name, ...(network?.prefixes ?? []), ...notes.filter(Boolean)];
    }
    const host = this.model.host(key.slice(5));
    if (!host) return [key.slice(5)];
    const roles = [
      host.nat ? 'NAT' : host.isRouter ? 'router' : '',
      ...host.services,
      host.hasFirewall ? 'firewall' : '',
    ];
    const title = [host.name, ...roles.filter(Boolean)].join(' · ');
    const isDown = state?.hosts[host.name]?.isUp === false;
    const addresses = host.cables.flatMap((cable) => cable.addresses.slice(0, 1));
    return [title, ...(isDown ? ['down'] : addresses.slice(0, 3))];
  }

  #updateCable({ host, network, line, area, label }: Cable, state: PageState): void {
    const now = state.networks[network];
    const hostNow = state.hosts[host];
    const isOff = hostNow?.isUp === false || hostNow?.on.includes(network) === false;
    const isCut = now?.cuts.some(({ from, to }) => from?.includes(host) || to?.includes(host)) ?? false;
    const isChosen = isSame(this.view.selection, { what: 'link', host, network });
    const faults = now?.rules.find(({ path }) => path.up?.includes(host) || path.down?.includes(host))?.faults;
    const classes = ['cable', isOff ? 'off' : '', isCut ? 'cut' : '', isChosen ? 'chosen' : '', faults ? 'faulty' : ''];
    update(line, { class: classes.filter(Boolean).join(' ') });
    update(area, { 'aria-pressed': isChosen });
    const configured = this.model.host(host)?.cables.find((cable) => cable.network === network);
    const asked = faultsText(faults ?? configured?.up ?? {});
    const last = this.view.time === undefined ? this.model.measurements.last(network, host) : undefined;
    const isBusy = last !== undefined && last.up + last.down > 0;
    const measured = isBusy ? [`↑${shortRate(last.up)} ↓${shortRate(last.down)}`] : [];
    const late = isBusy && last.delay !== null && last.delay >= 1 ? timeText(last.delay) : '';
    const lost = isBusy && last.loss > 0 ? `${percentText(last.loss)} lost` : '';
    if (late || lost) measured.push([late, lost].filter(Boolean).join(', '));
    const isShown = isChosen || asked !== '' || isBusy || this.#cables.length <= MANY_CABLES;
    const texts = isShown ? [asked, ...measured].filter(Boolean) : [];
    const [x, y] = [label.getAttribute('x') ?? 0, Number(label.getAttribute('y'))];
    label.replaceChildren(...texts.map((text, i) => s('tspan', { x, y: y + (i - (texts.length - 1) / 2) * 13 }, text)));
  }

  #move(key: string, dx: number, dy: number): void {
    const place = this.#places.get(key);
    if (!place) return;
    place.x += dx;
    place.y += dy;
    this.#put(key);
    this.update();
  }

  /** Puts a box, and the cables at it, to their place. */
  #put(key: string): void {
    const place = this.#places.get(key)!;
    update(this.#boxes.get(key)!, { transform: `translate(${place.x} ${place.y})` });
    for (const { host, network, line, area, label } of this.#cables) {
      const [a, b] = [this.#places.get(hostKey(host))!, this.#places.get(networkKey(network))!];
      const ends = { x1: a.x, y1: a.y, x2: b.x, y2: b.y };
      update(line, ends);
      update(area, ends);
      // the middle of what the boxes leave of it, nearer to the host, where cables do not meet
      const [start, end] = [shareIn(a, b), 1 - shareIn(b, a)];
      const at = start + (end - start) * 0.42;
      update(label, { x: a.x + (b.x - a.x) * at, y: a.y + (b.y - a.y) * at });
    }
  }
}

function onEnter(act: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
}

function boundsOf(places: Iterable<Place>) {
  const all = [...places];
  const left = Math.min(...all.map(({ x, width }) => x - width / 2));
  const top = Math.min(...all.map(({ y, height }) => y - height / 2));
  const right = Math.max(...all.map(({ x, width }) => x + width / 2));
  const bottom = Math.max(...all.map(({ y, height }) => y + height / 2));
  return { left, top, width: right - left, height: bottom - top };
}

/** Returns the number of a host's group, on a network that is partitioned; else -1. */
function groupOf({ name, cables }: PageHost, state: PageState): number {
  for (const { network } of cables) {
    const groups = state.networks[network]?.groups ?? [];
    if (groups.length === 0) continue;
    const group = groups.findIndex((each) => each.includes(name));
    return group < 0 ? groups.length : group;
  }
  return -1;
}

function isTroubled(now: PageNetworkState | undefined): boolean {
  return now !== undefined && (now.cuts.length > 0 || now.groups.length > 0);
}

function troublesOf({ cuts, groups, rules }: PageNetworkState): string[] {
  const cutTexts = cuts.map(({ from, to }) => `cut ${from?.join(' ') ?? 'all'} → ${to?.join(' ') ?? 'all'}`);
  const ways = rules.filter(({ path }) => path.from || path.to);
  const wayTexts = ways.map(
    ({ path, faults }) => `${path.from?.join(' ') ?? 'all'} → ${path.to?.join(' ') ?? 'all'} ${faultsText(faults)}`,
  );
  return [...wayTexts.slice(0, 3), ...cutTexts.slice(0, 3), ...(groups.length > 0 ? ['partitioned'] : [])];
}
