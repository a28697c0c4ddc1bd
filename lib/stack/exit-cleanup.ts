import { isMainThread } from 'node:worker_threads';
import { onExit, signals } from 'signal-exit';
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
  // signal-exit is for the process: a worker has no signals
  if (isMainThread) beforeOnceListeners(() => onExit(endAll, { alwaysLast: true }));
  else process.on('exit', endAll);
}

/** 'exit' follows at once, unless a listener of 'beforeExit' begins something new. */
function noteEmptyLoop(): void {
  isLoopEmpty = true;
  setImmediate(() => {
    isLoopEmpty = false;
  }).unref();
}

/**
 * signal-exit keeps a signal's default action unless the program listens too, which it counts when the signal comes. By
 * then a process.once('SIGINT') that was there before is gone from the list: so its listeners go to the front.
 */
function beforeOnceListeners(install: () => void): void {
  const listenersBefore = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  install();
  for (const [signal, before] of listenersBefore) {
    if (before.length === 0) continue;
    for (const listener of process.listeners(signal)) {
      if (before.includes(listener)) continue;
      process.removeListener(signal, listener);
      process.prependListener(signal, listener);
    }
  }
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
