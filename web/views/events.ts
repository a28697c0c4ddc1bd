import { drawSlowly, h, printable } from '../dom.js';
import { clockText } from '../format.js';
import type { Model } from '../model.js';
import type { ViewState } from '../view-state.js';

/** The events as a list, the newest first. */
export class Events {
  readonly element = h('div', { class: 'events' });

  #drawn = '';

  constructor(
    readonly model: Model,
    readonly view: ViewState,
  ) {
    view.watch(this.refresh);
  }

  soon(): void {
    drawSlowly(this.refresh);
  }

  readonly refresh = () => {
    if (this.element.hidden) return;
    const { time } = this.view;
    const events = this.model.events.filter((event) => time === undefined || event.time <= time).reverse();
    const drawn = `${events.length} ${events[0]?.time} ${events.at(-1)?.time}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const rows = events.map((event) =>
      h(
        'li',
        {},
        h(
          'button',
          { class: `event ${event.kind}`, onclick: () => this.view.goTo(event.time) },
          h('span', { class: 'time' }, clockText(event.time)),
          h('span', { class: 'kind' }, event.kind),
          h('span', {}, printable(event.text)),
        ),
      ),
    );
    if (rows.length === 0) rows.push(h('li', { class: 'hint' }, 'Nothing has happened yet.'));
    this.element.replaceChildren(h('ol', {}, ...rows));
  };
}
