import { type BigIntStats, lstatSync, readFileSync } from 'node:fs';

/** Calls lstat(2). Returns undefined if nothing is there or can be seen. Another file may be there a moment later. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** Returns a text that identifies a file for all time. The inode number alone does not: it is reused. */
export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`;
}

/** Returns the text of a file in UTF-8; '' if it cannot be read. */
export function textIfReadable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
