import { readFileSync } from 'node:fs';

/** What this thread had of a processor since it began, in milliseconds: others may have the machine meanwhile. */
export function processorTime(): number {
  const [nanoseconds] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
  return Number(nanoseconds) / 1e6;
}
