import type { NetworkPlan } from './config.js';
import { drawing, kindTexts, type LabNow, linkTexts, networkTexts } from './drawing.js';
import { cablesOf, type HostPlan } from './host-plan.js';
import {
  ASCENT,
  type Bar,
  type Box,
  type Cable,
  LINE_HEIGHT,
  layOut,
  MARGIN,
  PADDING,
  type PlacedBar,
  type PlacedBox,
  type PlacedCable,
} from './svg-layout.js';
import type { Topology } from './topology.js';

/** A network: its name, texts about it, and what was done to it. */
interface NetworkBar extends Bar {
  readonly noteCount: number;
  readonly isSplit: boolean;
}

interface HostCable extends Cable {
  readonly isPlugged: boolean;
  readonly addressCount: number;
}

interface HostBox extends Box {
  readonly kind: 'host' | 'router' | 'nat';
  readonly isDown: boolean;
  readonly cables: readonly HostCable[];
}

/** The longest line left of a network, if its texts can be divided. */
const MAX_COLUMNS = 26;
const CORNER = 8;
const FONT = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace";

/** Selectors, and what they have on a light page and on a dark one. */
const COLORS: readonly (readonly [selector: string, light: string, dark: string])[] = [
  ['.page', 'fill:#ffffff', 'fill:#14181d'],
  ['text', 'fill:#1d2731', 'fill:#e3e9ef'],
  ['.quiet', 'fill:#54616d', 'fill:#a3b0bc'],
  ['.fault', 'fill:#8a5200', 'fill:#f0b354'],
  ['.broken', 'fill:#b3261e', 'fill:#ff8a80'],
  ['.bar', 'stroke:#2f6fad', 'stroke:#6cabe6'],
  ['.dot', 'fill:#2f6fad', 'fill:#6cabe6'],
  ['.bar.split', 'stroke:#b3261e', 'stroke:#ff8a80'],
  ['.halo', 'stroke:#ffffff', 'stroke:#14181d'],
  ['.cable', 'stroke:#6b7a88', 'stroke:#8494a3'],
  ['.host', 'fill:#f2f5f8;stroke:#6b7a88', 'fill:#222a32;stroke:#8494a3'],
  ['.router', 'fill:#e9f4e7;stroke:#3f7d3a', 'fill:#1c2c1c;stroke:#7cc076'],
  ['.nat', 'fill:#fdf1de;stroke:#a4690c', 'fill:#33270f;stroke:#e0a748'],
];
const SHAPES = [
  `text{font:12px ${FONT};white-space:pre}`,
  '.name{font-weight:700}',
  '.bar{stroke-width:4;stroke-linecap:round}',
  '.bar.split{stroke-dasharray:10 8}',
  '.halo{stroke-width:9}',
  '.cable{stroke-width:1.5}',
  '.cable.off{stroke-dasharray:3 4}',
  '.host,.router,.nat{stroke-width:1.5}',
  '.down{stroke-dasharray:4 4;fill-opacity:.4}',
];

/** Returns the networks and hosts as an SVG image. */
export function svg(topology: Topology, now: LabNow): string {
  const networks = inReadingOrder(topology);
  const bars = networks.map((network) => barOf(network, now));
  const boxes = topology.hosts.map((host) => boxOf(topology, host, networks, now));
  const layout = layOut<NetworkBar, HostBox>(bars, boxes);
  const width = Math.ceil(layout.width);
  const title = `Network lab: ${networks.map(({ name }) => name).join(', ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="ioth-lab" role="img" aria-label="${escapeXml(title)}" ` +
      `width="${width}" height="${layout.height}" viewBox="0 0 ${width} ${layout.height}">`,
    `<title>${escapeXml(title)}</title>`,
    `<desc>${escapeXml(drawing(topology, now))}</desc>`,
    `<style>${styles()}</style>`,
    `<rect class="page" width="${width}" height="${layout.height}"/>`,
    ...layout.bars.map(drawBar),
    ...layout.boxes.flatMap(({ cables }) => cables.map(drawCable)),
    ...layout.boxes.map(drawBox),
    '</svg>',
    '',
  ].join('\n');
}

/** Returns the networks so that those that a host joins are near each other, from the first one on. */
function inReadingOrder({ networks, hosts }: Topology): NetworkPlan[] {
  const order: NetworkPlan[] = [];
  const visit = (network: NetworkPlan) => {
    if (order.includes(network)) return;
    order.push(network);
    for (const host of hosts) {
      const others = cablesOf(host).map((cable) => cable.network);
      if (others.includes(network)) others.forEach(visit);
    }
  };
  networks.forEach(visit);
  return order;
}

