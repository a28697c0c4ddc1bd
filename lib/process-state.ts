import { readFileSync } from 'node:fs';

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
  const state = /\) (.)/.exec(read(pid, 'stat'))?.[1];
  switch (state) {
    case 'R':
    case 'D':
      return 'busy';
    case 'S':
    case 'I':
      return read(pid, 'syscall').split(' ', 1)[0] === FUTEX[process.arch] ? 'locked' : 'asleep';
    case 'T':
    case 't':
      return 'stopped';
    default:
      return 'gone';
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
