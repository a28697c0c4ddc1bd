import type { PageStats } from '../lib/lab/web/protocol.js';

/** The length of a point of the plots, and how many there are: five minutes. */
const STEP_MS = 1000;
const MAX_POINTS = 300;

/** What passed on the link of a host in a second. */
export interface Point {
  /** In seconds since 1970. */
  readonly time: number;
  /** Bits a second from the host, and to it. */
  readonly up: number;
  readonly down: number;
  /** The share of the frames from the host that were dropped. */
  readonly loss: number;
  /** The mean time that frames from the host took to their receivers, in milliseconds; null for none. */
  readonly delay: number | null;
}

/** The link of a host to a network. */
class LinkMeasurement {
  readonly points: Point[] = [];
  #last: { time: number; up: number; down: number; frames: number; dropped: number } | undefined;
  #delays = 0;
  #delayed = 0;

  counted(time: number, { received, sent, dropped }: PageStats[string]): void {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    const now = { time, up: received.bytes, down: sent.bytes, frames: received.frames, dropped: lost };
    const last = this.#last;
    if (last && time - last.time < STEP_MS) return;
    this.#last = now;
    if (!last) return;
    const seconds = (time - last.time) / 1000;
    const frames = now.frames - last.frames;
    this.points.push({
      time: time / 1000,
      up: ((now.up - last.up) * 8) / seconds,
      down: ((now.down - last.down) * 8) / seconds,
      loss: frames > 0 ? Math.min(1, (now.dropped - last.dropped) / frames) : 0,
      delay: this.#delayed > 0 ? this.#delays / this.#delayed : null,
    });
    this.#delays = 0;
    this.#delayed = 0;
    if (this.points.length > MAX_POINTS) this.points.shift();
  }

  arrived(delay: number): void {
    // the clocks of two threads differ a little
    this.#delays += Math.max(0, delay);
    this.#delayed++;
  }
}

/** What the links do, measured. */
export class Measurements {
  readonly #links = new Map<string, LinkMeasurement>();

  #link(network: string, host: string): LinkMeasurement {
    const key = `${network} ${host}`;
    let link = this.#links.get(key);
    if (!link) {
      link = new LinkMeasurement();
      this.#links.set(key, link);
    }
    return link;
  }

  counted(network: string, time: number, ports: PageStats): void {
    for (const [host, stats] of Object.entries(ports)) this.#link(network, host).counted(time, stats);
  }

  arrived(network: string, from: string, _time: number, delay: number): void {
    this.#link(network, from).arrived(delay);
  }

  points(network: string, host: string): readonly Point[] {
    return this.#link(network, host).points;
  }

  last(network: string, host: string): Point | undefined {
    return this.#link(network, host).points.at(-1);
  }
}
