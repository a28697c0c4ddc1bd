import { readFileSync } from 'node:fs';

/** Returns the text of a file in UTF-8; '' if it cannot be read. */
export function textIfReadable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