function barOf(network: NetworkPlan, now: LabNow): NetworkBar {
  const { faults, notes, groups, isCut } = now.network(network);
  const [name = '', ...about] = networkTexts(network, faults);
  const lines = about.flatMap((text) => wrap(text.split(' ')));
  const noted = notes.flatMap((note) => wrap(note.split(' ')));
  return {
    texts: [name, ...lines, ...noted],
    noteCount: noted.length,
    isSplit: isCut || groups.length > 0,
  };
}

function boxOf(topology: Topology, host: HostPlan, networks: readonly NetworkPlan[], now: LabNow): HostBox {
  const isDown = now.isDown(host);
  const cables = cablesOf(host).map((attachment) => {
    const { network, addresses } = attachment;
    const group = now.network(network).groups.findIndex((names) => names.includes(host.name));
    return {
      bar: networks.indexOf(network),
      texts: [...addresses.values(), ...linkTexts(attachment), ...(group < 0 ? [] : [`group ${group + 1}`])],
      addressCount: addresses.size,
      isPlugged: !isDown && now.isOn(host, network),
    };
  });
  return {
    texts: [host.name, ...kindTexts(topology, host, now)],
    kind: host.nat ? 'nat' : host.isRouter ? 'router' : 'host',
    isDown,
    cables: cables.sort((one, other) => one.bar - other.bar),
  };
}

/** Returns words in lines. */
function wrap(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < MAX_COLUMNS) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function styles(): string {
  const scoped = (rules: readonly string[]) =>
    rules.map((rule) => rule.replace(/^[^{]*/, (selectors) => selectors.replace(/[^,]+/g, '.ioth-lab $&'))).join('');
  const light = COLORS.map(([selector, color]) => `${selector}{${color}}`);
  const dark = COLORS.map(([selector, , color]) => `${selector}{${color}}`);
  return `${scoped(SHAPES)}${scoped(light)}@media (prefers-color-scheme:dark){${scoped(dark)}}`;
}

function drawBar({ bar, y, left, right }: PlacedBar<NetworkBar>): string {
  const firstNote = bar.texts.length - bar.noteCount;
  const texts = bar.texts.map((text, i) => {
    const isFault = i > 0 && text.includes('=');
    const style = i === 0 ? 'name' : i >= firstNote ? 'broken' : isFault ? 'fault' : 'quiet';
    return drawText(MARGIN, y + 4 + i * LINE_HEIGHT, text, style);
  });
  const line = `<path class="bar${bar.isSplit ? ' split' : ''}" d="M${left} ${y}H${right}"/>`;
  return ['<g>', line, ...texts, '</g>'].join('');
}

function drawCable({ cable, x, from, to, text }: PlacedCable<HostCable>): string {
  const [textX, textY] = text;
  const texts = cable.texts.map((line, i) => {
    const style = i < cable.addressCount ? 'quiet' : line.startsWith('group ') ? 'broken' : 'fault';
    return drawText(textX, textY + i * LINE_HEIGHT, line, style);
  });
  const down = to > from;
  // it passes over the bars between, and ends at its own
  const halo = down ? `<path class="halo" d="M${x} ${from}V${to - PADDING}"/>` : '';
  const line = `<path class="cable${cable.isPlugged ? '' : ' off'}" d="M${x} ${from}V${to}"/>`;
  return ['<g>', halo, line, `<circle class="dot" cx="${x}" cy="${to}" r="4"/>`, ...texts, '</g>'].join('');
}

function drawBox({ box, x, y, width, height }: PlacedBox<HostBox, HostCable>): string {
  const style = `${box.kind}${box.isDown ? ' down' : ''}`;
  const [w, h, c] = [width, height, CORNER];
  const shape =
    box.kind === 'host'
      ? `<rect class="${style}" x="${x}" y="${y}" width="${w}" height="${h}" rx="5"/>`
      : `<path class="${style}" d="M${x + c} ${y}h${w - 2 * c}l${c} ${c}v${h - 2 * c}l${-c} ${c}h${2 * c - w}l${-c} ${-c}v${2 * c - h}z"/>`;
  const texts = box.texts.map((text, i) => {
    const kind = i === 0 ? 'name' : text === 'down' ? 'broken' : 'quiet';
    return drawText(x + PADDING, y + PADDING / 2 + ASCENT + i * LINE_HEIGHT, text, kind);
  });
  return ['<g>', shape, ...texts, '</g>'].join('');
}

function drawText(x: number, y: number, text: string, style: string): string {
  return `<text class="${style}" x="${x}" y="${y}">${escapeXml(text)}</text>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
