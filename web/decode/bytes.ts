/** Bytes of a frame. What is behind their end reads as 0, and `isCut` tells it. */
export class Bytes {
  constructor(readonly all: Uint8Array) {}

  get length(): number {
    return this.all.length;
  }

  u8(at: number): number {
    return this.all[at] ?? 0;
  }

  u16(at: number): number {
    return (this.u8(at) << 8) | this.u8(at + 1);
  }

  u32(at: number): number {
    return this.u16(at) * 0x10000 + this.u16(at + 2);
  }

  /** Returns bytes as hexadecimal digits, with something between them. */
  hex(from: number, to: number, between = ''): string {
    return Array.from(this.all.subarray(from, to), (byte) => byte.toString(16).padStart(2, '0')).join(between);
  }

  /** Returns bytes as the characters of Latin-1. */
  text(from: number, to: number): string {
    return String.fromCharCode(...this.all.subarray(from, to));
  }
}

export function macText(bytes: Bytes, at: number): string {
  return bytes.hex(at, at + 6, ':');
}

/** Returns an address of 4 or 16 bytes as text. */
export function addressText(bytes: Bytes, at: number, length: number): string {
  if (length === 4) return Array.from({ length }, (_, i) => bytes.u8(at + i)).join('.');
  const words = Array.from({ length: 8 }, (_, i) => bytes.u16(at + 2 * i).toString(16));
  // RFC 5952: the longest run of zeros, of two or more
  let [start, run] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === '0') end++;
    if (end - i > run) [start, run] = [i, end - i];
  }
  if (start < 0) return words.join(':');
  return `${words.slice(0, start).join(':')}::${words.slice(start + run).join(':')}`;
}
