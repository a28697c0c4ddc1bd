import { IPPROTO_ICMP } from '../../constants/inet.js';
import { FrameRandom } from '../philox.js';
import type { NatPlan } from './options.js';

/** Ports below are for servers: a mapping has such a port only if the port inside is one too. RFC 4787, REQ-3. */
const FIRST_PORT = 1024;
const LAST_PORT = 65_535;
const MAX_HOSTS = 65_536;
const TWO_TO_32 = 0x1_0000_0000;
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

  /** Chooses a port for an endpoint inside. Returns -1 if none is free. */
  choose(plan: NatPlan, protocol: number, address: number, port: number, isFree: (port: number) => boolean): number {
    const [first, last] = rangeOf(protocol, port);
    const count = last - first + 1;
    const isRight = (each: number) => (!plan.parity || each % 2 === port % 2) && isFree(each);
    const start = this.#start(plan, protocol, address, port) - first + count;
    for (let i = 0; i < count; i++) {
      const each = first + ((start + i) % count);
      if (!isRight(each)) continue;
      if (plan.ports === 'sequential' && each >= FIRST_PORT)
        this.#next = each === LAST_PORT ? FIRST_SEQUENTIAL : each + 1;
      return each;
    }
    return -1;
  }

  /** Returns the port to try first, or any number for a place in the range of ports. */
  #start({ ports }: NatPlan, protocol: number, address: number, port: number): number {
    if (ports === 'preserving') return port;
    return ports === 'sequential' ? this.#next : this.#draw(protocol, address);
  }

  /** Returns a random number for the next mapping of a host. */
  #draw(protocol: number, address: number): number {
    if (this.#counts.size > MAX_HOSTS) this.#counts.clear();
    const count = this.#counts.get(address) ?? 0;
    this.#counts.set(address, count + 1);
    this.#random.seek(count, address, protocol);
    return Math.floor(this.#random.at(0) * TWO_TO_32);
  }
}

/** Returns the ports outside that a port inside may have; identifiers of pings have no classes. */
function rangeOf(protocol: number, port: number): [first: number, last: number] {
  if (protocol === IPPROTO_ICMP) return [0, LAST_PORT];
  return port < FIRST_PORT ? [1, FIRST_PORT - 1] : [FIRST_PORT, LAST_PORT];
}
