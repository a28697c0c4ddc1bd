import { readFileSync, writeFileSync } from 'node:fs';
import { IothError } from '../core/errors.js';
import { findExecutable } from '../process/executable.js';
import { isPrivileged } from '../process/user-namespaces.js';

const NSENTER = 'nsenter';
const SYSTEM_DIRECTORIES = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** The way into the namespaces of a stack's daemon. */
export interface Entrance {
  /** The path of nsenter(1). */
  readonly file: string;
  /** Its arguments for the user namespace, if that must be entered too, but not those for the network. */
  readonly args: readonly string[];
  /** True if the program keeps the rights of this process, and may change its user. */
  readonly isPrivileged: boolean;
}

/**
 * Returns the way into the network namespace of a stack's daemon, which belongs to a user namespace of its own. A process without
 * rights must enter the user namespace too, as its root: if its user is not mapped there, a program has no capability after
 * execve(2).
 * @throws {IothError} ENOENT if nsenter(1) is missing; the kernel's error if the user cannot be mapped
 */
export function entranceTo(pid: number): Entrance {
  const file = findExecutable(NSENTER, programDirectories());
  if (!file) {
    const hint = `${NSENTER}, which runs programs in a stack, is missing: apt-get install util-linux`;
    throw new IothError('ENOENT', { syscall: 'spawn', address: NSENTER, hint });
  }
  const hasRights = isPrivileged();
  if (!hasRights) mapToRoot(pid);
  const user = hasRights ? [] : ['--user', '--preserve-credentials'];
  return { file, args: ['--target', String(pid), ...user], isPrivileged: hasRights };
}

/** Returns the directories of PATH, then those where a system has its own programs. */
export function programDirectories(): string[] {
  return [...(process.env.PATH ?? '').split(':').filter(Boolean), ...SYSTEM_DIRECTORIES];
}

/**
 * Maps this process's user and group to the root of the daemon's user namespace: user_namespaces(7). This can be done only once.
 */
function mapToRoot(pid: number): void {
  const file = (name: string) => `/proc/${pid}/${name}`;
  try {
    if (readFileSync(file('uid_map'), 'latin1').trim() !== '') return;
    // a process without rights may map a group only after it gives up setgroups(2)
    writeFileSync(file('setgroups'), 'deny');
    writeFileSync(file('gid_map'), `0 ${process.getegid?.()} 1`);
    writeFileSync(file('uid_map'), `0 ${process.geteuid?.()} 1`);
  } catch (error) {
    const { code = 'EPERM' } = error as NodeJS.ErrnoException;
    const hint = "this user cannot be made the root of the stack's user namespace";
    throw new IothError(code, { syscall: 'spawn', hint, cause: error });
  }
}
