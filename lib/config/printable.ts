/** Text of a server for an error message: no control characters, not too long. */
export function printable(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 120);
}
