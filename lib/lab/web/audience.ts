import type { ServerResponse } from 'node:http';
import type { NatMapping } from '../../fabric/nat/mapping.js';
import type { LabNat } from '../nat.js';
import type { PageMessage } from './protocol.js';
import { pageBatchOf, type ShownLab, startOf } from './shown-lab.js';
import type { Terminals } from './terminals.js';

/** How many pages may be open. */
const MAX_CLIENTS = 16;
/** A page that has not taken this many bytes misses frames and counts until it has. */
const MAX_UNTAKEN = 4 * 1024 * 1024;
/** A page that has not taken this many is sent away; it comes back by itself. */
const MAX_WAITING = 4 * MAX_UNTAKEN;

/** A page that is open. */
export interface Client {
  readonly number: number;
  readonly response: ServerResponse;
  /** What it gets once it has begun; undefined from then on. */
  waiting: string[] | undefined;
  /** Its terminals; undefined before the first one. */
  terminals: Terminals | undefined;
}

/** The pages that are open. The networks show frames only while there is one. */
export class Audience {
  readonly #clients = new Map<number, Client>();
  #lastNumber = 0;
  #stops: (() => Promise<void> | void)[] = [];
  /** The starting and stopping of what is shown, one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(readonly shown: ShownLab) {}

  client(number: number): Client | undefined {
    return this.#clients.get(number);
  }

  /** Adds a page, which gets server-sent events. */
  async join(response: ServerResponse): Promise<void> {
    if (this.#isClosed || this.#clients.size >= MAX_CLIENTS) {
      response.destroy();
      return;
    }
    const client: Client = { number: ++this.#lastNumber, response, waiting: [], terminals: undefined };
    response.on('close', () => this.#leave(client));
    // before the first await, so that the page misses no event
    const start = startOf(this.shown, { isLive: true });
    this.#clients.set(client.number, client);
    this.#update();
    try {
      const text = textOf({ start: { ...(await start), client: client.number } });
      // with the messages of the time in which it was made
      response.write(text + client.waiting!.join(''));
      client.waiting = undefined;
    } catch {
      response.destroy();
    }
  }

  /** Sends to one page. */
  send(client: Client, message: PageMessage): void {
    write(client, textOf(message), MAX_WAITING);
  }

  /** Ends all pages. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const client of [...this.#clients.values()]) {
      client.response.end();
      this.#leave(client);
    }
    await this.#queue;
  }

  #leave(client: Client): void {
    client.terminals?.closeAll();
    if (this.#clients.delete(client.number)) this.#update();
  }

  #update(): void {
    this.#queue = this.#queue.then(async () => {
      const isShown = this.#stops.length > 0;
      if (this.#clients.size > 0 && !isShown) await this.#show();
      if (this.#clients.size === 0 && isShown) for (const stop of this.#stops.splice(0)) await stop();
    });
    // a lab that is closing
    this.#queue = this.#queue.catch(() => {});
  }

  async #show(): Promise<void> {
    const { lab, log } = this.shown;
    this.#stops.push(log.listen((event) => this.#sendAll({ event })));
    for (const host of Object.values(lab.hosts)) {
      if (host.state.nat !== undefined) this.#stops.push(this.#listen(host.name, host.nat));
    }
    for (const network of Object.values(lab.networks)) {
      const stop = await network.show((batch) => this.#sendAll({ batch: pageBatchOf(network.name, batch) }));
      this.#stops.push(stop);
    }
  }

  #listen(host: string, nat: LabNat): () => void {
    const { log } = this.shown;
    const note = (what: string) => (mapping: NatMapping) =>
      log.happened('nat', `${host}: ${mapping.protocol} ${mapping.inside} → ${mapping.outside} ${what}`);
    const [onMade, onEnd] = [note('made'), note('ended')];
    nat.on('mapping', onMade);
    nat.on('mappingEnd', onEnd);
    return () => {
      nat.off('mapping', onMade);
      nat.off('mappingEnd', onEnd);
    };
  }

  /** Sends the same text to all. A page that is behind misses what only shows more. */
  #sendAll(message: PageMessage): void {
    const text = textOf(message);
    const room = 'batch' in message ? MAX_UNTAKEN : MAX_WAITING;
    for (const client of this.#clients.values()) write(client, text, room);
  }
}

function write({ response, waiting }: Client, text: string, room: number): void {
  if (waiting) waiting.push(text);
  else if (response.writableLength > MAX_WAITING) response.destroy();
  else if (response.writableLength <= room) response.write(text);
}

/** Returns a message as a server-sent event. JSON has no line breaks. */
function textOf(message: PageMessage): string {
  return `data: ${JSON.stringify(message)}\n\n`;
}
