import { existsSync } from 'node:fs';
import { IothError } from './errors.js';

/**
 * Checks that proc(5) is mounted: ioth reads descriptors and process states from it.
 * @throws {IothError} ENOENT
 */
export function requireProc(syscall: string): void {
  if (existsSync('/proc/self/fd')) return;
  const hint = 'proc(5) is not mounted, and ioth needs it: mount -t proc proc /proc';
  throw new IothError('ENOENT', { syscall, address: '/proc', hint });
}
