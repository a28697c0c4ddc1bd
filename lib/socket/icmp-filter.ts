/**
 * Makes an ICMP filter of `size` bytes that passes one type of message, since a set bit blocks a type: 4 bytes for raw(7), 32 for
 * IPv6 (RFC 3542, 3.2).
 */
export function icmpFilter(type: number, size: 4 | 32): Uint8Array {
  const words = new Uint32Array(size / 4).fill(0xffffffff);
  words[type >> 5]! &= ~(1 << (type & 31));
  return new Uint8Array(words.buffer);
}
