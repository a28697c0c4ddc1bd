import type { ChildProcess, SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { kill } from '../core/kill.js';
import { GrowingPause } from '../core/waiting.js';
import { pollOnce } from '../io/poll-sync.js';
import { KillOnWorkerExit } from '../process/kill-on-worker-exit.js';
import { isEnding, stateOfProcess } from '../process/process-state.js';
import { type SpawnArguments, spawnIn, spawnSyncIn } from './launch.js';
import type { Entrance } from './namespace.js';
import { OwnNames, warnOfNames } from './own-names.js';
import type { ProgramNames } from './program-names.js';

/** The time for programs to end by themselves after SIGTERM. */
const TERM_TIMEOUT_MS = 2000;
/** The time for programs to end when the process ends, which waits for them. */
const EXIT_TERM_TIMEOUT_MS = 200;
/** The time for a killed program to disappear. */
const KILL_TIMEOUT_MS = 1000;
/** The time for a process that ends to disappear. */
const DEATH_TIMEOUT_MS = 1000;
/** The longest pause between two checks. */
const MAX_PAUSE_MS = 20;

/**
 * The programs that run in a stack, and the programs that these started: all processes in its network namespace. The namespace is
 * useless without the stack.
 */
export class Programs {
  readonly #running = new Set<ChildProcess>();
  /** Keeps the namespace open, because another namespace could get its inode otherwise. */
  #namespaceFd: number | undefined;
  /** The names that programs were started with. The last program may still be about to enter its own. */
  readonly #ownNames: OwnNames[] = [];
  #areNamesRefused = false;

  /** @param daemonPid a process in the network namespace of the programs; undefined for the namespace of this process */
  constructor(readonly daemonPid: number | undefined) {}

  /**
   * @param names the names that it finds; undefined for those of the machine
   * @param stack is not garbage collected while the program runs
   */
  spawn(parameters: SpawnArguments, names: ProgramNames | undefined, stack: object): ChildProcess {
    this.#openNamespace();
    const child = spawnIn(this.daemonPid, parameters, (entrance) => this.#namesIn(entrance, names));
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

  spawnSync(parameters: SpawnArguments, names: ProgramNames | undefined): SpawnSyncReturns<Buffer | string> {
    this.#openNamespace();
    return spawnSyncIn(this.daemonPid, parameters, (entrance) => this.#namesIn(entrance, names));
  }

  /** Ends them: SIGTERM and, if that does not help, SIGKILL. Returns undefined if no program was started. */
  end(): Promise<void> | undefined {
    return this.#wasUsed ? this.#end() : undefined;
  }

  /** Ends them, blocking. */
  endSync(): void {
    if (this.#wasUsed) endSync([this], TERM_TIMEOUT_MS);
  }

  /** The process ids of the running programs, and of the programs that these started. */
  get pids(): number[] {
    const own = Array.from(this.#running, ({ pid }) => pid as number);
    return [...new Set([...own, ...this.#inNamespace()])].filter((pid) => stateOfProcess(pid) !== 'gone');
  }

  /** Waits, blocking, until a daemon that has begun to end is dead. Returns at once if it has not. */
  awaitDeath(): void {
    if (this.daemonPid === undefined || !isEnding(this.daemonPid)) return;
    const end = performance.now() + DEATH_TIMEOUT_MS;
    while (stateOfProcess(this.daemonPid) !== 'gone' && performance.now() < end) pollOnce(-1, 0, 1);
  }

  /** Releases the namespaces, once all programs are gone. */
  release(): void {
    if (this.#namespaceFd !== undefined) closeSync(this.#namespaceFd);
    this.#namespaceFd = undefined;
    for (const names of this.#ownNames.splice(0)) names.close();
  }

  get #wasUsed(): boolean {
    return this.#namespaceFd !== undefined || this.#running.size > 0;
  }

  async #end(): Promise<void> {
    for (const pause of ending([this], TERM_TIMEOUT_MS)) await delay(pause);
    // wait for 'exit', so that the programs have ended when close() resolves
    const left = Array.from(this.#running).filter(({ pid }) => stateOfProcess(pid as number) === 'gone');
    for (const child of left) child.ref();
    await Promise.all(left.map((child) => once(child, 'exit')));
    this.release();
  }

  #openNamespace(): void {
    if (this.daemonPid !== undefined) this.#namespaceFd ??= openSync(namespaceFile(this.daemonPid), 'r');
  }

  #namesIn(entrance: Entrance, names: ProgramNames | undefined): OwnNames | undefined {
    if (!names || this.#areNamesRefused) return undefined;
    const known = this.#ownNames.find((each) => each.has(names));
    if (known) return known;
    try {
      const made = new OwnNames(entrance, names);
      this.#ownNames.push(made);
      return made;
    } catch (error) {
      this.#areNamesRefused = true;
      warnOfNames((error as Error).message);
      return undefined;
    }
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

/** The stacks of the running programs. */
const holders = new Map<ChildProcess, object>();

/** Ends the programs of all stacks when a process, or a worker thread, ends. Must not throw. */
export function endAllPrograms(all: readonly Programs[]): void {
  try {
    endSync(all, EXIT_TERM_TIMEOUT_MS);
  } catch {
    // out of descriptors: the programs stay, in a network without a daemon
  }
}

function endSync(all: readonly Programs[], patience: number): void {
  for (const pause of ending(all, patience)) pollOnce(-1, 0, pause);
  for (const programs of all) programs.release();
}

/** Signals the programs until all are gone. Yields how many milliseconds to pause before the next check. */
function* ending(all: readonly Programs[], patience: number): Generator<number> {
  const [start, pause, told] = [performance.now(), new GrowingPause(MAX_PAUSE_MS), new Set<number>()];
  let killedAt = Number.POSITIVE_INFINITY;
  for (;;) {
    const pids = all.flatMap((programs) => programs.pids);
    const now = performance.now();
    // a blocked thread may get here late for the first time
    if (pids.length === 0 || now > killedAt + KILL_TIMEOUT_MS) return;
    if (now > start + patience) killedAt = Math.min(killedAt, now);
    for (const pid of pids) {
      if (killedAt <= now) kill(pid, 'SIGKILL');
      else if (!told.has(pid)) kill(pid, 'SIGTERM');
      told.add(pid);
    }
    yield pause.take();
  }
}

function namespaceFile(pid: number): string {
  return `/proc/${pid}/ns/net`;
}

/** Returns the inode of a process's network namespace; -1 if it may not be read. */
function namespaceOf(pid: number): number {
  try {
    return statSync(namespaceFile(pid)).ino;
  } catch {
    return -1;
  }
}
