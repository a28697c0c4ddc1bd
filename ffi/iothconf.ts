import koffi from 'koffi';
import type { StackPointer } from './ioth.js';
import { loadLibrary } from './loader.js';

type Callback<T> = (error: Error | null, result: T) => void;

/** The functions of libiothconf on a stack that is there; see iothconf(3). Each may block for seconds. */
export interface Libiothconf {
  config(stack: StackPointer, config: string): number;
  /** The same on a worker thread. */
  config_async(stack: StackPointer, config: string, callback: Callback<number>): void;
  /** The string is freed once it was copied. Null where nothing changed (errno 0), and on failure. */
  resolvconf(stack: StackPointer, config: string): string | null;
}

let library: Libiothconf | undefined;

/**
 * libiothconf, loaded at the first call.
 * @throws {LibraryNotFoundError} where it is not on the machine
 */
export function libiothconf(): Libiothconf {
  library ??= bind();
  return library;
}

function bind(): Libiothconf {
  const lib = loadLibrary('iothconf');
  // without a function of its own, koffi frees by the C library's free
  const text = koffi.disposable('char *') as unknown as string;
  const config = lib.func('ioth_config', 'int', ['void *', 'const char *']);
  return {
    config,
    config_async: config.async,
    resolvconf: lib.func('ioth_resolvconf', text, ['void *', 'const char *']),
  };
}
