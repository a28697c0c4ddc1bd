import type { CheckedDirections } from '../fabric/directions.js';
import type { LinkFaults } from '../fabric/faults.js';
import { faultTexts, type NetworkNow } from './topology/drawing.js';
import type { PageNetworkState, PageWay } from './web/protocol.js';

type Path = Partial<CheckedDirections>;

/** What a network of a lab is now: its faults, its cuts and its partition, for drawings. */
export class NetworkState implements NetworkNow {
  readonly #configured: LinkFaults;
  #faults: LinkFaults;
  #rules: readonly { readonly faults: LinkFaults; readonly path: Path }[] = [];
  #cuts: readonly Path[] = [];
  #groups: readonly (readonly string[])[] = [];

  /** @param faults the faults in the configuration */
  constructor(
    faults: LinkFaults,
    readonly hosts: readonly string[],
  ) {
    this.#configured = faults;
    this.#faults = faults;
  }

  get faults(): LinkFaults {
    return this.#faults;
  }

  /** Notes faults that were set. Those of all ways between hosts replace those of some of them. */
  set(faults: LinkFaults, path: Path): void {
    if (isAll(path)) {
      this.#faults = faults;
      this.#rules = this.#rules.filter((rule) => isOwnLink(rule.path));
    } else {
      const others = this.#rules.filter((rule) => pathText(rule.path) !== pathText(path));
      this.#rules = [...others, { faults, path }];
    }
  }

  /** Notes that faults are those of the configuration again. */
  reset(path: Path): void {
    if (isAll(path)) {
      this.#faults = this.#configured;
      this.#rules = [];
    } else if (isOwnLink(path)) this.#rules = this.#rules.filter((rule) => pathText(rule.path) !== pathText(path));
    else this.set(this.#configured, path);
  }

  cut(path: Path): void {
    this.#cuts = [...this.#cuts, path];
  }

  /** @param groups without the hosts that are in none */
  partition(groups: readonly (readonly string[])[]): void {
    this.#groups = groups;
  }

  heal(): void {
    this.#cuts = [];
    this.#groups = [];
  }

  /** Returns all of it as data. */
  get state(): PageNetworkState {
    const rules = this.#rules.map(({ faults, path }) => ({ faults: { ...faults }, path: wayOf(path) }));
    const groups = this.groups.length > 0 ? this.#groups : [];
    return { faults: { ...this.#faults }, rules, cuts: this.#cuts.map(wayOf), groups };
  }

  /** Returns the groups of a partition, also that of the hosts that are in none. */
  get groups(): readonly (readonly string[])[] {
    const grouped = this.#groups.flat();
    const all = [...this.#groups, this.hosts.filter((host) => !grouped.includes(host))];
    const groups = all.filter((group) => group.length > 0);
    return groups.length > 1 ? groups : [];
  }

  get isCut(): boolean {
    return this.#cuts.length > 0;
  }

  get notes(): string[] {
    const parts = this.groups.map((group) => group.join(' '));
    return [
      ...this.#rules.map(({ faults, path }) => `${pathText(path)}: ${faultTexts(faults).join(' ') || 'no faults'}`),
      ...new Set(this.#cuts.map((path) => `cut: ${pathText(path)}`)),
      ...(parts.length > 0 ? [`partition: ${parts.join(' | ')}`] : []),
    ];
  }
}

function isAll({ from, to, up, down }: Path): boolean {
  return !from && !to && !up && !down;
}

function isOwnLink({ up, down }: Path): boolean {
  return up !== undefined || down !== undefined;
}

function wayOf({ from, to, up, down }: Path): PageWay {
  return { from, to, up, down };
}

/** Returns a direction as text: 'from bob to gate', 'up alice'. */
export function pathText({ from, to, up, down }: Path): string {
  return Object.entries({ from, to, up, down })
    .flatMap(([name, hosts]) => (hosts ? [`${name} ${hosts.join(' ')}`] : []))
    .join(' ');
}
