import { checkInteger } from '../core/validate.js';

const MAX_THREADS = 64;

/** Checks a number of threads that forward. */
export function checkThreads(name: string, threads: unknown): number {
  return checkInteger(name, threads, 1, MAX_THREADS);
}
