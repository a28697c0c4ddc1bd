import { readFileSync } from 'node:fs';

/** A file of proc(5) of a process: '' where it may not be read, or the process is gone. */
export function readProcFile(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
