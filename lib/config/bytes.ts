import { ipText } from '../address/ip.js';

/** A cursor over bytes that came from the network. Reading past the end gives null and moves nothing. */
export class Reader {
  #offset = 0;

  constructor(readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.#offset;
  }

  u8(): number | null {
    return this.#number(1);
  }

  u16(): number | null {
    return this.#number(2);
  }

  u32(): number | null {
    return this.#number(4);
  }

  /** A time in seconds, as DHCP and neighbour discovery write it: all ones are for ever. */
  seconds(): number | null {
    const seconds = this.u32();
    return seconds === 0xffffffff ? Number.POSITIVE_INFINITY : seconds;
  }

  /** The IPv6 addresses up to the end, but for those that no server can have. */
  ipv6Hosts(): string[] {
    const hosts: string[] = [];
    for (let address = this.take(16); address; address = this.take(16)) {
      if (address[0] !== 0xff && address.some((byte) => byte !== 0)) hosts.push(ipText(address));
    }
    return hosts;
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array | null {
    if (length > this.left) return null;
    const start = this.#offset;
    this.#offset += length;
    return this.bytes.subarray(start, start + length);
  }

  rest(): Uint8Array {
    return this.take(this.left)!;
  }

  #number(size: number): number | null {
    const bytes = this.take(size);
    return bytes ? exactNumber(bytes, size) : null;
  }
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** The number in the first `size` bytes, big-endian; null where there are fewer or more. */
export function exactNumber(bytes: Uint8Array, size: number): number | null {
  return bytes.length === size ? bytes.reduce((value, byte) => value * 256 + byte, 0) : null;
}

/** The address of a network: zeros after the prefix. */
export function withoutHostBits(address: Uint8Array, prefixlen: number): Uint8Array {
  return address.map((byte, i) => byte & (0xff << (8 - Math.min(8, Math.max(0, prefixlen - 8 * i)))));
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
