import { atExit } from '../core/exit-hook.js';
import { DEFAULT_LINGER_MS, type Lingering, lingerSync } from './linger.js';
import { endAllPrograms, type Programs } from './programs/programs.js';
import { killAll } from './vdestack-daemon.js';

/** What must be undone before the process, or the worker thread, is gone. */
export interface ExitCleanup extends Lingering {
  /** The programs in it. */
  readonly programs: Programs;
  /** Closes its sockets without a report to whoever waits: what is sent goes on. Must not throw. */
  closeSocketsSilently(): void;
  /** Undoes it, synchronously, after {@link daemon} was killed together with those of the others. Must not throw. */
  cleanupSync(): void;
}

/** How long an end that somebody asked for waits for peers: process.exit(), an exception, a signal. */
const FORCED_LINGER_MS = 1000;

const registered = new Set<ExitCleanup>();
let isHooked = false;
let isLoopEmpty = false;

/** From now on `mortal` is ended at every way out but SIGKILL: exit, an uncaught error, SIGINT, SIGTERM, SIGHUP … */
export function registerExitCleanup(cleanup: ExitCleanup): void {
  registered.add(cleanup);
  hookIntoExit();
}

/** Listens to the ways out. Blocking calls expect it: they end the process by a signal that has no other listener. */
export function hookIntoExit(): void {
  if (isHooked) return;
  isHooked = true;
  process.on('beforeExit', noteEmptyLoop);
  atExit(endAll);
}

/** 'exit' follows at once, unless a listener of 'beforeExit' begins something new. */
function noteEmptyLoop(): void {
  isLoopEmpty = true;
  setImmediate(() => {
    isLoopEmpty = false;
  }).unref();
}

/** It ended by itself. */
export function unregisterExitCleanup(cleanup: ExitCleanup): void {
  registered.delete(cleanup);
}

function endAll(): void {
  const all = [...registered];
  registered.clear();
  // of all before any is waited for: what is sent from one to another is settled by it
  for (const cleanup of all) cleanup.closeSocketsSilently();
  endAllPrograms(all.map(({ programs }) => programs));
  lingerSync(
    all,
    isLoopEmpty
      ? { stall: DEFAULT_LINGER_MS, total: Number.POSITIVE_INFINITY }
      : { stall: FORCED_LINGER_MS, total: FORCED_LINGER_MS },
  );
  killAll(all.flatMap(({ daemon }) => daemon ?? []));
  for (const cleanup of all) cleanup.cleanupSync();
}
