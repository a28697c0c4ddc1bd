import { checkString, invalidValue } from '../../core/validate.js';
import type { LabHost } from '../host.js';
import type { LabNetwork } from '../network.js';
import { currentNetwork } from '../topology/host-plan.js';
import type { Audience, Client } from './audience.js';
import { hostDetails } from './host-details.js';
import type { PageAction } from './protocol.js';
import type { ShownLab } from './shown-lab.js';
import { Terminals } from './terminals.js';

type ActionOf<D extends PageAction['do']> = Extract<PageAction, { do: D }>;

/** Does what a page asks for. The methods of the lab check it. */
export class Actions {
  readonly #table: { readonly [D in PageAction['do']]: (action: ActionOf<D>) => unknown };

  constructor(
    readonly shown: ShownLab,
    readonly audience: Audience,
  ) {
    const { lab } = shown;
    this.#table = {
      set: ({ network, faults, path }) => this.#network(network).set(faults, path),
      reset: ({ network, path }) => this.#network(network).reset(path),
      cut: ({ network, a, b }) => this.#network(network).cut(a, b),
      partition: ({ network, groups }) => this.#network(network).partition(...groups),
      heal: ({ network }) => (network === undefined ? lab.heal() : this.#network(network).heal()),
      down: ({ host }) => lab.down(host),
      up: ({ host }) => lab.up(host),
      restart: ({ host }) => lab.restart(host).then(() => undefined),
      move: ({ host, network }) => move(this.#host(host), network),
      flush: ({ host }) => this.#host(host).nat.flush(),
      host: ({ host }) => hostDetails(this.#host(host)),
      open: (action) => this.#open(action),
      type: ({ client, terminal, text }) => this.#terminals(client).type(terminal, checkString('text', text)),
      resize: ({ client, terminal, ...size }) => this.#terminals(client).resize(terminal, size),
      close: ({ client, terminal }) => this.#terminals(client).close(terminal),
    };
  }

  /** @returns what the page gets as the answer @throws {Error} for what is not possible */
  async act(action: PageAction): Promise<unknown> {
    const name = (action as { do?: unknown } | null)?.do;
    if (typeof name !== 'string' || !Object.hasOwn(this.#table, name)) throw invalidValue('do', 'an action', name);
    return await (this.#table[name as PageAction['do']] as (action: PageAction) => unknown)(action);
  }

  #open({ client: number, host, columns, rows }: ActionOf<'open'>): { terminal: number } {
    const client = this.#client(number);
    client.terminals ??= new Terminals((terminal, text) =>
      this.audience.send(client, text === undefined ? { terminal, ended: true } : { terminal, output: text }),
    );
    return { terminal: client.terminals.open(this.#host(host), { columns, rows }) };
  }

  #terminals(client: number): Terminals {
    const { terminals } = this.#client(client);
    if (terminals) return terminals;
    throw invalidValue('client', 'a page with a terminal', client);
  }

  #client(number: number): Client {
    const client = this.audience.client(number);
    if (client) return client;
    throw invalidValue('client', 'a page that is open', number);
  }

  #network(name: string): LabNetwork {
    return named('network', this.shown.lab.networks, name);
  }

  #host(name: string): LabHost {
    return named('host', this.shown.lab.hosts, name);
  }
}

function named<T>(kind: string, all: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(all, checkString(kind, name))) return all[name]!;
  throw invalidValue(kind, `a ${kind} of the lab (${Object.keys(all).join(', ')})`, name);
}

function move(host: LabHost, to: string): Promise<void> {
  return host.move(currentNetwork(host.state.plan).name, to);
}
