import { readFileSync, writeFileSync } from 'node:fs';
import { IothError } from '../../core/errors.js';
import { isPrivileged } from '../user-namespaces.js';
import { findExecutable } from './executable.js';

const NSENTER = 'nsenter';
const SYSTEM_DIRECTORIES = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** What runs a program in the namespaces of another process. */
export interface Entrance {
  /** The path of nsenter(1). */
  readonly file: string;
  readonly args: readonly string[];
  /** Whether the program keeps the rights that this process has, and may become another user. */
  readonly isPrivileged: boolean;
}

/**
 * The way into the network namespace of a stack's daemon, which is one in a user namespace of its own. Who may not enter it
 * from outside enters the user namespace too, as its root: without a name there a program has no capability after execve(2).
 * @throws {IothError} ENOENT where nsenter(1) is missing; what the kernel says where a user may not be mapped
 */
export function entranceTo(pid: number): Entrance {
  const file = findExecutable(NSENTER, [...(process.env.PATH ?? '').split(':').filter(Boolean), ...SYSTEM_DIRECTORIES]);
  if (!file) {
    const hint = `there is no ${NSENTER}, which runs programs in a stack: apt-get install util-linux`;
    throw new IothError('ENOENT', { syscall: 'spawn', address: NSENTER, hint });
  }
  const hasRights = isPrivileged();
  if (!hasRights) mapToRoot(pid);
  const user = hasRights ? [] : ['--user', '--preserve-credentials'];
  return { file, args: ['--target', String(pid), '--net', ...user], isPrivileged: hasRights };
}

/** Makes this process's user and group the root of the daemon's user namespace: user_namespaces(7). It can be done once. */
function mapToRoot(pid: number): void {
  const file = (name: string) => `/proc/${pid}/${name}`;
  try {
    if (readFileSync(file('uid_map'), 'latin1').trim() !== '') return;
    // before a group is mapped, who has no rights must give up to change groups
    writeFileSync(file('setgroups'), 'deny');
    writeFileSync(file('gid_map'), `0 ${process.getegid?.()} 1`);
    writeFileSync(file('uid_map'), `0 ${process.geteuid?.()} 1`);
  } catch (error) {
    const { code = 'EPERM' } = error as NodeJS.ErrnoException;
    const hint = "this user cannot be made the root of the stack's user namespace";
    throw new IothError(code, { syscall: 'spawn', hint, cause: error });
  }
}
