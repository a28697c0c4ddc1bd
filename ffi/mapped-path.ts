import { readFileSync, realpathSync } from 'node:fs';

/** Returns the real file of an open library, from the kernel's list of mappings: 'libioth.so.0' is only a link to it. */
export function mappedPath(stem: string): string | undefined {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const start = line.indexOf('/');
    if (start >= 0 && line.slice(start).includes(`/${stem}`)) return realpathSync(line.slice(start));
  }
  return undefined;
}
