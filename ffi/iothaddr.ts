import { loadLibrary } from './loader.js';

/** The functions that libiothaddr exports; see iothaddr.h. `addr` has 16 bytes (changed in place), `mac` has 6. */
export interface Libiothaddr {
  hash(addr: Uint8Array, name: string, passwd: string | null, otiptime: number): void;
  hashmac(mac: Uint8Array, name: string, passwd: string | null): void;
  eui64(addr: Uint8Array, mac: Uint8Array): void;
  hasheui64(addr: Uint8Array, name: string, passwd: string | null): void;
}

let library: Libiothaddr | undefined;

/**
 * Returns libiothaddr, which is loaded at the first call.
 * @throws {LibraryNotFoundError} if it is not installed
 */
export function libiothaddr(): Libiothaddr {
  library ??= bind();
  return library;
}

function bind(): Libiothaddr {
  const lib = loadLibrary('iothaddr');
  const name = 'const char *';
  return {
    hash: lib.func('iothaddr_hash', 'void', ['void *', name, name, 'uint32_t']),
    hashmac: lib.func('iothaddr_hashmac', 'void', ['void *', name, name]),
    eui64: lib.func('iothaddr_eui64', 'void', ['void *', 'void *']),
    hasheui64: lib.func('iothaddr_hasheui64', 'void', ['void *', name, name]),
  };
}
