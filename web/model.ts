import type {
  PageBatch,
  PageEvent,
  PageFrame,
  PageHost,
  PageLab,
  PageNetwork,
  PageStart,
  PageState,
} from '../lib/lab/web/protocol.js';
import { Conversations, type TcpNotes } from './conversations.js';
import { type Decoded, decode } from './decode/frame.js';
import { Measurements } from './measurements.js';

/** How many frames and events are kept. */
const MAX_FRAMES = 6000;
const MAX_EVENTS = 1000;

/** A frame on a network. */
export interface Frame {
  /** Its place in the order in which frames were learned. */
  readonly id: number;
  readonly network: string;
  readonly mark: number;
  readonly time: number;
  readonly from: string;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly decoded: Decoded;
  readonly tcp: TcpNotes | undefined;
  comment: string | undefined;
  readonly arrivals: (readonly [host: string, time: number])[];
}

/** What is known of the lab: as it was made, as it changes, and its frames. */
export class Model {
  lab: PageLab = { seed: 0, networks: [], hosts: [] };
  isLive = false;
  client = 0;
  test: PageStart['test'];
  /** In the order of time. */
  frames: Frame[] = [];
  events: PageEvent[] = [];
  /** How many frames passed that are not shown. */
  passedOver = 0;
  readonly measurements = new Measurements();
  #now: PageState = { networks: {}, hosts: {} };
  #first: PageState = this.#now;
  #byMark = new Map<string, Frame>();
  #names = new Map<string, string>();
  #macs = new Map<string, string>();
  #conversations = new Conversations();
  #lastId = 0;

  /** Begins, or begins again after a break. */
  start(start: PageStart): void {
    const { lab, isLive, client = 0, test, state, events, frames } = start;
    Object.assign(this, { lab, isLive, client, test, frames: [], events: [], passedOver: 0 });
    this.#conversations = new Conversations();
    this.#byMark.clear();
    this.#now = state;
    this.#first = events.find((event) => event.state)?.state ?? state;
    this.#learnNames();
    for (const event of events) this.addEvent(event);
    for (const frame of frames) this.#addFrame(frame, true);
    // what passes before the first batch is not shown
    for (const { name } of lab.networks) this.#conversations.missed(name);
    this.#now = state;
    for (const [network, ports] of Object.entries(start.stats)) this.measurements.counted(network, start.time, ports);
  }

  addBatch({ network, time, frames, arrivals, notes, passedOver, stats }: PageBatch): void {
    const isComplete = passedOver === 0;
    for (const frame of frames) this.#addFrame(frame, isComplete);
    if (!isComplete) this.#conversations.missed(network);
    for (const [mark, host, when] of arrivals) this.#arrive(this.#find(network, mark), host, when);
    for (const [mark, text] of notes) this.#note(this.#find(network, mark), text);
    this.passedOver += passedOver;
    this.measurements.counted(network, time, stats);
    this.#forget();
  }

  addEvent(event: PageEvent): void {
    insert(this.events, event);
    if (event.state) this.#now = event.state;
    if (this.events.length > MAX_EVENTS) this.events.splice(0, this.events.length - MAX_EVENTS);
  }

  /** Returns how the lab was at a time, or is now. */
  stateAt(time: number | undefined): PageState {
    if (time === undefined) return this.#now;
    const before = this.events.findLast((event) => event.state && event.time <= time);
    return before?.state ?? this.#first;
  }

  /** The times of the first and last thing that is known. */
  get span(): [number, number] {
    const times = [this.frames[0]?.time, this.frames.at(-1)?.time, this.events[0]?.time, this.events.at(-1)?.time];
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? [Date.now(), Date.now()] : [Math.min(...known), Math.max(...known)];
  }

  host(name: string): PageHost | undefined {
    return this.lab.hosts.find((host) => host.name === name);
  }

  network(name: string): PageNetwork | undefined {
    return this.lab.networks.find((network) => network.name === name);
  }

  /** Returns the host that has an address, else the address. */
  nameOf(address: string): string {
    return this.#names.get(address) ?? address;
  }

  /** Returns whom a frame is for on its network; undefined if it is for more than one. */
  receiverOf({ network, decoded }: Pick<Frame, 'network' | 'decoded'>): string | undefined {
    return this.#macs.get(`${network} ${decoded.toMac}`);
  }

  #learnNames(): void {
    this.#names.clear();
    this.#macs.clear();
    for (const { name, cables, nat } of this.lab.hosts) {
      for (const { network, mac, addresses } of cables) {
        for (const address of addresses) this.#names.set(address, name);
        this.#macs.set(`${network} ${mac.toLowerCase()}`, name);
      }
      for (const address of nat?.addresses ?? []) this.#names.set(address, name);
    }
  }

  #find(network: string, mark: number): Frame | undefined {
    return this.#byMark.get(`${network} ${mark}`);
  }

  #addFrame({ network, mark, of, time, from, length, bytes, comment, arrivals }: PageFrame, isComplete: boolean): void {
    if (of !== undefined) {
      const first = this.#find(network, of);
      if (first && comment !== undefined) this.#note(first, comment);
      if (first) return;
    }
    if (this.#find(network, mark)) return;
    const all = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    const decoded = decode(all);
    const tcp = this.#conversations.follow(network, decoded, isComplete);
    const frame: Frame = {
      id: ++this.#lastId,
      network,
      mark,
      time,
      from,
      length,
      bytes: all,
      decoded,
      tcp,
      comment,
      arrivals: [],
    };
    insert(this.frames, frame);
    this.#byMark.set(`${network} ${mark}`, frame);
    for (const [host, when] of arrivals) this.#arrive(frame, host, when);
    for (const event of this.#conversations.eventsOf(frame, (address) => this.nameOf(address))) this.addEvent(event);
  }

  #arrive(frame: Frame | undefined, host: string, time: number): void {
    if (!frame) return;
    frame.arrivals.push([host, time]);
    this.measurements.arrived(frame.network, frame.from, time, time - frame.time);
  }

  #note(frame: Frame | undefined, text: string): void {
    if (frame) frame.comment = frame.comment === undefined ? text : `${frame.comment}; ${text}`;
  }

  #forget(): void {
    if (this.frames.length <= MAX_FRAMES) return;
    for (const { network, mark } of this.frames.splice(0, this.frames.length - MAX_FRAMES)) {
      this.#byMark.delete(`${network} ${mark}`);
    }
  }
}

/** Puts something where its time is, mostly at the end: networks send theirs in turn. */
function insert<T extends { readonly time: number }>(list: T[], item: T): void {
  let at = list.length;
  while (at > 0 && list[at - 1]!.time > item.time) at--;
  if (at === list.length) list.push(item);
  else list.splice(at, 0, item);
}
