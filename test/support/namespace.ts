import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { libioth, type StackPointer } from '../../ffi/index.js';
import { entranceTo } from '../../lib/programs/namespace.js';

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
  const [file = '', ...way] = intoNamespace(pid);
  return execFileSync(file, [...way, command, ...args], { encoding: 'utf8' });
}

/** The command in front of a program that runs it in the network namespace of a stack's daemon, with the rights of its root. */
export function intoNamespace(pid: number): string[] {
  const { file, args } = entranceTo(pid);
  return [file, ...args, '--net'];
}

function children(): number[] {
  return readFileSync('/proc/thread-self/children', 'utf8').split(' ').filter(Boolean).map(Number);
}
