import { printable } from '../core/printable.js';

/** Text of a server for an error message: printable, not too long. */
export function serverText(bytes: Uint8Array): string {
  return printable(Buffer.from(bytes).toString('utf8').trim()).slice(0, 120);
}
