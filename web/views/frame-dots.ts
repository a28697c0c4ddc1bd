import { color } from '../colors.js';
import { draw } from '../dom.js';
import { isDropped } from '../fate.js';
import type { Frame, Model } from '../model.js';
import type { ViewState } from '../view-state.js';
import { hostKey, networkKey, type Place, shareIn } from './layout.js';

/** How many frames run at once, and how long each takes for a cable. */
const MAX_DOTS = 120;
const CABLE_MS = 280;
/** How long a frame waits at a network for the news of its arrival, and how long a cross stays. */
const PATIENCE_MS = 5000;
const CROSS_MS = 900;
const RADIUS = 4.5;

interface Dot {
  readonly frame: Frame;
  readonly started: number;
  /** How many arrivals have set out from the network, and when. */
  readonly leaving: number[];
  crossAt: number;
}

/** Draws the frames that run along the cables. */
export class FrameDots {
  #dots: Dot[] = [];
  readonly #isStill = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #draw = () => this.#paint();

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly model: Model,
    readonly view: ViewState,
    readonly placeOf: (key: string) => Place | undefined,
    readonly zoom: { readonly x: number; readonly y: number; readonly scale: number },
  ) {}

  resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = clientWidth * devicePixelRatio;
    this.canvas.height = clientHeight * devicePixelRatio;
    this.draw();
  }

  run(frame: Frame): void {
    if (this.view.time !== undefined || this.#isStill.matches || document.hidden) return;
    if (this.#dots.length >= MAX_DOTS) return;
    this.#dots.push({ frame, started: performance.now(), leaving: [], crossAt: 0 });
    this.draw();
  }

  draw(): void {
    draw(this.#draw);
  }

  #paint(): void {
    const context = this.canvas.getContext('2d')!;
    const { width, height } = this.canvas;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const { x, y, scale } = this.zoom;
    const ratio = devicePixelRatio;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    if (this.view.frame && this.view.time !== undefined) this.#paintWay(context, this.view.frame);
    if (this.view.time !== undefined) this.#dots = [];
    const now = performance.now();
    this.#dots = this.#dots.filter((dot) => this.#paintDot(context, dot, now));
    if (this.#dots.length > 0) draw(this.#draw);
  }

  /** @returns whether the dot is still under way */
  #paintDot(context: CanvasRenderingContext2D, dot: Dot, now: number): boolean {
    const { frame, started, leaving } = dot;
    const [from, network] = [this.placeOf(hostKey(frame.from)), this.placeOf(networkKey(frame.network))];
    if (!from || !network) return false;
    context.fillStyle = color(`--${frame.decoded.kind}`);
    const age = now - started;
    if (age < CABLE_MS) {
      circle(context, between(from, network, age / CABLE_MS));
      return true;
    }
    while (leaving.length < frame.arrivals.length) leaving.push(now);
    let isUnderWay = false;
    for (const [i, left] of leaving.entries()) {
      const to = this.placeOf(hostKey(frame.arrivals[i]![0]));
      if (!to || now - left >= CABLE_MS) continue;
      circle(context, between(network, to, (now - left) / CABLE_MS));
      isUnderWay = true;
    }
    if (isDropped(frame)) {
      dot.crossAt ||= now;
      if (now - dot.crossAt < CROSS_MS) {
        context.strokeStyle = color('--bad');
        cross(context, nearEnd(from, network));
        isUnderWay = true;
      }
    }
    return isUnderWay || (leaving.length === 0 && dot.crossAt === 0 && age < PATIENCE_MS);
  }

  /** Draws the whole way of the frame that is chosen. */
  #paintWay(context: CanvasRenderingContext2D, frame: Frame): void {
    const [from, network] = [this.placeOf(hostKey(frame.from)), this.placeOf(networkKey(frame.network))];
    if (!from || !network) return;
    context.lineWidth = 3;
    context.strokeStyle = color(`--${frame.decoded.kind}`);
    context.fillStyle = context.strokeStyle;
    cable(context, from, network);
    for (const [host] of frame.arrivals) {
      const to = this.placeOf(hostKey(host));
      if (to) cable(context, network, to);
      if (to) circle(context, between(network, to, 0.72));
    }
    if (!isDropped(frame)) return;
    context.strokeStyle = color('--bad');
    cross(context, nearEnd(from, network));
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function between(a: Point, b: Point, share: number): Point {
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
}

/** Returns a point of a cable that no box covers. */
function nearEnd(from: Place, network: Place): Point {
  const length = Math.hypot(network.x - from.x, network.y - from.y) || 1;
  return between(from, network, Math.max(0.5, 1 - (network.width / 2 + 12) / length));
}

function circle(context: CanvasRenderingContext2D, { x, y }: Point): void {
  context.beginPath();
  context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  context.fill();
}

function line(context: CanvasRenderingContext2D, a: Point, b: Point): void {
  context.beginPath();
  context.moveTo(a.x, a.y);
  context.lineTo(b.x, b.y);
  context.stroke();
}

/** Draws what the boxes leave of a cable. */
function cable(context: CanvasRenderingContext2D, a: Place, b: Place): void {
  line(context, between(a, b, shareIn(a, b)), between(a, b, 1 - shareIn(b, a)));
}

function cross(context: CanvasRenderingContext2D, { x, y }: Point): void {
  context.lineWidth = 3;
  line(context, { x: x - 6, y: y - 6 }, { x: x + 6, y: y + 6 });
  line(context, { x: x - 6, y: y + 6 }, { x: x + 6, y: y - 6 });
}
