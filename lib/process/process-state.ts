import { exists } from '../core/kill.js';
import { readProcFile } from './proc-file.js';

/**
 * The state of a process, as far as it matters to a process that waits for it:
 * - 'busy': it runs, is about to run, or is in the kernel and cannot be interrupted. It will make progress
 * - 'asleep': it waits for an event
 * - 'locked': it waits for a lock, in futex(2)
 * - 'stopped': a signal or a debugger stopped it
 * - 'gone': it ended
 * - 'unknown': it exists, but its state cannot be read: no descriptor is free, or /proc hides it
 */
export type ProcessState = 'busy' | 'asleep' | 'locked' | 'stopped' | 'gone' | 'unknown';

/** The number of the system call futex(2), on the architectures of Node. */
const FUTEX: Partial<Record<string, string>> = {
  x64: '202',
  arm64: '98',
  riscv64: '98',
  loong64: '98',
  ia32: '240',
  arm: '240',
};

/** The states of proc_pid_stat(5). */
const STATES: Partial<Record<string, ProcessState>> = {
  R: 'busy',
  D: 'busy',
  S: 'asleep',
  I: 'asleep',
  T: 'stopped',
  t: 'stopped',
};

/** Returns the state of a process. Reads /proc/PID/stat and, if it may, /proc/PID/syscall (proc_pid_stat(5), ptrace(2)). */
export function stateOfProcess(pid: number): ProcessState {
  const letter = /\) (.)/.exec(readProcFile(pid, 'stat'))?.[1];
  if (letter === undefined) return exists(pid) ? 'unknown' : 'gone';
  const state = STATES[letter] ?? 'gone';
  const isLocked = state === 'asleep' && readProcFile(pid, 'syscall').split(' ', 1)[0] === FUTEX[process.arch];
  return isLocked ? 'locked' : state;
}

/** PF_EXITING of the kernel's include/linux/sched.h. */
const EXITING = 4;

/** Returns whether a process has begun to end, or is gone: it loses its memory, then its namespaces. Reads /proc/PID/stat. */
export function isEnding(pid: number): boolean {
  const flags = /\) (?:\S+ ){6}(\d+)/.exec(readProcFile(pid, 'stat'))?.[1];
  return flags === undefined ? !exists(pid) : (Number(flags) & EXITING) !== 0;
}
