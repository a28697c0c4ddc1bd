import koffi from 'koffi';
import type { StackPointer } from './ioth.js';

/** What libioth and ioth_vdestack remember of a stack, as far as it could be read. */
export interface VdestackMemory {
  pid: number;
  parentPid: number;
  /** Where the two ends of the command pipe may stand: `pthread_mutex_t` in front of them has 40 or 48 bytes. */
  pipes: [appside: number, daemonside: number][];
}

/**
 * Reads `struct vdestack` of libioth 0.1.2: `pid_t pid, parentpid; int noif; pthread_mutex_t mutex; int cmdpipe[2]; …`.
 * It is C's own and no header tells it: check what you get. Only for a stack of the plugin 'vdestack'.
 */
export function readVdestack(stack: StackPointer): VdestackMemory {
  // struct ioth starts with void *handle, *stackdata
  const data = BigInt(koffi.decode(stack, 8, 'uint64_t') as number | bigint);
  const words: Int32Array = koffi.decode(data, 'int', 18) as unknown as Int32Array;
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

/**
 * Reads `_Atomic unsigned int count` of libioth 0.1.2's `struct ioth`, behind `void *handle, *stackdata`: how many sockets it
 * counts on a stack. No header tells it either.
 */
export function readSocketCount(stack: StackPointer): number {
  return koffi.decode(stack, 16, 'uint32_t') as number;
}
