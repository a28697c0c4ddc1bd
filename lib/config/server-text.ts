import { printable } from '../core/printable.js';

/** Converts text from a server for an error message: printable, at most 120 characters. */
export function serverText(bytes: Uint8Array): string {
  return printable(Buffer.from(bytes).toString('utf8').trim()).slice(0, 120);
}
