import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** Where execvp(3) looks where PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * Why execvp(3) cannot run `command`; undefined where it can.
 * @param path the value of PATH
 * @param cwd where the program begins
 */
export function whyNotExecutable(command: string, path = DEFAULT_PATH, cwd = '.'): string | undefined {
  if (command.includes('/')) return whyNot(resolve(cwd, command));
  // an empty entry is the current directory
  const reasons = path.split(':').map((directory) => whyNot(resolve(cwd, directory, command)));
  if (reasons.includes(undefined)) return undefined;
  return reasons.includes('EACCES') ? 'EACCES' : 'ENOENT';
}

/** The path of a program that is in one of these directories. */
export function findExecutable(command: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => resolve(directory, command)).find((file) => whyNot(file) === undefined);
}

function whyNot(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? undefined : 'EACCES';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'ENOENT';
  }
}
