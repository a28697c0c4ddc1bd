/* Makes elements. Text only ever becomes a text node or the value of an attribute. */

type Child = Node | string | undefined | false;
type Properties = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element. Properties that begin with 'on' are listeners. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), properties, children);
}

/** Makes an element of SVG. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill<E extends Element>(element: E, properties: Properties, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  for (const child of children) if (child) element.append(child);
  return element;
}

function set(element: Element, name: string, value: Properties[string]): void {
  if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
  else if (value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/** Sets attributes of an element. */
export function update(element: Element, properties: Properties): void {
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
}

/** The characters that hide text, or turn its direction, and controls. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Returns text that others chose, with these characters written as numbers: '\027[2J'. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `\\${String(byte).padStart(3, '0')}`).join(''),
  );
}

/** The functions that draw, and what waits to be drawn. */
const waiting = new Set<() => void>();

/** Calls a function before the next picture, once however often this is called. */
export function draw(view: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(drawAll);
  waiting.add(view);
}

function drawAll(): void {
  const views = [...waiting];
  waiting.clear();
  for (const view of views) view();
}

/** The views that were drawn in the last fifth of a second; true if they are to be drawn again after it. */
const resting = new Map<() => void, boolean>();
const REST_MS = 200;

/** As {@link draw}, five times a second at most. */
export function drawSlowly(view: () => void): void {
  if (resting.has(view)) {
    resting.set(view, true);
    return;
  }
  resting.set(view, false);
  draw(view);
  setTimeout(() => {
    const isAgain = resting.get(view);
    resting.delete(view);
    if (isAgain) drawSlowly(view);
  }, REST_MS);
}
