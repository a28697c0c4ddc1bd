import { readFileSync } from 'node:fs';

/** Reads a file of proc(5) of a process. Returns '' if it may not be read, or if the process is gone. */
export function readProcFile(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
