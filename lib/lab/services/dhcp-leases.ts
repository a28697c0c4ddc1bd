import { formatMac } from '../../address/mac.js';
import type { NetworkPlan } from '../topology/config.js';
import { cableFor } from '../topology/host-plan.js';
import { addressAt, type Prefix } from '../topology/prefix.js';
import type { Topology } from '../topology/topology.js';

interface Lease {
  readonly address: string;
  /** When the lease ends, in milliseconds of the clock. */
  readonly until: number;
}

/** The leases of a network's IPv4 addresses. Hosts and NATs of the lab have their own, other clients get the last free ones. */
export class DhcpLeases {
  readonly #prefix: Prefix;
  readonly #now: () => number;
  /** Leases by MAC. A declined address has a key of its own, so that no client gets it. */
  readonly #leases = new Map<string, Lease>();
  readonly #reserved = new Map<string, string>();
  readonly #reservedAddresses: ReadonlySet<string>;
  /** Addresses that were leased, and are free again. */
  readonly #returned: string[] = [];
  /** The position of the next address that was never leased. It counts down. */
  #next: bigint;
  /** No lease ends before this time. */
  #firstEnd = Number.POSITIVE_INFINITY;

  /** @param now the clock, in milliseconds */
  constructor(topology: Topology, network: NetworkPlan, prefix: Prefix, now: () => number = () => performance.now()) {
    this.#prefix = prefix;
    this.#now = now;
    this.#next = prefix.capacity;
    for (const host of topology.membersOf(network)) {
      const attachment = cableFor(host, network);
      const address = attachment?.addresses.get(prefix.family);
      if (attachment && address !== undefined) this.#reserved.set(attachment.mac, address);
    }
    const nats = [...topology.nats.values()].filter(({ outside }) => outside.network === network);
    this.#reservedAddresses = new Set([...this.#reserved.values(), ...nats.flatMap(({ addresses }) => addresses)]);
  }

  /** Leases an address to a client for `seconds`. Returns the address, or undefined if none is left. */
  lease(mac: Uint8Array, seconds: number): string | undefined {
    const key = formatMac(mac);
    const reserved = this.#reserved.get(key);
    if (reserved !== undefined) return reserved;
    const known = this.#leases.get(key);
    const address = known?.address ?? this.#free();
    // does not shorten a longer lease
    if (address !== undefined) this.#hold(key, address, Math.max(this.#now() + seconds * 1000, known?.until ?? 0));
    return address;
  }

  /** Returns the address that a client has, without a new lease. */
  addressOf(mac: Uint8Array): string | undefined {
    const key = formatMac(mac);
    return this.#reserved.get(key) ?? this.#leases.get(key)?.address;
  }

  release(mac: Uint8Array): void {
    this.#end(formatMac(mac));
  }

  /** Blocks the address of a client for `seconds`: another host uses it (RFC 2131, 4.3.3). */
  decline(mac: Uint8Array, seconds: number): void {
    const key = formatMac(mac);
    const lease = this.#leases.get(key);
    if (!lease) return;
    this.#leases.delete(key);
    this.#hold(`declined ${lease.address}`, lease.address, this.#now() + seconds * 1000);
  }

  #hold(key: string, address: string, until: number): void {
    this.#leases.set(key, { address, until });
    this.#firstEnd = Math.min(this.#firstEnd, until);
  }

  #end(key: string): void {
    const lease = this.#leases.get(key);
    if (!lease) return;
    this.#leases.delete(key);
    this.#returned.push(lease.address);
  }

  #free(): string | undefined {
    while (this.#returned.length === 0 && this.#next > 0n) {
      const address = addressAt(this.#prefix, this.#next--);
      if (!this.#reservedAddresses.has(address)) return address;
    }
    if (this.#returned.length === 0) this.#endOverdue();
    return this.#returned.pop();
  }

  /** Ends overdue leases. Looks through all leases only if one is overdue. */
  #endOverdue(): void {
    const now = this.#now();
    if (now < this.#firstEnd) return;
    this.#firstEnd = Number.POSITIVE_INFINITY;
    for (const [key, { until }] of this.#leases) {
      if (until <= now) this.#end(key);
      else this.#firstEnd = Math.min(this.#firstEnd, until);
    }
  }
}
