import type { StackPointer } from './ioth.js';
import { libc, scratch } from './libc.js';

/** The fields of a stack that were read from the memory of libioth and ioth_vdestack. */
export interface VdestackMemory {
  pid: number;
  parentPid: number;
  /** Candidates for the two ends of the command pipe: the `pthread_mutex_t` before them has 40 or 48 bytes. */
  pipes: [appside: number, daemonside: number][];
}

// struct ioth of libioth 0.1.2: void *handle, *stackdata; _Atomic unsigned int count; …
const STACKDATA_OFFSET = 8n;
const COUNT_OFFSET = 16n;

const address = scratch(BigUint64Array, 1);
const words = scratch(Int32Array, 18);
const count = scratch(Uint32Array, 1);

/**
 * Reads `struct vdestack` of libioth 0.1.2: `pid_t pid, parentpid; int noif; pthread_mutex_t mutex; int cmdpipe[2]; …`.
 * No header declares this struct: check the result. Use it only on a stack of the plugin 'vdestack'.
 */
export function readVdestack(stack: StackPointer): VdestackMemory {
  libc().memcpy(address, stack + STACKDATA_OFFSET, address.byteLength);
  libc().memcpy(words, address[0] ?? 0n, words.byteLength);
  const word = (index: number) => words[index] ?? -1;
  return {
    pid: word(0),
    parentPid: word(1),
    pipes: [
      [word(14), word(15)],
      [word(16), word(17)],
    ],
  };
}

/** Returns the number of sockets that libioth 0.1.2 counts on a stack. No header declares this field either. */
export function readSocketCount(stack: StackPointer): number {
  libc().memcpy(count, stack + COUNT_OFFSET, count.byteLength);
  return count[0] ?? 0;
}
