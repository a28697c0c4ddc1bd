import { readdirSync } from 'node:fs';
import { children as childrenOfProcess, isZombie } from '../processes.js';

/** How many descriptors the process has open. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** How many children it has, of all its threads; those of a worker that was terminated stay as zombies. */
export function children(zombies = true): number {
  return childrenOfProcess().filter((pid) => zombies || !isZombie(pid)).length;
}
