import { isMainThread } from 'node:worker_threads';
import { onExit, signals } from 'signal-exit';

/** Calls `endAll` at every way out of the process, or of this worker, but SIGKILL: exit, an uncaught error, SIGINT, SIGTERM … */
export function atExit(endAll: () => void): void {
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
