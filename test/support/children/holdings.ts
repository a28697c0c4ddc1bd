import { readdirSync, readFileSync } from 'node:fs';

/** How many descriptors the process has open. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** How many children it has, of all its threads. */
export function children(): number {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
  ).length;
}
