import { readdirSync, readFileSync } from 'node:fs';

/** How many descriptors the process has open. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** How many children it has, of all its threads; those of a worker that was terminated stay as zombies. */
export function children(zombies = true): number {
  return readdirSync('/proc/self/task')
    .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean))
    .filter((pid) => zombies || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))).length;
}
