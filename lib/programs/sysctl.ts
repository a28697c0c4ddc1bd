import type { SpawnOptions } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { IothError } from '../core/errors.js';
import { checkString, invalidType, invalidValue } from '../core/validate.js';
import { spawnIn, spawnSyncIn } from './launch.js';
import { entranceTo } from './namespace.js';

/** The time that the program of {@link writeSysctls} has: some milliseconds a setting on a machine that has nothing else to do. */
const BATCH_TIMEOUT_MS = 60_000;

/** A setting of sysctl(8): its name, and its file. */
interface Setting {
  readonly name: string;
  readonly file: string;
}

/**
 * Reads a setting. /proc/sys/net shows the namespace of the process that opens the file: a program inside the namespace does.
 * @param pid undefined for the namespace of this process
 */
export function readSysctl(pid: number | undefined, name: string): string {
  const setting = settingOf(name);
  const text =
    pid === undefined ? attempt(setting, () => readFileSync(setting.file, 'utf8')) : run(pid, setting, 'cat');
  return text.replace(/\n$/, '');
}

export function writeSysctl(pid: number | undefined, name: string, value: unknown): void {
  const setting = settingOf(name);
  const text = `${textOf(value)}\n`;
  if (pid === undefined) attempt(setting, () => writeFileSync(setting.file, text));
  else run(pid, setting, 'tee', text);
}

/** Values for settings of a namespace. */
export interface NamespaceSettings {
  /** A process in the namespace. */
  readonly pid: number;
  readonly settings: readonly (readonly [name: string, value: unknown])[];
}

/** Writes each value to the file before it. */
const WRITE_ALL = 'while [ $# -gt 0 ]; do printf "%s\\n" "$2" >"$1" || exit; shift 2; done';

/** Writes the settings of several namespaces, by one program. Returns false if one of them failed; those before it are written. */
export async function writeSysctls(namespaces: readonly NamespaceSettings[]): Promise<boolean> {
  const lines = namespaces.map(({ pid, settings }) => {
    const { file, args } = entranceTo(pid);
    const values = settings.flatMap(([name, value]) => [settingOf(name).file, textOf(value)]);
    const words = [file, ...args, '--net', '--', '/bin/sh', '-c', WRITE_ALL, 'sh', ...values];
    return `${words.map(quoted).join(' ')} || exit\n`;
  });
  const options: SpawnOptions = {
    env: { LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: BATCH_TIMEOUT_MS,
  };
  const shell = spawnIn(undefined, ['/bin/sh', [], options]);
  shell.stdin?.on('error', () => {}).end(lines.join(''));
  return await new Promise((resolve) => {
    shell.on('error', () => resolve(false)).on('exit', (code) => resolve(code === 0));
  });
}

/** Quotes a word for the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Parses a name as sysctl(8) does: the first of '.' and '/' is the separator; the other one stands for a dot in a kernel's name.
 */
function settingOf(name: string): Setting {
  const separator = /[./]/.exec(checkString('name', name))?.[0];
  const parts = name.split(separator ?? '.').map((part) => (separator === '.' ? part.replaceAll('/', '.') : part));
  const isName = (part: string) => !['', '.', '..'].includes(part);
  if (parts.length < 2 || parts[0] !== 'net' || !parts.every(isName)) {
    throw invalidValue('name', "a setting of the network, such as 'net.ipv4.ip_forward'", name);
  }
  return { name, file: `/proc/sys/${parts.join('/')}` };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') {
    if (/[\n\0]/.test(value)) throw invalidValue('value', 'one line', value);
    return value;
  }
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw invalidValue('value', 'an integer, a string or a boolean', value);
    return String(value);
  }
  throw invalidType('value', 'an integer, a string or a boolean', value);
}

function attempt<T>(setting: Setting, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failure(setting, (error as NodeJS.ErrnoException).code ?? 'EIO');
  }
}

/** Runs cat(1) or tee(1) in the namespace. Returns its output. */
function run(pid: number, setting: Setting, command: 'cat' | 'tee', input = ''): string {
  // the command is found by the default path: the PATH of this process does not matter
  const options = { input, env: { LC_ALL: 'C' }, encoding: 'utf8' };
  const { status, stdout, stderr, error } = spawnSyncIn(pid, [command, [setting.file], options]);
  if (error) throw failure(setting, (error as NodeJS.ErrnoException).code ?? 'EIO', error);
  if (status === 0) return String(stdout);
  throw failure(setting, codeIn(String(stderr)), new Error(String(stderr).trim()));
}

/** Returns the code of the error at the end of a message of coreutils, in the C locale. */
function codeIn(message: string): string {
  const text = message.trim().split(': ').at(-1)?.toLowerCase() ?? '';
  const found = [...getSystemErrorMap().values()].find(([, meaning]) => meaning.toLowerCase() === text);
  return found?.[0] ?? CODES_OF_GLIBC[text] ?? 'EIO';
}

/** Error texts of glibc that differ from libuv's. */
const CODES_OF_GLIBC: Partial<Record<string, string>> = {
  'numerical result out of range': 'ERANGE',
  'device or resource busy': 'EBUSY',
  'operation not supported': 'ENOTSUP',
};

function failure({ name }: Setting, code: string, cause?: unknown): IothError {
  return new IothError(code, { syscall: 'sysctl', address: name, hint: HINTS[code], cause });
}

const HINTS: Partial<Record<string, string>> = {
  ENOENT:
    "the stack has no such setting; write a dot in an interface's name as a slash: 'net.ipv4.conf.eth0/1.forwarding'",
  EINVAL: 'the kernel does not take this value',
  EACCES: 'it cannot be changed here',
  EPERM: 'it cannot be changed here',
  EROFS: '/proc/sys cannot be written on this machine',
};
