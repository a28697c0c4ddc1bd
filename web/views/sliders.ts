import type { PageFaults } from '../../lib/lab/web/protocol.js';
import { h } from '../dom.js';
import { percentText, timeText } from '../format.js';

interface Slider {
  readonly name: string;
  readonly label: string;
  /** The values of its places. */
  readonly values: readonly (number | string)[];
  readonly text: (value: number | string) => string;
}

const DELAYS = [0, 1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000];
const SHARES = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1];
const ms = (value: number | string) => timeText(Number(value));
const share = (value: number | string) => percentText(Number(value));

const SLIDERS: readonly Slider[] = [
  { name: 'delay', label: 'Delay', values: DELAYS, text: ms },
  { name: 'jitter', label: 'Jitter', values: DELAYS, text: ms },
  { name: 'loss', label: 'Loss', values: SHARES, text: share },
  {
    name: 'rate',
    label: 'Rate',
    values: ['64kbit', '256kbit', '1mbit', '2mbit', '5mbit', '10mbit', '20mbit', '50mbit', '100mbit', '1gbit', ''],
    text: (value) => (value === '' ? 'no limit' : String(value).replace('bit', 'bit/s')),
  },
  { name: 'duplicate', label: 'Duplicates', values: SHARES, text: share },
  { name: 'reorder', label: 'Reordering', values: SHARES, text: share },
  { name: 'corrupt', label: 'Bit errors', values: SHARES, text: share },
];
const PROFILES = ['', 'lan', 'wifi', 'wifi-bad', 'dsl', '3g', '4g', '5g', 'satellite', 'geo-satellite'];
/** A change is sent when the slider has rested for so long. */
const REST_MS = 120;

/** The sliders of the faults of a link or network. */
export class Sliders {
  readonly element = h('div', { class: 'sliders' });
  readonly #profile: HTMLSelectElement;
  readonly #inputs: { readonly slider: Slider; readonly input: HTMLInputElement; readonly output: HTMLOutputElement }[];
  #faults: PageFaults = {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param set gets the faults that are asked for */
  constructor(readonly set: (faults: PageFaults) => void) {
    this.#profile = h(
      'select',
      { 'aria-label': 'Profile', onchange: () => this.#choose() },
      ...PROFILES.map((name) => h('option', { value: name }, name || 'none')),
    );
    this.#inputs = SLIDERS.map((slider) => {
      const output = h('output');
      const input = h('input', {
        type: 'range',
        min: 0,
        max: slider.values.length - 1,
        'aria-label': slider.label,
        oninput: () => this.#onInput(slider, input, output),
      });
      return { slider, input, output };
    });
    const row = (label: string, ...parts: Node[]) => h('label', {}, h('span', {}, label), ...parts);
    this.element.append(
      row('Profile', this.#profile),
      ...this.#inputs.map(({ slider, input, output }) => row(slider.label, input, output)),
    );
  }

  /** Shows the faults that hold, unless somebody is about to change them. */
  show(faults: PageFaults, isEnabled: boolean): void {
    for (const control of [this.#profile, ...this.#inputs.map(({ input }) => input)]) control.disabled = !isEnabled;
    if (this.#timer !== undefined) return;
    this.#faults = faults;
    this.#profile.value = String(faults.profile ?? '');
    for (const { slider, input, output } of this.#inputs) {
      const value = faults[slider.name] as number | string | undefined;
      input.value = String(placeOf(slider, value));
      const isKnown = value === undefined || typeof value !== 'object';
      output.textContent = isKnown ? slider.text(value ?? defaultOf(slider)) : JSON.stringify(value);
      input.setAttribute('aria-valuetext', output.textContent);
    }
  }

  #choose(): void {
    // a profile replaces what was set one by one
    this.#faults = this.#profile.value === '' ? {} : { profile: this.#profile.value };
    this.#send();
  }

  #onInput(slider: Slider, input: HTMLInputElement, output: HTMLOutputElement): void {
    const value = slider.values[Number(input.value)]!;
    output.textContent = slider.text(value);
    input.setAttribute('aria-valuetext', output.textContent);
    const { [slider.name]: _, ...others } = this.#faults;
    const isNone = value === defaultOf(slider) && this.#faults.profile === undefined;
    this.#faults = isNone || value === '' ? others : { ...others, [slider.name]: value };
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.set(this.#faults);
    }, REST_MS);
  }
}

function defaultOf({ name }: Slider): number | string {
  return name === 'rate' ? '' : 0;
}

/** Returns the place of the value that is nearest. */
function placeOf({ values, name }: Slider, value: unknown): number {
  if (name === 'rate') {
    const bits = bitsOf(value);
    const places = values.map(bitsOf);
    const found = places.findIndex((each) => each >= bits);
    return found < 0 ? values.length - 1 : found;
  }
  const wanted = typeof value === 'number' ? value : 0;
  const distances = values.map((each) => Math.abs(Number(each) - wanted));
  return distances.indexOf(Math.min(...distances));
}

function bitsOf(value: unknown): number {
  if (typeof value === 'number') return value === 0 ? Number.POSITIVE_INFINITY : value;
  const [, number, unit = ''] = /^([\d.]+)\s*([kmg]?)bit/i.exec(String(value ?? '')) ?? [];
  const factor = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[unit.toLowerCase()] ?? 1;
  return number === undefined ? Number.POSITIVE_INFINITY : Number(number) * factor;
}
