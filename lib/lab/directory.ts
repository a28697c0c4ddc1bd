import { rmSync } from 'node:fs';
import { makeTemporaryDirectory } from '../core/environment.js';
import { atExit } from '../core/exit-hook.js';

const directories = new Set<string>();
let isHooked = false;

/** A new directory for the sockets and tables of a lab: {@link removeDirectory}, and the end of the process, remove it. */
export function makeDirectory(): string {
  const directory = makeTemporaryDirectory(`ioth-lab-${process.pid}-`);
  directories.add(directory);
  if (!isHooked) {
    isHooked = true;
    atExit(() => {
      for (const each of directories) removeDirectory(each);
    });
  }
  return directory;
}

export function removeDirectory(directory: string): void {
  directories.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}
