import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** The directories that execvp(3) searches if PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * Returns why execvp(3) cannot run `command`; undefined if it can.
 * @param path the value of PATH
 * @param cwd the working directory of the program
 */
export function whyNotExecutable(command: string, path = DEFAULT_PATH, cwd = '.'): string | undefined {
  if (command.includes('/')) return whyNot(resolve(cwd, command));
  // an empty entry is the current directory
  const reasons = path.split(':').map((directory) => whyNot(resolve(cwd, directory, command)));
  if (reasons.includes(undefined)) return undefined;
  return reasons.includes('EACCES') ? 'EACCES' : 'ENOENT';
}

/** Returns the path of a program in one of these directories; undefined if none has it. */
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
