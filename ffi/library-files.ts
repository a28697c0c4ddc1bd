import { basename } from 'node:path';
import koffi from 'koffi';
import { mappedPath } from './mapped-path.js';

/** The path of a shared library on this machine, or the reason why dlopen(3) does not open it. */
export type LibraryFile = { readonly path: string } | { readonly path: undefined; readonly reason: string };

/** Returns the file of the first candidate, a name or a path, that dlopen(3) opens. The library stays open. */
export function findLibraryFile(candidates: readonly string[]): LibraryFile {
  let reason = 'nothing to try';
  for (const candidate of candidates) {
    try {
      koffi.load(candidate);
      return { path: mappedPath(basename(candidate).replace(/\.so.*$/, '.so')) ?? candidate };
    } catch (error) {
      reason = error instanceof Error ? error.message.replace(/^Failed to load shared library: /, '') : String(error);
    }
  }
  return { path: undefined, reason: reason.trim() };
}
