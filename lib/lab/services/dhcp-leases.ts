import { formatMac } from '../../address/mac.js';
import { membersOf, type NetworkPlan, type Topology } from '../topology/plan.js';
import { addressAt, type Prefix } from '../topology/prefix.js';

interface Lease {
  readonly address: string;
  /** Until then it is the client's, in milliseconds of the clock. */
  readonly until: number;
}

/** Which client has which IPv4 address of a network: the lab's hosts have their own, others the last that are free. */
export class DhcpLeases {
  readonly #prefix: Prefix;
  readonly #now: () => number;
  /** By MAC. An address that somebody else uses is leased to no client, by a key of its own. */
  readonly #leases = new Map<string, Lease>();
  readonly #reserved = new Map<string, string>();
  readonly #reservedAddresses: ReadonlySet<string>;
  /** Addresses that were leased, and are free again. */
  readonly #returned: string[] = [];
  /** Where the addresses begin that were never leased. */
  #next: bigint;
  /** No lease ends before. */
  #firstEnd = Number.POSITIVE_INFINITY;

  /** @param now the clock, in milliseconds */
  constructor(topology: Topology, network: NetworkPlan, prefix: Prefix, now: () => number = () => performance.now()) {
    this.#prefix = prefix;
    this.#now = now;
    this.#next = prefix.capacity;
    for (const host of membersOf(network, topology.hosts)) {
      const attachment = host.attachments.find((each) => each.network === network);
      const address = attachment?.addresses.get(prefix.family);
      if (attachment && address !== undefined) this.#reserved.set(attachment.mac, address);
    }
    this.#reservedAddresses = new Set(this.#reserved.values());
  }

  /** Returns the address of a client, which it keeps for so many seconds; undefined where there is none left. */
  lease(mac: Uint8Array, seconds: number): string | undefined {
    const key = formatMac(mac);
    const reserved = this.#reserved.get(key);
    if (reserved !== undefined) return reserved;
    const known = this.#leases.get(key);
    const address = known?.address ?? this.#free();
    // what was promised for longer stays so
    if (address !== undefined) this.#hold(key, address, Math.max(this.#now() + seconds * 1000, known?.until ?? 0));
    return address;
  }

  /** Returns the address that a client has, without a lease. */
  addressOf(mac: Uint8Array): string | undefined {
    const key = formatMac(mac);
    return this.#reserved.get(key) ?? this.#leases.get(key)?.address;
  }

  release(mac: Uint8Array): void {
    this.#end(formatMac(mac));
  }

  /** Another host uses the address of a client (RFC 2131, 4.3.3): nobody has it for so many seconds. */
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

  /** Looks through all leases, but only where one has ended. */
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
