import uPlot from 'uplot';
import { color } from '../colors.js';
import { h } from '../dom.js';
import { percentText, rateText, timeText } from '../format.js';
import type { Point } from '../measurements.js';

interface PlotKind {
  readonly title: string;
  readonly series: readonly {
    readonly label: string;
    readonly paint: string;
    readonly of: (point: Point) => number | null;
  }[];
  readonly text: (value: number) => string;
}

const KINDS: readonly PlotKind[] = [
  {
    title: 'Throughput',
    series: [
      { label: 'from the host', paint: '--udp', of: ({ up }) => up },
      { label: 'to the host', paint: '--tcp', of: ({ down }) => down },
    ],
    text: rateText,
  },
  { title: 'Delay', series: [{ label: 'delay', paint: '--dns', of: ({ delay }) => delay }], text: timeText },
  { title: 'Loss', series: [{ label: 'loss', paint: '--bad', of: ({ loss }) => loss }], text: percentText },
];
const HEIGHT = 84;

/** The plots of a link: throughput, delay and loss of the last minutes. */
export class Plots {
  readonly element = h('div', { class: 'plots' });
  #plots: { readonly kind: PlotKind; readonly plot: uPlot; readonly figure: HTMLElement }[] = [];
  #width = 0;

  /** Shows points. */
  show(points: readonly Point[]): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    if (this.#plots.length === 0 || width !== this.#width) this.#build(width);
    const times = points.map(({ time }) => time);
    for (const { kind, plot, figure } of this.#plots) {
      plot.setData([times, ...kind.series.map(({ of }) => points.map(of))]);
      const last = points.findLast((point) => kind.series.some(({ of }) => of(point) !== null));
      const texts = kind.series.map(({ of }) => (last ? kind.text(of(last) ?? 0) : '–'));
      figure.setAttribute('aria-label', `${kind.title}: ${texts.join(', ')}`);
      figure.querySelector('.value')!.textContent = texts.join(' · ');
    }
  }

  /** Draws them anew: colours may be others. */
  rebuild(): void {
    this.#width = 0;
  }

  #build(width: number): void {
    this.#width = width;
    for (const { plot } of this.#plots) plot.destroy();
    this.#plots = KINDS.map((kind) => {
      const place = h('div');
      const heading = h('figcaption', {}, `${kind.title} `, h('span', { class: 'value' }));
      const figure = h('figure', { role: 'img', 'aria-label': kind.title }, heading, place);
      const axis: uPlot.Axis = {
        stroke: color('--faint'),
        grid: { stroke: color('--line'), width: 1 },
        ticks: { show: false },
        font: '10px system-ui, sans-serif',
      };
      const options: uPlot.Options = {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [6, 8, 0, 0],
        scales: { y: { range: (_, min, max) => [Math.min(0, min ?? 0), max ? max * 1.1 : 1] } },
        axes: [
          { ...axis, size: 18, space: 70, values: '{HH}:{mm}:{ss}' },
          { ...axis, size: 62, space: 26, values: (_, values) => values.map((value) => kind.text(value)) },
        ],
        series: [
          {},
          ...kind.series.map(({ label, paint }) => ({
            label,
            stroke: color(paint),
            width: 1.5,
            spanGaps: false,
            points: { show: kind.title === 'Delay', size: 4 },
          })),
        ],
      };
      return { kind, figure, plot: new uPlot(options, [[], ...kind.series.map(() => [])], place) };
    });
    this.element.replaceChildren(...this.#plots.map(({ figure }) => figure));
  }
}
