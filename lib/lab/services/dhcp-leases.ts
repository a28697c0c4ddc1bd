import { formatMac } from '../../address/mac.js';
import { membersOf, type NetworkPlan, type Topology } from '../topology/plan.js';
import { addressAt, type Prefix } from '../topology/prefix.js';

/** Who has which IPv4 address of a network: the lab's hosts their own, others the last that are free. */
export class DhcpLeases {
  readonly #prefix: Prefix;
  /** By MAC. */
  readonly #addresses = new Map<string, string>();
  readonly #reserved: ReadonlySet<string>;
  readonly #declined = new Set<string>();

  constructor(topology: Topology, network: NetworkPlan, prefix: Prefix) {
    this.#prefix = prefix;
    for (const host of membersOf(network, topology.hosts)) {
      const attachment = host.attachments.find((each) => each.network === network);
      const address = attachment?.addresses.get(prefix.family);
      if (attachment && address !== undefined) this.#addresses.set(attachment.mac, address);
    }
    this.#reserved = new Set(this.#addresses.keys());
  }

  /** The address of a client, which it keeps; undefined where there is none left. */
  addressOf(mac: Uint8Array): string | undefined {
    const key = formatMac(mac);
    const address = this.#addresses.get(key) ?? this.#free();
    if (address !== undefined) this.#addresses.set(key, address);
    return address;
  }

  release(mac: Uint8Array): void {
    const key = formatMac(mac);
    if (!this.#reserved.has(key)) this.#addresses.delete(key);
  }

  /** Somebody else uses it (RFC 2131, 4.3.3). */
  decline(mac: Uint8Array): void {
    const address = this.#addresses.get(formatMac(mac));
    if (address !== undefined && !this.#reserved.has(formatMac(mac))) this.#declined.add(address);
    this.release(mac);
  }

  #free(): string | undefined {
    const taken = new Set([...this.#addresses.values(), ...this.#declined]);
    for (let position = this.#prefix.capacity; position > 0n; position--) {
      const address = addressAt(this.#prefix, position);
      if (!taken.has(address)) return address;
    }
    return undefined;
  }
}
