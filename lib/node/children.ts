import child_process, { ChildProcess, type SpawnSyncOptions } from 'node:child_process';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import worker_threads, { type WorkerOptions } from 'node:worker_threads';
import { replaceFunction } from './replace.js';

/** The environment variable that has the number of a child process. */
export const CHILD_VARIABLE = 'IOTH_CHILD';
/** The value of {@link CHILD_VARIABLE}, in place of a number, for a child process on the host. */
export const ON_HOST = 'host';

/** The environment variable that has the process id of the program whose children have numbers. */
const PARENT_VARIABLE = 'IOTH_PARENT';

const BLOCKING = ['spawnSync', 'execSync', 'execFileSync'] as const;
const NODE_OPTIONS = 'NODE_OPTIONS';
const NOTE =
  "ioth/register: a child process is on the host's network: IOTH_CHILDREN=1 gives each Node child a stack of its own, " +
  'IOTH_CHILDREN=0 omits this line\n';

/** The option of Node that loads ioth/register before a program. */
export interface Preload {
  readonly flag: '--import' | '--require';
  /** A URL or a path. */
  readonly file: string;
}

let isNoted = false;

/** True if the parent of this process is on a stack by ioth/register, and its Node children have stacks too. */
export const isNumberedByParent = process.env[PARENT_VARIABLE] === String(process.ppid);

/** Prints a note, before the first child process starts, that it is on the host. */
export function noteChildren(): void {
  aroundStarts((start) => {
    note();
    return start();
  });
}

/**
 * Gives each child process a number of its own in the environment, from `first` on, and makes Node children preload `file`.
 * Prints the note if a child has other NODE_OPTIONS, without the preload.
 */
export function numberChildren(first: number, { flag, file }: Preload): void {
  let next = first;
  const publish = () => {
    process.env[CHILD_VARIABLE] = String(next++);
  };
  publish();
  process.env[PARENT_VARIABLE] = String(process.pid);
  process.env[NODE_OPTIONS] = `${process.env[NODE_OPTIONS] ?? ''} ${flag}=${quoted(file)}`.trim();
  aroundStarts((start, nodeOptions, isBlocking) => {
    if (!nodeOptions.includes(file) && !nodeOptions.includes(quoted(file))) note();
    // the caller has read the environment already; the blocking calls read it in start()
    if (!isBlocking) publish();
    try {
      return start();
    } finally {
      if (isBlocking) publish();
    }
  });
}

/** Quotes a path for NODE_OPTIONS. */
function quoted(file: string): string {
  return /[\s"\\]/.test(file) ? JSON.stringify(file) : file;
}

/** Makes worker threads with an `execArgv` of their own preload `file` too. */
export function preloadInThreads({ flag, file }: Preload): void {
  class PreloadingWorker extends worker_threads.Worker {
    constructor(script: string | URL, options?: WorkerOptions) {
      const { execArgv } = options ?? {};
      super(script, execArgv ? { ...options, execArgv: [`${flag}=${file}`, ...execArgv] } : options);
    }
  }
  Object.defineProperty(PreloadingWorker, 'name', { value: 'Worker' });
  worker_threads.Worker = PreloadingWorker;
  syncBuiltinESMExports();
}

/** @param around gets a function that starts a child, and the NODE_OPTIONS in the child's environment */
function aroundStarts(around: (start: () => unknown, nodeOptions: string, isBlocking: boolean) => unknown): void {
  replaceFunction(ChildProcess.prototype, 'spawn', (original) => {
    return function (this: ChildProcess, ...args) {
      const [{ envPairs = [] }] = args as [{ envPairs?: readonly string[] }];
      const prefix = `${NODE_OPTIONS}=`;
      const nodeOptions = envPairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length) ?? '';
      return around(() => Reflect.apply(original, this, args), nodeOptions, false);
    };
  });
  for (const name of BLOCKING) {
    replaceFunction(child_process, name, (original) => {
      return function (this: unknown, ...args) {
        const options = args.find((arg) => typeof arg === 'object' && !Array.isArray(arg)) as
          | SpawnSyncOptions
          | undefined;
        const nodeOptions = (options?.env ?? process.env)[NODE_OPTIONS] ?? '';
        return around(() => Reflect.apply(original, this, args), nodeOptions, true);
      };
    });
  }
  syncBuiltinESMExports();
}

/** Prints the note once. Avoids process.stderr, which the program may not have used yet. */
function note(): void {
  if (isNoted) return;
  isNoted = true;
  try {
    writeSync(2, NOTE);
  } catch {
    // stderr cannot be written
  }
}
