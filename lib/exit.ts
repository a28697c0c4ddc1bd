import { isMainThread } from 'node:worker_threads';
import { onExit } from 'signal-exit';

/** What must be undone before the process, or the worker thread, is gone. */
export interface Mortal {
  /** Makes the end quick, without waiting: called for all before the first {@link endNow}. */
  hasten(): void;
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
  // a worker has no signals and 'exit' events of its own; signal-exit is for the process
  if (isMainThread) onExit(endAll, { alwaysLast: true });
  else process.on('exit', endAll);
}

/** It ended by itself. */
export function ended(mortal: Mortal): void {
  living.delete(mortal);
}

function endAll(): void {
  const all = [...living];
  living.clear();
  for (const mortal of all) mortal.hasten();
  for (const mortal of all) mortal.endNow();
}
