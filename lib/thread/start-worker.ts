import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import directory from './directory.cjs';

/**
 * Starts a worker thread.
 * @param file its first file, below lib/ and without an extension: 'fabric/worker'
 * @throws if it cannot be started
 */
export function startWorker(file: string, name: string, workerData: unknown): Worker {
  const built = join(directory, '..', `${file}.js`);
  const options = { workerData, name, execArgv: [], stdin: false };
  if (existsSync(built)) return new Worker(built, options);
  // runs the sources, as scripts do
  const path = join(directory, '..', `${file}.ts`);
  const source = JSON.stringify(pathToFileURL(path).href);
  // resolved here: an eval'ed script would look for it in the directory of the program
  const api = createRequire(path)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const tsx = JSON.stringify(pathToFileURL(api).href);
  const loader = `import(${tsx}).then(({ register }) => (register(), import(${source})))`;
  return new Worker(loader, { ...options, eval: true });
}

/** Gives this thread, which works for microseconds at a time, priority over threads that keep the CPUs busy. */
export function hurry(): void {
  try {
    // on Linux this sets the priority of this thread alone
    setPriority(0, constants.priority.PRIORITY_HIGH);
  } catch {
    // it needs CAP_SYS_NICE
  }
}
