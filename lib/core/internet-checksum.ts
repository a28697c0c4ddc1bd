/** Computes the Internet checksum (RFC 1071); 0 for bytes that include their correct checksum. */
export function checksum(bytes: Uint8Array): number {
  return ~fold(wordSum(bytes, 0, bytes.length)) & 0xffff;
}

/** Returns the sum of the 16-bit words of some bytes, with all its carries. */
export function wordSum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i += 2) sum += (bytes[i]! << 8) | (i + 1 < end ? bytes[i + 1]! : 0);
  return sum;
}

/** Adds the carries of a sum to it until it has 16 bits. */
export function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** Returns a checksum after words of what it covers were replaced, by the sums of both: RFC 1624, equation 3. */
export function updatedChecksum(checksum: number, before: number, after: number): number {
  return ~fold((~checksum & 0xffff) + (~fold(before) & 0xffff) + after) & 0xffff;
}
