import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { libioth, type StackPointer } from '../../ffi/index.js';

/** A vdestack made through ffi alone, and its daemon: the process whose network namespace the stack is. */
export interface RawStack {
  stack: StackPointer;
  pid: number;
}

export function newRawStack(vnl = 'null://'): RawStack {
  const before = new Set(children());
  const stack = libioth().newstack('vdestack', vnl);
  if (stack === null) throw new Error(`no vdestack on ${vnl}`);
  const pid = children().find((child) => !before.has(child));
  if (pid === undefined) throw new Error('the vdestack has no daemon');
  return { stack, pid };
}

/** What `ip -json ARGS` prints inside the network namespace of `pid`. */
export function ip<T = Record<string, unknown>>(pid: number, ...args: string[]): T[] {
  const text = inNamespace(pid, 'ip', '-json', ...args);
  return text.trim() === '' ? [] : JSON.parse(text);
}

/** What a command prints inside the network namespace of `pid`. */
export function inNamespace(pid: number, command: string, ...args: string[]): string {
  const flags = process.getuid?.() === 0 ? ['-n'] : ['-U', '--preserve-credentials', '-n'];
  return execFileSync('nsenter', ['-t', String(pid), ...flags, command, ...args], { encoding: 'utf8' });
}

function children(): number[] {
  return readFileSync('/proc/thread-self/children', 'utf8').split(' ').filter(Boolean).map(Number);
}
