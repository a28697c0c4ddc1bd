import { IPPROTO_ICMP } from '../../constants/index.js';
import { FrameRandom } from '../philox.js';
import type { NatPlan } from './options.js';

/** Ports below are for servers: a mapping has such a port only if the port inside is one too. RFC 4787, REQ-3. */
const FIRST_PORT = 1024;
const LAST_PORT = 65_535;
const MAX_HOSTS = 65_536;
/** Where sequential ports begin. */
const FIRST_SEQUENTIAL = 10_000;

/** Chooses the ports outside of a NAT. */
export class PortChoice {
  readonly #random: FrameRandom;
  /** The number of mappings that each host inside has had. */
  readonly #counts = new Map<number, number>();
  #next = FIRST_SEQUENTIAL;

  constructor(seed: number, name: string) {
    this.#random = new FrameRandom(seed, 'nat', name);
  }

  /** Forgets what was chosen. */
  clear(): void {
    this.#counts.clear();
    this.#next = FIRST_SEQUENTIAL;
  }

  /** Chooses a port. Returns -1 if none is free. */
  choose(plan: NatPlan, protocol: number, address: number, port: number, isFree: (port: number) => boolean): number {
    const isService = port < FIRST_PORT && protocol !== IPPROTO_ICMP;
    const first = isService ? 1 : protocol === IPPROTO_ICMP ? 0 : FIRST_PORT;
    const last = isService ? FIRST_PORT - 1 : LAST_PORT;
    if (this.#counts.size > MAX_HOSTS) this.#counts.clear();
    const count = this.#counts.get(address) ?? 0;
    this.#counts.set(address, count + 1);
    const isRight = (each: number) => (!plan.parity || each % 2 === port % 2) && isFree(each);
    let at = Math.max(first, Math.min(last, this.#first(plan, protocol, address, port, count, first, last)));
    for (let tries = last - first; tries >= 0; tries--) {
      if (isRight(at)) {
        if (plan.ports === 'sequential') this.#next = at + 1;
        return at;
      }
      at = at === last ? first : at + 1;
    }
    return -1;
  }

  /** Returns the port to try first. */
  #first(
    { ports }: NatPlan,
    protocol: number,
    address: number,
    port: number,
    count: number,
    first: number,
    last: number,
  ): number {
    if (ports === 'preserving') return port;
    if (ports === 'sequential') return this.#next > LAST_PORT ? FIRST_SEQUENTIAL : this.#next;
    this.#random.seek(count, address, protocol);
    return first + Math.floor(this.#random.at(0) * (last - first + 1));
  }
}
