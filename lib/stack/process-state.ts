import { readProcFile } from './proc-file.js';

/**
 * What a process does now, as far as it matters to who waits for it:
 * - 'busy': it runs, is about to, or is in the kernel and cannot be interrupted. It will come to it
 * - 'asleep': it waits for something
 * - 'locked': it waits for a lock, in futex(2)
 * - 'stopped': by a signal, or a debugger
 * - 'gone': it ended
 */
export type ProcessState = 'busy' | 'asleep' | 'locked' | 'stopped' | 'gone';

/** The number of futex(2), where Node runs. */
const FUTEX: Partial<Record<string, string>> = {
  x64: '202',
  arm64: '98',
  riscv64: '98',
  loong64: '98',
  ia32: '240',
  arm: '240',
};

/** Reads /proc/PID/stat, and /proc/PID/syscall where it may (proc_pid_stat(5), ptrace(2)). */
export function stateOfProcess(pid: number): ProcessState {
  const state = /\) (.)/.exec(readProcFile(pid, 'stat'))?.[1];
  switch (state) {
    case 'R':
    case 'D':
      return 'busy';
    case 'S':
    case 'I':
      return readProcFile(pid, 'syscall').split(' ', 1)[0] === FUTEX[process.arch] ? 'locked' : 'asleep';
    case 'T':
    case 't':
      return 'stopped';
    default:
      return 'gone';
  }
}
