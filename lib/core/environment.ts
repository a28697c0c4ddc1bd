import { existsSync } from 'node:fs';
import { checkRuntime } from '../../ffi/runtime.js';
import { IothError } from './errors.js';

/**
 * Checks that ioth can run here, and that proc(5) is mounted: ioth reads descriptors and process states from it.
 * @throws {UnsupportedRuntimeError}
 * @throws {IothError} ENOENT
 */
export function checkEnvironment(syscall: string): void {
  checkRuntime();
  if (existsSync('/proc/self/fd')) return;
  const hint = 'proc(5) is not mounted, and ioth needs it: mount -t proc proc /proc';
  throw new IothError('ENOENT', { syscall, address: '/proc', hint });
}
