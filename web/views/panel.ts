import type { PageAction, PageFaults, PageHostDetails, PageWay } from '../../lib/lab/web/protocol.js';
import { drawSlowly, h, printable } from '../dom.js';
import { faultsText } from '../format.js';
import type { Model } from '../model.js';
import type { Selection, ViewState } from '../view-state.js';
import { Plots } from './plots.js';
import { Sliders } from './sliders.js';

/** What the panel can have done. */
export interface Doing {
  act<T = unknown>(action: PageAction): Promise<T>;
  openTerminal(host: string): void;
}

type Way = 'both' | 'up' | 'down';

/** The host, link or network that is chosen: what it is, and what can be done with it. */
export class Panel {
  readonly element = h('aside', { class: 'panel', 'aria-label': 'Chosen part' });
  readonly #error = h('p', { class: 'error', role: 'alert' });
  readonly #plots = new Plots();
  #built = '';
  /** Shows what has changed of what is chosen. */
  #refresh: () => void = () => {};

  /** @param doing undefined in a report */
  constructor(
    readonly model: Model,
    readonly view: ViewState,
    readonly doing: Doing | undefined,
  ) {
    view.watch(this.update);
  }

  soon(): void {
    drawSlowly(this.update);
  }

  /** Draws plots anew, in other colours. */
  recolor(): void {
    this.#plots.rebuild();
    this.update();
  }

  readonly update = () => {
    const { selection } = this.view;
    const key = JSON.stringify(selection ?? null) + this.model.isLive + this.model.lab.hosts.length;
    if (key !== this.#built) {
      this.#built = key;
      this.#error.textContent = '';
      this.#refresh = () => {};
      this.element.replaceChildren(...this.#build(selection), this.#error);
    }
    this.#refresh();
  };

  #build(selection: Selection | undefined): Node[] {
    switch (selection?.what) {
      case 'host':
        return this.#buildHost(selection.host);
      case 'network':
        return this.#buildNetwork(selection.network);
      case 'link':
        return this.#buildLink(selection.host, selection.network);
      default:
        return this.#buildOverview();
    }
  }

