import type { ChildProcess, SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { GrowingPause } from '../../core/growing-pause.js';
import { pollOnce } from '../../io/poll-sync.js';
import { KillOnWorkerExit } from '../kill-on-worker-exit.js';
import { stateOfProcess } from '../process-state.js';
import { type SpawnArguments, spawnIn, spawnSyncIn } from './launch.js';

/** How long programs have to end by themselves after SIGTERM. */
const TERM_TIMEOUT_MS = 2000;
/** The same where the process ends, which waits for them. */
const EXIT_TERM_TIMEOUT_MS = 200;
/** How long a killed program may take to be gone. */
const KILL_TIMEOUT_MS = 1000;
/** How long a process whose namespaces are gone may take to be gone itself. */
const DEATH_TIMEOUT_MS = 1000;
/** How often it is looked whether they are gone. */
const MAX_PAUSE_MS = 20;

/**
 * The programs that run in a stack, and what they started: whatever is in its network namespace, which is of no use to anybody
 * without the stack.
 */
export class Programs {
  readonly #running = new Set<ChildProcess>();
  /** Keeps the namespace, whose inode another one could have else. */
  #namespaceFd: number | undefined;

  /** @param daemonPid the process whose network namespace they are in; undefined for that of this process */
  constructor(readonly daemonPid: number | undefined) {}

  /** @param stack is not collected while the program runs */
  spawn(parameters: SpawnArguments, stack: object): ChildProcess {
    this.#openNamespace();
    const child = spawnIn(this.daemonPid, parameters);
    const { pid } = child;
    if (pid === undefined) return child;
    this.#running.add(child);
    const killer = isMainThread ? undefined : new KillOnWorkerExit(pid);
    child.once('exit', () => {
      this.#running.delete(child);
      killer?.close();
      holders.delete(child);
    });
    holders.set(child, stack);
    return child;
  }

  spawnSync(parameters: SpawnArguments): SpawnSyncReturns<Buffer | string> {
    this.#openNamespace();
    return spawnSyncIn(this.daemonPid, parameters);
  }

  /** Ends them: SIGTERM and, where that does not help, SIGKILL. Undefined where there never was one. */
  end(): Promise<void> | undefined {
    return this.#wasUsed ? this.#end() : undefined;
  }

  /** The same, blocking. */
  endSync(): void {
    if (this.#wasUsed) endSync([this], TERM_TIMEOUT_MS);
  }

  /** Of those that run, and of what they started. */
  get pids(): number[] {
    const own = Array.from(this.#running, ({ pid }) => pid as number);
    return [...new Set([...own, ...this.#inNamespace()])].filter((pid) => stateOfProcess(pid) !== 'gone');
  }

  /**
   * A daemon that was killed loses its namespaces first: where it has none any more this waits, blocking, until it is dead.
   */
  awaitDeath(): void {
    if (this.daemonPid === undefined || existsSync(namespaceFile(this.daemonPid))) return;
    const end = performance.now() + DEATH_TIMEOUT_MS;
    while (stateOfProcess(this.daemonPid) !== 'gone' && performance.now() < end) pollOnce(-1, 0, 1);
  }

  /** When all are gone. */
  release(): void {
    if (this.#namespaceFd !== undefined) closeSync(this.#namespaceFd);
    this.#namespaceFd = undefined;
  }

  get #wasUsed(): boolean {
    return this.#namespaceFd !== undefined || this.#running.size > 0;
  }

  async #end(): Promise<void> {
    for (const pause of ending([this], TERM_TIMEOUT_MS)) await delay(pause);
    // whoever waits for close() finds them ended
    const left = Array.from(this.#running).filter(({ pid }) => stateOfProcess(pid as number) === 'gone');
    for (const child of left) child.ref();
    await Promise.all(left.map((child) => once(child, 'exit')));
    this.release();
  }

  #openNamespace(): void {
    if (this.daemonPid !== undefined) this.#namespaceFd ??= openSync(namespaceFile(this.daemonPid), 'r');
  }

  #inNamespace(): number[] {
    if (this.#namespaceFd === undefined) return [];
    const { ino } = fstatSync(this.#namespaceFd);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && pid !== this.daemonPid && namespaceOf(pid) === ino);
  }
}

/** The stacks whose programs run. */
const holders = new Map<ChildProcess, object>();

/** Ends the programs of all stacks of a process, or a worker thread, that ends. Must not throw. */
export function endAllPrograms(all: readonly Programs[]): void {
  try {
    endSync(all, EXIT_TERM_TIMEOUT_MS);
  } catch {
    // without descriptors: they stay in a network that nobody carries any more
  }
}

function endSync(all: readonly Programs[], patience: number): void {
  for (const pause of ending(all, patience)) pollOnce(-1, 0, pause);
  for (const programs of all) programs.release();
}

/** Signals them until all are gone; gives how many milliseconds to pause before the next look. */
function* ending(all: readonly Programs[], patience: number): Generator<number> {
  const [start, pause, told] = [performance.now(), new GrowingPause(MAX_PAUSE_MS), new Set<number>()];
  for (;;) {
    const pids = all.flatMap((programs) => programs.pids);
    const waited = performance.now() - start;
    if (pids.length === 0 || waited > patience + KILL_TIMEOUT_MS) return;
    for (const pid of pids) {
      if (waited > patience) kill(pid, 'SIGKILL');
      else if (!told.has(pid)) kill(pid, 'SIGTERM');
      told.add(pid);
    }
    yield pause.take();
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended meanwhile, or became another user's
  }
}

function namespaceFile(pid: number): string {
  return `/proc/${pid}/ns/net`;
}

/** The inode of a process's network namespace; -1 where it is none of our business. */
function namespaceOf(pid: number): number {
  try {
    return statSync(namespaceFile(pid)).ino;
  } catch {
    return -1;
  }
}
