import { IothError } from '../core/errors.js';

/** Returns the errno (positive) of a failed system call, for connect_ex. Throws any other error. */
export function errnoOf(error: unknown): number {
  if (error instanceof IothError && error.errno !== undefined) return -error.errno;
  throw error;
}
