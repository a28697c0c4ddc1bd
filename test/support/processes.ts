import { readdirSync, readFileSync } from 'node:fs';

/**
 * The children of every thread of this process, without those that tsx makes where a worker thread loads sources for the first
 * time. A thread that ends meanwhile has none any more.
 */
export function children(): number[] {
  return readdirSync('/proc/self/task')
    .flatMap((thread) => textOf(`/proc/self/task/${thread}/children`).split(' '))
    .filter(Boolean)
    .map(Number)
    .filter((pid) => textOf(`/proc/${pid}/comm`) !== 'esbuild\n')
    .sort((a, b) => a - b);
}

/** Whether a process has ended and nobody has waited for it. */
export function isZombie(pid: number): boolean {
  return /\) Z /.test(textOf(`/proc/${pid}/stat`));
}

/** Empty where the thread or process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
