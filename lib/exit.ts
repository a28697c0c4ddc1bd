import { isMainThread } from 'node:worker_threads';
import { onExit, signals } from 'signal-exit';
import { type Daemon, killAll } from './daemon.js';

/** What must be undone before the process, or the worker thread, is gone. */
export interface Mortal {
  /** Killed, together with those of the others, before the first {@link endNow}. */
  readonly daemon: Daemon | undefined;
  /** Undoes it, synchronously. Must not throw. */
  endNow(): void;
}

const living = new Set<Mortal>();
let isHooked = false;

/** From now on `mortal` is ended at every way out but SIGKILL: exit, an uncaught error, SIGINT, SIGTERM, SIGHUP … */
export function endAtExit(mortal: Mortal): void {
  living.add(mortal);
  if (isHooked) return;
  isHooked = true;
  // signal-exit is for the process: a worker has no signals
  if (isMainThread) beforeOnceListeners(() => onExit(endAll, { alwaysLast: true }));
  else process.on('exit', endAll);
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
export function ended(mortal: Mortal): void {
  living.delete(mortal);
}

function endAll(): void {
  const all = [...living];
  living.clear();
  killAll(all.flatMap(({ daemon }) => daemon ?? []));
  for (const mortal of all) mortal.endNow();
}
