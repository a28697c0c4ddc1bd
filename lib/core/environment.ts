import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IothError } from './errors.js';

/** @throws {IothError} ENOENT where proc(5) is not mounted: descriptors and the states of processes are known by it */
export function requireProc(syscall: string): void {
  if (existsSync('/proc/self/fd')) return;
  const hint = 'there is no proc(5) here, which ioth needs: mount -t proc proc /proc';
  throw new IothError('ENOENT', { syscall, address: '/proc', hint });
}

/**
 * A new directory for temporary files; its name begins with `prefix`.
 * @throws {IothError} ENOENT, EACCES …
 */
export function makeTemporaryDirectory(prefix: string): string {
  try {
    return mkdtempSync(join(tmpdir(), prefix));
  } catch (cause) {
    const { code = 'EIO' } = cause as NodeJS.ErrnoException;
    const hint = 'no temporary files can be made there: TMPDIR names another directory';
    throw new IothError(code, { syscall: 'mkdtemp', address: tmpdir(), hint, cause });
  }
}
