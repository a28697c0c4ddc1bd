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

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
