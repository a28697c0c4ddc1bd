import type { Ipv4Packet } from './ipv4-packet.js';

/** How long the other fragments of a packet are expected. */
const LIFETIME_MS = 15_000;
const MAX_PACKETS = 512;
const MAX_HELD = 128;

/** Fragments of packets whose first fragment, which alone has ports, decides about all. They may come before it: RFC 4787, REQ-14. */
export class Fragments<Decision> {
  readonly #decisions = new Map<string, { decision: Decision; until: number }>();
  #held: { key: string; frame: Buffer; until: number }[] = [];

  keyOf({ source, destination, identification, protocol }: Ipv4Packet): string {
    return `${source} ${destination} ${identification} ${protocol}`;
  }

  /** Stores the decision about the packet of a first fragment. */
  decide(key: string, decision: Decision, now: number): void {
    if (this.#decisions.size >= MAX_PACKETS) {
      for (const [known, { until }] of this.#decisions) if (until <= now) this.#decisions.delete(known);
    }
    if (this.#decisions.size >= MAX_PACKETS) this.#decisions.clear();
    this.#decisions.set(key, { decision, until: now + LIFETIME_MS });
  }

  decisionOn(key: string, now: number): Decision | undefined {
    const known = this.#decisions.get(key);
    return known && known.until > now ? known.decision : undefined;
  }

  /** Keeps a fragment until the first one comes. Returns false if too many are kept. */
  hold(key: string, frame: Buffer, length: number, now: number): boolean {
    if (this.#held.length >= MAX_HELD) this.#held = this.#held.filter(({ until }) => until > now);
    if (this.#held.length >= MAX_HELD) return false;
    this.#held.push({ key, frame: Buffer.from(frame.subarray(0, length)), until: now + LIFETIME_MS });
    return true;
  }

  /** Returns the fragments that have waited for a decision, and forgets them. */
  released(key: string): Buffer[] {
    if (this.#held.length === 0) return [];
    const released = this.#held.filter((each) => each.key === key);
    this.#held = this.#held.filter((each) => each.key !== key);
    return released.map(({ frame }) => frame);
  }

  clear(): void {
    this.#decisions.clear();
    this.#held = [];
  }
}
