import { ipText, netmaskOf } from '../address/ip.js';
import { printable } from '../core/printable.js';

/** Cursor over bytes from the network. Reading past the end returns null and does not move the cursor. */
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

  /** Reads a time in seconds in the format of DHCP and neighbour discovery: all ones mean Infinity. */
  seconds(): number | null {
    const seconds = this.u32();
    return seconds === 0xffffffff ? Number.POSITIVE_INFINITY : seconds;
  }

  /** Reads the IPv6 addresses up to the end; skips those that no server can have (multicast and ::). */
  ipv6Hosts(): string[] {
    const hosts: string[] = [];
    for (let address = this.take(16); address; address = this.take(16)) {
      if (address[0] !== 0xff && address.some((byte) => byte !== 0)) hosts.push(ipText(address));
    }
    return hosts;
  }

  /** Takes the next bytes, as a view and not a copy. */
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

/** Writes a time as {@link Reader.seconds} reads it. */
export function seconds(value: number): Uint8Array {
  return u32(Math.min(value, 0xffffffff));
}

/** Converts text from a server for an error message: printable, at most 120 characters. */
export function serverText(bytes: Uint8Array): string {
  return printable(Buffer.from(bytes).toString('utf8').trim()).slice(0, 120);
}

/** Returns the big-endian number in `bytes`; null if their length is not `size`. */
export function exactNumber(bytes: Uint8Array, size: number): number | null {
  return bytes.length === size ? bytes.reduce((value, byte) => value * 256 + byte, 0) : null;
}

/** Returns the network address: zeros after the prefix. */
export function withoutHostBits(address: Uint8Array, prefixlen: number): Uint8Array {
  const mask = netmaskOf(address.length, prefixlen);
  return address.map((byte, i) => byte & mask[i]!);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
