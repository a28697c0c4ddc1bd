import { h } from '../dom.js';

/** Tabs with a panel each. */
export class Tabs {
  readonly element: HTMLElement;
  readonly #tabs: HTMLButtonElement[];

  /** @param onShow called when a panel is shown */
  constructor(
    readonly panels: Readonly<Record<string, HTMLElement>>,
    readonly onShow: () => void,
  ) {
    const names = Object.keys(panels);
    this.#tabs = names.map((name) =>
      h(
        'button',
        { role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`, onclick: () => this.show(name) },
        name,
      ),
    );
    for (const [name, panel] of Object.entries(panels)) {
      panel.id = `panel-${name}`;
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-labelledby', `tab-${name}`);
    }
    const list = h(
      'div',
      { class: 'tab-list', role: 'tablist', onkeydown: (event: KeyboardEvent) => this.#onKey(event) },
      ...this.#tabs,
    );
    this.element = h('section', { class: 'tabs', 'aria-label': 'Lists' }, list, ...Object.values(panels));
    this.show(names[0]!);
  }

  show(name: string): void {
    for (const tab of this.#tabs) {
      const isShown = tab.textContent === name;
      tab.setAttribute('aria-selected', isShown ? 'true' : 'false');
      tab.tabIndex = isShown ? 0 : -1;
      this.panels[tab.textContent!]!.hidden = !isShown;
    }
    this.onShow();
  }

  #onKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = this.#tabs.indexOf(event.target as HTMLButtonElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.#tabs[(at + step + this.#tabs.length) % this.#tabs.length]!;
    this.show(next.textContent!);
    next.focus();
  }
}
