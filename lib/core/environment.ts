import { existsSync } from 'node:fs';
import { IothError } from './errors.js';

/** @throws {IothError} ENOENT where proc(5) is not mounted: descriptors and the states of processes are known by it */
export function requireProc(syscall: string): void {
  if (existsSync('/proc/self/fd')) return;
  const hint = 'there is no proc(5) here, which ioth needs: mount -t proc proc /proc';
  throw new IothError('ENOENT', { syscall, address: '/proc', hint });
}