  #heading(title: string): HTMLElement {
    const close = h(
      'button',
      { class: 'close', 'aria-label': 'Close', onclick: () => this.view.select(undefined) },
      '✕',
    );
    return h('header', {}, h('h2', {}, printable(title)), close);
  }

  /** @param act returns what to do, or says why it is not possible */
  #button(label: string, act: () => PageAction | string): HTMLButtonElement {
    return h('button', { disabled: !this.doing, onclick: () => this.#do(act()) }, label);
  }

  #do(action: PageAction | string): void {
    this.#error.textContent = typeof action === 'string' ? action : '';
    if (typeof action === 'string') return;
    this.doing?.act(action).catch((error: Error) => {
      this.#error.textContent = printable(error.message);
    });
  }

  #buildOverview(): Node[] {
    const { lab, test } = this.model;
    const failure = test
      ? [h('h2', {}, printable(test.name)), h('pre', { class: 'failure' }, printableLines(test.error))]
      : [];
    const links = lab.hosts.map(({ name }) => name).join(', ');
    const text = h('p', { class: 'hint' }, `Choose a host, a network or a link in the drawing. Hosts: ${links}.`);
    const keys = h(
      'p',
      { class: 'hint' },
      'Keys: space pauses, ← and → go from packet to packet, / goes to the filter, Esc leaves what is chosen; + − 0 in the drawing.',
    );
    const heal = this.doing ? [this.#button('Heal all', () => ({ do: 'heal' }))] : [];
    return [...failure, text, keys, ...heal];
  }

  #buildHost(name: string): Node[] {
    const host = this.model.host(name);
    if (!host) return [];
    const networks = host.cables.map(({ network }) => network);
    const move = host.roams
      ? networks.map((to) => this.#button(`Move to ${to}`, () => ({ do: 'move', host: name, network: to })))
      : [];
    const flush = host.nat ? [this.#button('End mappings', () => ({ do: 'flush', host: name }))] : [];
    const terminal = h(
      'button',
      { disabled: !this.doing, class: 'main', onclick: () => this.doing?.openTerminal(name) },
      'Terminal',
    );
    const power = this.#button('Down', () => ({ do: this.#isUp(name) ? 'down' : 'up', host: name }));
    const restart = this.#button('Restart', () => ({ do: 'restart', host: name }));
    const details = h('div', { class: 'details' });
    const addresses = host.cables.map(({ network, mac, addresses: list }) =>
      h('div', {}, h('dt', {}, network), h('dd', {}, [...list, mac].join(' '))),
    );
    this.#refresh = () => {
      power.textContent = this.#isUp(name) ? 'Down' : 'Up';
    };
    this.#showDetails(name, details);
    const buttons = this.doing ? [h('div', { class: 'actions' }, terminal, power, restart, ...move, ...flush)] : [];
    return [this.#heading(name), ...buttons, h('dl', {}, ...addresses), details];
  }

  #isUp(host: string): boolean {
    return this.model.stateAt(this.view.time).hosts[host]?.isUp !== false;
  }

  /** Shows what a host has, again and again while it is chosen. */
  #showDetails(host: string, place: HTMLElement): void {
    if (!this.doing) return;
    const key = this.#built;
    const ask = async () => {
      if (key !== this.#built) return;
      try {
        place.replaceChildren(...detailsOf(await this.doing!.act<PageHostDetails>({ do: 'host', host })));
      } catch (error) {
        place.replaceChildren(h('p', { class: 'hint' }, printable((error as Error).message)));
      }
      setTimeout(ask, 2000);
    };
    void ask();
  }

  #buildNetwork(name: string): Node[] {
    const members = this.model.lab.hosts.filter(({ cables }) => cables.some(({ network }) => network === name));
    const sliders = new Sliders((faults) => this.#do({ do: 'set', network: name, faults }));
    const note = h('p', { class: 'hint' });
    const boxes = members.map((host) => h('input', { type: 'checkbox', value: host.name, 'aria-label': host.name }));
    const chosen = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
    const list = boxes.map((box) => h('label', { class: 'member' }, box, printable(box.value)));
    const partition = this.#button('Partition', () => ({ do: 'partition', network: name, groups: [chosen()] }));
    const cut = this.#button('Cut between them', () => {
      const [one, ...others] = chosen();
      if (one === undefined || others.length === 0) return 'Tick two hosts or more.';
      return { do: 'cut', network: name, a: [one], b: others };
    });
    const heal = this.#button('Heal', () => ({ do: 'heal', network: name }));
    const reset = this.#button('As configured', () => ({ do: 'reset', network: name }));
    this.#refresh = () => {
      const now = this.model.stateAt(this.view.time).networks[name];
      if (!now) return;
      sliders.show(now.faults, this.doing !== undefined && this.view.time === undefined);
      const groups = now.groups.map((group) => group.join(' ')).join(' | ');
      const cuts = now.cuts.map(({ from, to }) => `${from?.join(' ') ?? 'all'} → ${to?.join(' ') ?? 'all'}`);
      note.textContent = [groups && `Partition: ${groups} | the others.`, cuts.length > 0 && `Cut: ${cuts.join(', ')}.`]
        .filter(Boolean)
        .join(' ');
    };
    const how = h(
      'p',
      { class: 'hint' },
      'Tick hosts, and part them from the others, or cut the first one from the other ones, both ways.',
    );
    const separate = h(
      'fieldset',
      {},
      h('legend', {}, 'Separate'),
      how,
      h('div', { class: 'members' }, ...list),
      h('div', { class: 'actions' }, partition, cut, heal),
      note,
    );
    const faults = h(
      'fieldset',
      {},
      h('legend', {}, 'Between all its hosts'),
      sliders.element,
      h('div', { class: 'actions' }, reset),
    );
    return [this.#heading(name), faults, separate];
  }

  #buildLink(host: string, network: string): Node[] {
    let way: Way = 'both';
    const pathOf = (): PageWay => ({
      up: way === 'down' ? undefined : [host],
      down: way === 'up' ? undefined : [host],
    });
    const sliders = new Sliders((faults) => this.#do({ do: 'set', network, faults, path: pathOf() }));
    const reset = this.#button('As configured', () => ({ do: 'reset', network, path: pathOf() }));
    const refresh = () => {
      sliders.show(this.#linkFaults(host, network, way), this.doing !== undefined && this.view.time === undefined);
      this.#plots.show(this.model.measurements.points(network, host));
    };
    const choice = h(
      'select',
      {
        'aria-label': 'Direction',
        onchange: () => {
          way = choice.value as Way;
          refresh();
        },
      },
      h('option', { value: 'both' }, 'both directions'),
      h('option', { value: 'up' }, `from ${host}`),
      h('option', { value: 'down' }, `to ${host}`),
    );
    this.#refresh = refresh;
    const isMeasured = this.doing !== undefined;
    const asked = faultsText(this.model.stateAt(undefined).networks[network]?.faults ?? {});
    const note = h(
      'p',
      { class: 'hint' },
      asked === '' ? 'Delays count once each way.' : `Besides those of ${network}: ${asked}`,
    );
    const faults = h(
      'fieldset',
      {},
      h('legend', {}, 'Its own faults'),
      choice,
      sliders.element,
      note,
      h('div', { class: 'actions' }, reset),
    );
    return [this.#heading(`${host} — ${network}`), ...(isMeasured ? [this.#plots.element] : []), faults];
  }

  #linkFaults(host: string, network: string, way: Way): PageFaults {
    const rules = this.model.stateAt(this.view.time).networks[network]?.rules ?? [];
    const cable = this.model.host(host)?.cables.find((each) => each.network === network);
    const ways = way === 'both' ? (['up', 'down'] as const) : ([way] as const);
    for (const each of ways) {
      const rule = rules.findLast(({ path }) => path[each]?.includes(host));
      if (rule) return rule.faults;
    }
    return cable?.[ways[0]!] ?? {};
  }
}

function detailsOf({ interfaces, routes, sockets, programs, mappings }: PageHostDetails): Node[] {
  const lists = {
    Interfaces: interfaces,
    Routes: routes,
    'NAT mappings': mappings,
    Sockets: sockets,
    Programs: programs,
  };
  return Object.entries(lists)
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => h('section', {}, h('h3', {}, title), h('pre', {}, lines.map(printable).join('\n'))));
}

function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
