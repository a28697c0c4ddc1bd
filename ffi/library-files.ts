import { readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import koffi from 'koffi';

/** The path of a shared library on this machine, or the reason why dlopen(3) does not open it. */
export type LibraryFile = { readonly path: string } | { readonly path: undefined; readonly reason: string };

/** Returns the file of the first candidate, a name or a path, that dlopen(3) opens. The library stays open. */
export function findLibraryFile(candidates: readonly string[]): LibraryFile {
  let reason = 'nothing to try';
  for (const candidate of candidates) {
    try {
      koffi.load(candidate);
      return { path: mappedPath(basename(candidate)) ?? candidate };
    } catch (error) {
      reason = error instanceof Error ? error.message.replace(/^Failed to load shared library: /, '') : String(error);
    }
  }
  return { path: undefined, reason: reason.trim() };
}

/** Returns the real file of an open library, from the kernel's list of mappings: 'libioth.so.0' is only a link. */
function mappedPath(file: string): string | undefined {
  const stem = file.replace(/\.so.*$/, '.so');
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const start = line.indexOf('/');
    if (start >= 0 && line.slice(start).includes(`/${stem}`)) return realpathSync(line.slice(start));
  }
  return undefined;
}
