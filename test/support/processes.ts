import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readProcFile } from '../../lib/process/proc-file.js';
import { until } from './until.js';

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

/** The threads of this process, by the numbers that they have in /proc. */
export function threads(): number[] {
  return readdirSync('/proc/self/task').map(Number);
}

/** The descriptors that this process has open: '12 -> socket:[345]'. */
export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} -> ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      // the descriptor of this very listing
      return [];
    }
  });
}

/** Whether a process has ended and nobody has waited for it. */
export function isZombie(pid: number): boolean {
  return /\) Z /.test(textOf(`/proc/${pid}/stat`));
}

/** Whether a process has ended, though nobody may have waited for it. */
export function isGone(pid: number): boolean {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat === '' || /\) Z /.test(stat);
}

/** The process that another one started: script(1) starts what is at its terminal. */
export function childOf(pid: number): number {
  return Number(textOf(`/proc/${pid}/task/${pid}/children`).split(' ', 1)[0]);
}

/** A line for each thread of a process and of its children, for the message about one that hangs: state, and where it waits. */
export function whereabouts(pid: number): string[] {
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // it has just ended
  }
  const read = (thread: string, file: string) => readProcFile(`${pid}/task/${thread}`, file).trim();
  const lines = threads.map((thread) => {
    const [, name, state] = /\((.*)\) (.)/s.exec(read(thread, 'stat')) ?? [];
    return `${pid}/${thread} ${name} ${state} in ${read(thread, 'wchan')}, system call ${read(thread, 'syscall')}`;
  });
  const children = threads.flatMap((thread) => read(thread, 'children').split(' ').filter(Boolean));
  return [...lines, ...children.flatMap((child) => whereabouts(Number(child)))];
}

/** poll(2) and ppoll(2) where Node runs: x64, arm64, arm. Node's own loop waits in epoll_pwait(2). */
const POLL = /^(7|271|73|168|336) /;

/** Waits until a process is blocked in poll(2), as in a call of a `sync` view. */
export async function untilItPolls(pid: number): Promise<void> {
  await until(`process ${pid} waits in poll(2)`, () => POLL.test(textOf(`/proc/${pid}/syscall`)));
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
