import child_process, {
  type ChildProcess,
  type SpawnOptions,
  type SpawnSyncOptions,
  type SpawnSyncReturns,
} from 'node:child_process';
import { checkEach, checkOptions, checkString, invalidType, invalidValue } from '../core/validate.js';
import { CHILD_VARIABLE, ON_HOST } from '../node/children.js';
import { whyNotExecutable } from '../process/executable.js';
import { type Entrance, entranceTo } from './namespace.js';
import { type OwnNames, warnOfNames } from './own-names.js';

/** The arguments of child_process.spawn: command, args?, options?. */
export type SpawnArguments = [command: string, ...rest: unknown[]];

/** The files to run instead of nsenter(1), so that it fails as the program would. */
const FAILING: Partial<Record<string, string>> = { EACCES: '/dev/null', ENOTDIR: '/dev/null/none' };
const MISSING = '/proc/none';

/** Returns the names that a program has of its stack, if it has any. */
export type NamesOf = (entrance: Entrance) => OwnNames | undefined;

/** A program, as requested and as run. */
interface Launch {
  readonly asked: { readonly file: string; readonly args: readonly string[] };
  readonly file: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
}

/**
 * Calls child_process.spawn in the network namespace of a process.
 * @param pid undefined for the namespace of this process
 */
export function spawnIn(pid: number | undefined, parameters: SpawnArguments, names?: NamesOf): ChildProcess {
  const { asked, file, args, options } = prepare(pid, parameters, names);
  const child = child_process.spawn(file, args, options);
  // Node reads these to report that the program could not be run
  return Object.assign(child, { spawnfile: asked.file, spawnargs: [asked.file, ...asked.args] });
}

/** Calls child_process.spawnSync in the network namespace of a process. */
export function spawnSyncIn(
  pid: number | undefined,
  parameters: SpawnArguments,
  names?: NamesOf,
): SpawnSyncReturns<Buffer | string> {
  const { asked, file, args, options } = prepare(pid, parameters, names);
  const result = child_process.spawnSync(file, args, options as SpawnSyncOptions);
  if (result.error) {
    const { file: path, args: spawnargs } = asked;
    const syscall = `spawnSync ${path}`;
    const message = result.error.message.replace(`spawnSync ${file}`, () => syscall);
    Object.assign(result.error, { message, syscall, path, spawnargs });
  }
  return result;
}

function prepare(pid: number | undefined, parameters: SpawnArguments, names?: NamesOf): Launch {
  const [command, args, given] = split(parameters);
  const [asked, options] = withoutShell(command, args, withEnvironment(given));
  if (pid === undefined) return { asked, ...asked, options };
  if (options.argv0 !== undefined) {
    throw invalidValue('options.argv0', 'undefined: a program in a stack has its own name', options.argv0);
  }
  const failure = whyNotExecutable(asked.file, options.env?.PATH, cwdOf(options));
  if (failure) return { asked, file: FAILING[failure] ?? MISSING, args: [], options };
  const entrance = entranceTo(pid);
  const [identity, others] = entrance.isPrivileged ? splitIdentity(options) : [[], options];
  const way = [...entrance.args, '--net', ...wayToNames(names?.(entrance), cwdOf(options)), ...identity];
  return { asked, file: entrance.file, args: [...way, '--', asked.file, ...asked.args], options: others };
}

function wayToNames(names: OwnNames | undefined, cwd: string | undefined): string[] {
  try {
    return names?.entrance(cwd) ?? [];
  } catch (error) {
    // a directory that is not there is reported as child_process does
    if (cwd === undefined || (error as NodeJS.ErrnoException).code === 'EACCES') warnOfNames((error as Error).message);
    return [];
  }
}

function split([command, ...rest]: SpawnArguments): [command: string, args: string[], options: SpawnOptions] {
  if (checkString('command', command) === '') throw invalidValue('command', 'the name or path of a program', command);
  const [first, second] = rest;
  const isList = first === undefined || first === null || Array.isArray(first);
  if (!isList && (second !== undefined || typeof first !== 'object')) {
    throw invalidType('args', 'an array of strings', first);
  }
  const args = ((isList && first) || []) as unknown[];
  const options = checkOptions((isList ? second : first) as SpawnOptions | undefined);
  const checked = checkEach('args', 'an array of strings', args, (name, arg) =>
    checkString(name, typeof arg === 'number' ? `${arg}` : arg),
  );
  return [command, checked, options];
}

/**
 * Returns options with the child's environment: that of this process, but without the stack that ioth/register would make in it.
 * An environment from the caller is used unchanged.
 */
function withEnvironment(options: SpawnOptions): SpawnOptions {
  if (options.env !== undefined) return options;
  const isRegistered = process.env[CHILD_VARIABLE] !== undefined;
  return { ...options, env: isRegistered ? { ...process.env, [CHILD_VARIABLE]: ON_HOST } : process.env };
}

/** Applies the option `shell` as child_process does. */
function withoutShell(
  file: string,
  args: string[],
  { shell, ...options }: SpawnOptions,
): [Launch['asked'], SpawnOptions] {
  if (!shell) return [{ file, args }, options];
  if (shell !== true && typeof shell !== 'string') throw invalidType('options.shell', 'a boolean or a string', shell);
  return [{ file: shell === true ? '/bin/sh' : shell, args: ['-c', [file, ...args].join(' ')] }, options];
}

/** Turns `uid` and `gid` into arguments of nsenter. A privileged process must enter the namespace before it changes its user. */
function splitIdentity({ uid, gid, ...options }: SpawnOptions): [args: string[], SpawnOptions] {
  const group = gid === undefined ? [] : ['--setgid', String(gid)];
  return [uid === undefined ? group : [...group, '--setuid', String(uid)], options];
}

function cwdOf({ cwd }: SpawnOptions): string | undefined {
  return cwd instanceof URL ? decodeURIComponent(cwd.pathname) : cwd;
}
