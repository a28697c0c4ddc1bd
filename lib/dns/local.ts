import { AF_INET, AF_INET6, SOCK_DGRAM } from '../constants.js';
import type { Interface, InterfaceAddress } from '../netlink/index.js';
import { ipBytes, ipVersion } from './ip.js';
import type { NameHost } from './provider.js';
import type { SourceAddress } from './rfc6724.js';

const IFA_F_DEPRECATED = 0x20;
const IFF_LOOPBACK = 0x8;
/** Any: nothing is sent. glibc takes the same. */
const PROBE_PORT = 53;
/** Milliseconds for which what the stack said of its interfaces is taken as true. */
const FRESH = 100;

/** What only the stack itself knows of a look-up: from where it would send, and what addresses it has. */
export class LocalAddresses {
  #interfaces: Interface[] = [];
  #at = Number.NEGATIVE_INFINITY;

  constructor(readonly host: NameHost) {}

  /**
   * For each destination the address from which the stack would send to it, or null. The stack chooses it itself, as for
   * glibc: a UDP socket is connected, which sends nothing, and asked for its own address.
   */
  async sourcesOf(destinations: readonly string[]): Promise<(SourceAddress | null)[]> {
    const known = new Map<string, InterfaceAddress>(
      this.#current().flatMap(({ addresses }) => addresses.map((one) => [hexOf(one.address), one])),
    );
    return Promise.all(
      destinations.map(async (destination) => {
        const address = await this.#sourceOf(destination);
        if (address === null) return null;
        const found = known.get(hexOf(address));
        return {
          address,
          prefixLength: found?.prefixlen ?? (ipVersion(address) === 4 ? 32 : 128),
          deprecated: ((found?.flags ?? 0) & IFA_F_DEPRECATED) !== 0,
        };
      }),
    );
  }

  configuredFamilies(): { ipv4: boolean; ipv6: boolean } {
    const addresses = this.#current()
      .filter(({ flags }) => (flags & IFF_LOOPBACK) === 0)
      .flatMap((one) => one.addresses);
    const has = (family: string) => addresses.some((one) => one.family === family);
    return { ipv4: has('IPv4'), ipv6: has('IPv6') };
  }

  zoneIndex(zone: string): number | undefined {
    if (/^\d+$/.test(zone)) return Number(zone);
    try {
      return this.host.if_nametoindex(zone);
    } catch {
      return undefined;
    }
  }

  async #sourceOf(destination: string): Promise<string | null> {
    try {
      using socket = this.host.socket(ipVersion(destination) === 4 ? AF_INET : AF_INET6, SOCK_DGRAM);
      await socket.connect([destination, PROBE_PORT]);
      return socket.getsockname().address;
    } catch {
      return null;
    }
  }

  #current(): Interface[] {
    const now = performance.now();
    if (now - this.#at > FRESH) {
      this.#interfaces = this.host.interfaces();
      this.#at = now;
    }
    return this.#interfaces;
  }
}

function hexOf(address: string): string {
  return Buffer.from(ipBytes(address)).toString('hex');
}
