import { isMainThread } from 'node:worker_threads';
import { onExit, signals } from 'signal-exit';

/** What all copies of signal-exit in a process share. */
interface ExitEmitter {
  /** How many listeners each signal has of signal-exit's. */
  readonly count: number;
  emit(event: 'exit', code: unknown, signal: null): boolean;
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

export function exitEmitter(): ExitEmitter | undefined {
  return (globalThis as Record<symbol, unknown>)[Symbol.for('signal-exit emitter')] as ExitEmitter | undefined;
}

/** Calls `endAll` at every way out of the process, or of this worker, but SIGKILL: exit, an uncaught error, SIGINT, SIGTERM … */
export function atExit(endAll: () => void): void {
  // signal-exit is for the process: a worker has no signals
  if (!isMainThread) return void process.on('exit', endAll);
  const emit = process.emit as Emit;
  beforeOnceListeners(() => onExit(endAll, { alwaysLast: true }));
  if (process.emit !== emit) keepExitCode(emit);
}

/**
 * signal-exit sets process.exitCode when 'exit' is emitted, which hides from Node that the program has set none: a top-level
 * await that never ends would be status 0 in the place of 13.
 * @param emit process.emit as it was before
 */
function keepExitCode(emit: Emit): void {
  const emitOfSignalExit = process.emit as Emit;
  const emitExit: Emit = (event, ...args) => {
    if (event !== 'exit') return emitOfSignalExit.call(process, event, ...args);
    const isHeard = emit.call(process, event, ...args);
    exitEmitter()?.emit('exit', process.exitCode ?? args[0], null);
    return isHeard;
  };
  process.emit = emitExit as typeof process.emit;
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
