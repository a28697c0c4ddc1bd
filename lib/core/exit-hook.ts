import { isMainThread } from 'node:worker_threads';
import { onExit, signals } from 'signal-exit';

/** The emitter that all copies of signal-exit in a process share. */
interface ExitEmitter {
  /** The number of signal-exit's listeners on each signal. */
  readonly count: number;
  emit(event: 'exit', code: unknown, signal: null): boolean;
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

export function exitEmitter(): ExitEmitter | undefined {
  return (globalThis as Record<symbol, unknown>)[Symbol.for('signal-exit emitter')] as ExitEmitter | undefined;
}

const hooked = new Set<() => void>();

/**
 * Calls `endAll` when the process or this worker ends in any way but SIGKILL: exit, an uncaught error, SIGINT, SIGTERM … A second
 * call with the same function does nothing.
 */
export function atExit(endAll: () => void): void {
  if (hooked.has(endAll)) return;
  hooked.add(endAll);
  // signal-exit works on signals, which a worker does not get
  if (!isMainThread) return void process.on('exit', endAll);
  const emit = process.emit as Emit;
  beforeOnceListeners(() => onExit(endAll, { alwaysLast: true }));
  if (process.emit !== emit) keepExitCode(emit);
}

/**
 * Hides 'exit' from signal-exit's own process.emit, which would set process.exitCode. Node then could not see that the program
 * set none: a top-level await that never settles would exit with 0 instead of 13.
 * @param emit process.emit before signal-exit replaced it
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
 * Moves the listeners that `install` adds to the front. signal-exit counts a signal's listeners when the signal comes, and keeps
 * the default action if the program has none. An older process.once('SIGINT') would be off the list by then.
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
