import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileGlobals } from './environment.js';
import { becomes } from './until.js';

/** The environment of the file removes them, after its last hook (environment.ts). */
const made: string[] = [];
(globalThis as FileGlobals).temporaryDirectories = made;

/** A new, empty directory for sockets and files. It is removed after the tests of the file, at the latest. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'ioth-test-'));
  made.push(dir);
  return dir;
}

/** Removes a directory of {@link temporaryDirectory}, and fails where a process that was started with its path still runs. */
export async function removeDirectory(dir: string): Promise<void> {
  // a stack's daemon has its process's command line, and ends a moment after it
  await becomes(() => processesThatName(dir).length === 0);
  const left = processesThatName(dir);
  rmSync(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
}

/** A directory for each test of the file, which is removed after it. */
export function useDirectory(): { readonly path: string } {
  let path = '';
  beforeEach(() => {
    path = temporaryDirectory();
  });
  afterEach(() => removeDirectory(path));
  return {
    get path() {
      return path;
    },
  };
}

/** As {@link useDirectory}, for one test: `remove` is {@link removeDirectory}. */
export function workDirectory(): { dir: string; remove: () => Promise<void> } {
  const dir = temporaryDirectory();
  return { dir, remove: () => removeDirectory(dir) };
}

function processesThatName(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(text) ? [`${pid} ${command}`] : [];
      } catch {
        return []; // it has just ended
      }
    });
}
