import { update } from '../dom.js';

interface Scene {
  /** Returns where all of it is. */
  bounds(): { left: number; top: number; width: number; height: number };
  /** Called when another part is shown. */
  changed(): void;
  /** Moves a box that is dragged, by its key. */
  move(key: string, dx: number, dy: number): void;
}

const [MIN, MAX] = [0.2, 4];
/** A press that moves less is a click. */
const CLICK = 4;
const MARGIN = 24;

/** Moves and zooms a drawing, and drags its boxes, with mouse, fingers, wheel and keys. */
export class PanAndZoom {
  x = 0;
  y = 0;
  scale = 1;
  /** Whether somebody has chosen what is shown. */
  #isChosen = false;
  #pointers = new Map<number, { x: number; y: number }>();
  #dragged: string | undefined;
  #moved = 0;

  constructor(
    readonly svg: SVGSVGElement,
    readonly group: SVGGElement,
    readonly scene: Scene,
  ) {
    svg.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
    svg.addEventListener('pointerdown', (event) => this.#onDown(event));
    svg.addEventListener('pointermove', (event) => this.#onMove(event));
    for (const end of ['pointerup', 'pointercancel'] as const) svg.addEventListener(end, (event) => this.#onUp(event));
    // a drag is not a click
    svg.addEventListener('click', (event) => this.#moved > CLICK && event.stopPropagation(), { capture: true });
    svg.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** Shows all of it. @param isAsked true also if somebody has chosen something else */
  fit(isAsked: boolean): void {
    if (this.#isChosen && !isAsked) return;
    this.#isChosen = false;
    const { left, top, width, height } = this.scene.bounds();
    const { clientWidth, clientHeight } = this.svg;
    if (!Number.isFinite(width) || clientWidth === 0) return;
    const scale = Math.min((clientWidth - MARGIN) / width, (clientHeight - MARGIN) / height, 1.3);
    this.scale = Math.max(scale, MIN);
    this.x = (clientWidth - width * this.scale) / 2 - left * this.scale;
    this.y = (clientHeight - height * this.scale) / 2 - top * this.scale;
    this.#show();
  }

  /** Zooms about a point, by default the middle. */
  by(factor: number, x = this.svg.clientWidth / 2, y = this.svg.clientHeight / 2): void {
    const scale = Math.min(Math.max(this.scale * factor, MIN), MAX);
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.#isChosen = true;
    this.#show();
  }

  #show(): void {
    update(this.group, { transform: `translate(${this.x} ${this.y}) scale(${this.scale})` });
    this.scene.changed();
  }

  #pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.#isChosen = true;
    this.#show();
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault();
    const { left, top } = this.svg.getBoundingClientRect();
    this.by(Math.exp(-event.deltaY / 400), event.clientX - left, event.clientY - top);
  }

  #onDown(event: PointerEvent): void {
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#moved = 0;
    const box = (event.target as Element).closest<SVGElement>('[data-key]');
    this.#dragged = this.#pointers.size === 1 ? box?.dataset.key : undefined;
  }

  #onMove(event: PointerEvent): void {
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    const before = this.#spread;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#moved += Math.abs(dx) + Math.abs(dy);
    if (this.#moved <= CLICK) return;
    if (!this.svg.hasPointerCapture(event.pointerId)) this.svg.setPointerCapture(event.pointerId);
    if (this.#pointers.size > 1) this.by(before > 0 ? this.#spread / before : 1);
    else if (this.#dragged !== undefined) this.scene.move(this.#dragged, dx / this.scale, dy / this.scale);
    else this.#pan(dx, dy);
  }

  #onUp(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    this.#dragged = undefined;
  }

  /** The distance between two fingers. */
  get #spread(): number {
    const [a, b] = this.#pointers.values();
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === '+') this.by(1.25);
    else if (event.key === '-') this.by(0.8);
    else if (event.key === '0') this.fit(true);
  }
}
