import { type BigIntStats, lstatSync } from 'node:fs';

/** lstat(2): undefined where nothing is there, or nothing can be seen. What was there a moment ago may be something else now. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** What tells a file from every other, of later times too: an inode's number is used again. */
export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`;
}
