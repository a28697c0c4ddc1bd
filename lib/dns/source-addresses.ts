import { libioth } from '../../ffi/ioth.js';
import { familyOf, ipBytes } from '../address/ip.js';
import { IFF_LOOPBACK, SOCK_DGRAM } from '../constants/index.js';
import type { Interface, InterfaceAddress } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';
import type { ResolverStack } from './resolver-stack.js';
import type { SourceAddress } from './rfc6724.js';

const IFA_F_DEPRECATED = 0x20;
/** Any: nothing is sent. glibc takes the same. */
const PROBE_PORT = 53;
/** For so long what the stack said of its interfaces is taken as true. */
const INTERFACE_CACHE_MS = 100;
/** `struct sockaddr` of AF_UNSPEC: connecting to it dissolves a connection. */
const UNSPECIFIED = Buffer.alloc(16);

/** What only the stack itself knows of a look-up: from where it would send, and what addresses it has. */
export class SourceAddresses {
  #interfaces: Interface[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  /** Open for one turn of the loop: look-ups that end together share them. */
  readonly #probes = new Map<number, Socket>();

  constructor(readonly stack: ResolverStack) {}

  /**
   * For each destination the address from which the stack would send to it, or null. The stack chooses it itself, as for
   * glibc: a UDP socket is connected, which sends nothing, and asked for its own address.
   */
  sourcesOf(destinations: readonly string[]): (SourceAddress | null)[] {
    const known = new Map<string, InterfaceAddress>(
      this.#current().flatMap(({ addresses }) => addresses.map((one) => [one.address, one])),
    );
    return destinations.map((destination) => {
      const address = this.#sourceOf(destination);
      if (address === null) return null;
      const found = known.get(address);
      return {
        address,
        prefixLength: found?.prefixlen ?? ipBytes(address).length * 8,
        deprecated: ((found?.flags ?? 0) & IFA_F_DEPRECATED) !== 0,
      };
    });
  }

  configuredFamilies(): ReadonlySet<number> {
    const configured = this.#current().filter(({ flags }) => (flags & IFF_LOOPBACK) === 0);
    return new Set(configured.flatMap(({ addresses }) => addresses.map(({ address }) => familyOf(address))));
  }

  zoneIndex(zone: string): number | undefined {
    if (/^\d+$/.test(zone)) return Number(zone);
    try {
      return this.stack.if_nametoindex(zone);
    } catch {
      return undefined;
    }
  }

  #sourceOf(destination: string): string | null {
    const family = familyOf(destination);
    try {
      const probe = this.#probe(family);
      probe.sync.connect([destination, PROBE_PORT]);
      const { address } = probe.getsockname();
      // else the next destination would get the same source; a stack that can't do it gets a new socket
      if (libioth().connect(probe.fileno(), UNSPECIFIED, UNSPECIFIED.length) < 0) this.#closeProbe(family);
      return address;
    } catch {
      this.#closeProbe(family);
      return null;
    }
  }

  #probe(family: number): Socket {
    const open = this.#probes.get(family);
    if (open && !open.closed) return open;
    const socket = this.stack.socket(family, SOCK_DGRAM);
    this.#probes.set(family, socket);
    setImmediate(() => this.#closeProbe(family));
    return socket;
  }

  #closeProbe(family: number): void {
    this.#probes.get(family)?.close();
    this.#probes.delete(family);
  }

  #current(): Interface[] {
    const now = performance.now();
    if (now - this.#readAt > INTERFACE_CACHE_MS) {
      this.#interfaces = this.stack.interfaces();
      this.#readAt = now;
    }
    return this.#interfaces;
  }
}
