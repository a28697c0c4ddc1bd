import { atExit } from '../core/exit-hook.js';
import { TemporaryDirectory } from '../core/temporary-directory.js';

const directories = new Map<string, TemporaryDirectory>();

/** Creates a directory for the sockets and tables of a lab. {@link removeDirectory} or the end of the process removes it. */
export function makeDirectory(): string {
  const directory = new TemporaryDirectory(`ioth-lab-${process.pid}-`);
  directories.set(directory.path, directory);
  atExit(removeAll);
  return directory.path;
}

export function removeDirectory(path: string): void {
  directories.get(path)?.remove();
  directories.delete(path);
}

function removeAll(): void {
  for (const path of directories.keys()) removeDirectory(path);
}
