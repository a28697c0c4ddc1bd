import { readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import koffi from 'koffi';

/** Where a shared library is on this machine, or why dlopen(3) does not open it. */
export type LibraryFile = { readonly path: string } | { readonly path: undefined; readonly reason: string };

/** Opens the first of these that dlopen(3) opens, by name or path, and says which file that is. It stays open. */
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

/** The file behind an open library: the kernel knows it, which 'libioth.so.0' is a link to. */
function mappedPath(file: string): string | undefined {
  const stem = file.replace(/\.so.*$/, '.so');
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const start = line.indexOf('/');
    if (start >= 0 && line.slice(start).includes(`/${stem}`)) return realpathSync(line.slice(start));
  }
  return undefined;
}
