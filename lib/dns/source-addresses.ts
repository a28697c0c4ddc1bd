import { libioth } from '../../ffi/ioth.js';
import { familyOf, ipBytes } from '../address/ip.js';
import { IFF_LOOPBACK } from '../constants/packet.js';
import { SOCK_DGRAM } from '../constants/socket.js';
import type { Interface, InterfaceAddress } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';
import type { SourceAddress } from './rfc6724.js';
import type { StackInterface } from './stack-interface.js';

const IFA_F_DEPRECATED = 0x20;
/** Any port would do: nothing is sent. glibc uses the same. */
const PROBE_PORT = 53;
/** How long the list of interfaces is cached. */
const INTERFACE_CACHE_MS = 100;
/** `struct sockaddr` of AF_UNSPEC: connect(2) to it dissolves a connection. */
const UNSPECIFIED = Buffer.alloc(16);

/** Facts that a look-up needs from the stack: its source address for a destination, and its own addresses. */
export class SourceAddresses {
  #interfaces: Interface[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  /** Probe sockets, open for one turn of the event loop: look-ups that end together share them. */
  readonly #probes = new Map<number, Socket>();

  constructor(readonly stack: StackInterface) {}

  /**
   * Returns, for each destination, the address from which the stack would send to it, or null. As in glibc, the stack
   * chooses it: connects a UDP socket, which sends nothing, and reads the socket's own address.
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

  /** Returns the families that have an address on an interface other than loopback (AI_ADDRCONFIG). */
  configuredFamilies(): ReadonlySet<number> {
    const configured = this.#current().filter(({ flags }) => (flags & IFF_LOOPBACK) === 0);
    return new Set(configured.flatMap(({ addresses }) => addresses.map(({ address }) => familyOf(address))));
  }

  /** Returns the interface index of a zone ('vde0', '3'); undefined if there is no such interface. */
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
      // dissolve the connection: else the next destination gets the same source. If the stack can't, take a new socket
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
