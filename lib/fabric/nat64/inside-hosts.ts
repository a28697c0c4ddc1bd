import { ipText } from '../../address/ip.js';
import { isNat64Address, NAT64_BYTES } from '../../address/nat64-address.js';

/** The most hosts of a network that have an IPv4 address at the same time. */
const MAX_HOSTS = 4096;
/** The addresses of a /16, without the first and the last one. */
const ADDRESSES = 65_534;

/** A host with IPv6. */
interface InsideHost {
  readonly bytes: Buffer;
  /** The IPv4 address that stands for it in the router, as a number. */
  readonly address: number;
  /** The MAC that its last frame came from. */
  readonly mac: Buffer;
}

/** The hosts of a network inside of a NAT64, and the IPv4 addresses that stand for them while the router carries their packets. */
export class InsideHosts {
  /** By IPv6 address, the one that was heard of last at the end. */
  readonly #byBytes = new Map<string, InsideHost>();
  readonly #byAddress = new Map<number, InsideHost>();

  /** @param base the first address of a /16 */
  constructor(readonly base: number) {}

  get size(): number {
    return this.#byBytes.size;
  }

  has(address: number): boolean {
    return address >= this.base && address - this.base <= ADDRESSES;
  }

  /** Notes the sender of a frame, whose IPv6 address is at an offset. If there are too many, the one that was silent longest is forgotten. */
  note(frame: Buffer, at: number): void {
    const key = keyOf(frame, at);
    const known = this.#byBytes.get(key);
    if (known) {
      this.#byBytes.delete(key);
      frame.copy(known.mac, 0, 6, 12);
    } else if (this.#byBytes.size >= MAX_HOSTS) {
      const [oldest] = this.#byBytes.values();
      this.#forget(oldest!);
    }
    this.#byBytes.set(key, known ?? this.#make(frame, at));
  }

  #forget({ bytes, address }: InsideHost): void {
    this.#byBytes.delete(keyOf(bytes, 0));
    this.#byAddress.delete(address);
  }

  /** Gives a host the address with the last two bytes of its own, or the next free one: the same in each run. */
  #make(frame: Buffer, at: number): InsideHost {
    let place = Math.max(1, frame.readUInt16BE(at + 14) % (ADDRESSES + 1));
    while (this.#byAddress.has(this.base + place)) place = (place % ADDRESSES) + 1;
    const address = this.base + place;
    const host = {
      bytes: Buffer.from(frame.subarray(at, at + 16)),
      address,
      mac: Buffer.from(frame.subarray(6, 12)),
    };
    this.#byAddress.set(address, host);
    return host;
  }

  /** Returns the MAC of the host that an IPv4 address stands for. */
  macOf(address: number): Buffer | undefined {
    return this.#byAddress.get(address)?.mac;
  }

  /** Returns the IPv6 address that an IPv4 address stands for, as text. */
  textOf(address: number): string | undefined {
    const host = this.#byAddress.get(address);
    return host && ipText(host.bytes);
  }

  /** Returns the IPv4 address, as a number, of an IPv6 address at an offset; -1 if it has none. */
  toIpv4(bytes: Buffer, at: number): number {
    if (isNat64Address(bytes, at)) return bytes.readUInt32BE(at + 12);
    return this.#byBytes.get(keyOf(bytes, at))?.address ?? -1;
  }

  /** Writes the IPv6 address of an IPv4 address. Returns false if it has none. */
  toIpv6(address: number, into: Buffer, at: number): boolean {
    if (this.has(address)) return (this.#byAddress.get(address)?.bytes.copy(into, at) ?? 0) > 0;
    into.set(NAT64_BYTES, at);
    into.writeUInt32BE(address, at + 12);
    return true;
  }
}

function keyOf(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + 16);
}
