import koffi from 'koffi';
import type { StackPointer } from './ioth.js';
import { loadLibrary } from './loader.js';

type Callback<T> = (error: Error | null, result: T) => void;

/** The functions of libiothconf for an existing stack; see iothconf(3). Each may block for seconds. */
export interface Libiothconf {
  config(stack: StackPointer, config: string): number;
  /** Runs `config` on a worker thread. */
  config_async(stack: StackPointer, config: string, callback: Callback<number>): void;
  /** Returns null if nothing changed (errno 0), and on failure. C's string is freed after it was copied. */
  resolvconf(stack: StackPointer, config: string): string | null;
}

let library: Libiothconf | undefined;

/**
 * Returns libiothconf, which is loaded at the first call.
 * @throws {LibraryNotFoundError} if it is not installed
 */
export function libiothconf(): Libiothconf {
  library ??= bind();
  return library;
}

function bind(): Libiothconf {
  const lib = loadLibrary('iothconf');
  // without a function as argument, koffi frees the string by free(3)
  const text = koffi.disposable('char *') as unknown as string;
  const config = lib.func('ioth_config', 'int', ['void *', 'const char *']);
  return {
    config,
    config_async: config.async,
    resolvconf: lib.func('ioth_resolvconf', text, ['void *', 'const char *']),
  };
}
