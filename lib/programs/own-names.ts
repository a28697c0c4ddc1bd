import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, chmodSync, closeSync, constants, openSync, readSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { libc } from '../../ffi/libc.js';
import { kill } from '../core/kill.js';
import { TemporaryDirectory } from '../core/temporary-directory.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import { socketPair } from '../io/socket-pair.js';
import { findExecutable } from '../process/executable.js';
import { type Entrance, programDirectories } from './namespace.js';
import type { ProgramNames } from './program-names.js';

const READY = 'ready\n';
/** The time that the namespaces may take, which is some milliseconds on a machine that has nothing else to do. */
const SETUP_TIMEOUT_MS = 10_000;
/** Mounts the files of the working directory over those of /etc. What fails is reported, and the rest is done. */
const SETUP = `
for file in *; do mount --bind "$file" "/etc/$file"; done
test -z "$1" || hostname "$1"
echo ready
read -r end`;

/**
 * A mount namespace in which /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf are a stack's, and a UTS namespace with the name
 * of its host: as `vdens -R` and `ip netns exec` do it. Two descriptors keep them: when these are closed and the programs have
 * ended, the kernel removes all. The files have no directory any more once they are mounted.
 */
export class OwnNames {
  readonly #names: ProgramNames;
  readonly #fds: readonly number[];

  /**
   * Makes the namespaces, which blocks the thread for some milliseconds. Warns, once in a process, if only a part of the names is
   * in them.
   * @throws {Error} if this machine does not allow them
   */
  constructor(entrance: Entrance, names: ProgramNames) {
    this.#names = names;
    const directory = new TemporaryDirectory(`ioth-names-${process.pid}-`);
    try {
      for (const [name, text] of Object.entries(names.files)) {
        const file = join(directory.path, name);
        writeFileSync(file, text);
        // other users' programs read them too, whatever the umask
        chmodSync(file, 0o644);
      }
      this.#fds = setUp(entrance, directory.path, names.hostname ?? '');
    } finally {
      directory.remove();
    }
    try {
      this.#tryEntrance(entrance);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Returns whether it has these names. */
  has(names: ProgramNames): boolean {
    return isDeepStrictEqual(names, this.#names);
  }

  /**
   * Returns the arguments of nsenter(1) that enter it.
   * @param cwd the working directory of the program
   * @throws {Error} if nsenter(1) could not open that directory
   */
  entrance(cwd = '.'): string[] {
    const directory = resolve(cwd);
    accessSync(directory, constants.R_OK);
    const [mount, uts] = this.#fds.map((fd) => `/proc/${process.pid}/fd/${fd}`);
    // a process is in the root directory of a mount namespace that it enters
    return [`--mount=${mount}`, `--uts=${uts}`, `--wdns=${directory}`];
  }

  close(): void {
    for (const fd of this.#fds) closeSync(fd);
  }

  /** Proves that a program can enter it: older versions of nsenter(1) have no `--wdns`. */
  #tryEntrance({ file, args }: Entrance): void {
    const command = [...args, ...this.entrance('/'), '--', 'true'];
    const { status, stderr, error } = spawnSync(file, command, { env: environment(), encoding: 'utf8' });
    if (status !== 0) throw error ?? new Error(stderr);
  }
}

/** Returns descriptors of a new mount and a new UTS namespace. */
function setUp({ file, args, isPrivileged }: Entrance, cwd: string, hostname: string): number[] {
  const unshare = findExecutable('unshare', programDirectories());
  if (!unshare) throw new Error('unshare(1) is missing: apt-get install util-linux');
  const [own, other] = socketPair();
  // later mounts and unmounts of the machine come through
  const command = [unshare, '--mount', '--uts', '--propagation', 'slave', '--', 'sh', '-c', SETUP, 'sh', hostname];
  const [first = '', ...rest] = isPrivileged ? command : [file, ...args, '--', ...command];
  const fds: number[] = [];
  let child: ChildProcess | undefined;
  try {
    try {
      // it ends when the other side of its input is closed
      child = spawn(first, rest, { cwd, env: environment(), stdio: [other, other, other] });
      child.on('error', () => {}).unref();
    } finally {
      libc().close(other);
    }
    const said = readUntilReady(own);
    for (const name of ['mnt', 'uts']) fds.push(openSync(`/proc/${child.pid}/ns/${name}`, 'r'));
    if (said) warnOfNames(said);
    return fds;
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    if (child?.pid !== undefined) kill(child.pid, 'SIGKILL');
    throw error;
  } finally {
    libc().close(own);
  }
}

/** Returns what comes before {@link READY}. @throws {Error} if it does not come, with what comes instead */
function readUntilReady(fd: number): string {
  const chunk = Buffer.alloc(4096);
  let text = '';
  while (!text.endsWith(READY)) {
    if (!waitSync(fd, READABLE, SETUP_TIMEOUT_MS)) throw new Error(`${text}no answer in ${SETUP_TIMEOUT_MS / 1000} s`);
    const count = readSync(fd, chunk);
    if (count === 0) throw new Error(text);
    text += chunk.toString('utf8', 0, count);
  }
  return text.slice(0, -READY.length);
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: programDirectories().join(':'), LC_ALL: 'C' };
}

let isWarned = false;

/** Warns, once in a process, that programs do not have the names of their stack. */
export function warnOfNames(reason: string): void {
  if (isWarned) return;
  isWarned = true;
  const text = reason.trim().replaceAll('\n', '; ');
  const message = `programs in a stack do not have all of its names here, but those of the machine: ${text}`;
  process.emitWarning(message, { type: 'IothWarning', code: 'IOTH_PROGRAM_NAMES' });
}
