/* The colours of the page, for what is drawn on a canvas: a canvas does not know light-dark(). */

const known = new Map<string, string>();
const probe = document.createElement('i');

/** Returns a colour of the page by the name of its property: '--accent'. */
export function color(name: string): string {
  let found = known.get(name);
  if (found === undefined) {
    probe.hidden = true;
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(${name})`;
    found = getComputedStyle(probe).color;
    known.set(name, found);
  }
  return found;
}

/** Asks for all colours again: the page is light now, or dark. */
export function forgetColors(): void {
  known.clear();
}
