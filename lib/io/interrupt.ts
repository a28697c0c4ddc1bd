/**
 * Signals while the thread is blocked. Node reports signals from its event loop, which does not run then. The four signals
 * with which a user or a supervisor ends a program also end a blocking call.
 */

import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { libc, SIGACTION_SIZE } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { exitEmitter } from '../core/exit-hook.js';
import { SignalWatch } from './signal-watch.js';

const { SIGINT, SIGTERM } = constants.signals;
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
const SIGNAL_NAMES = new Map<number, NodeJS.Signals>(ENDING.map((name) => [constants.signals[name], name]));

/** The watch, open from the first blocking call of a turn of the loop to the end of that turn. */
let watch: SignalWatch | undefined;
/** True if other code than libuv handles SIGINT. It gets SIGINT back whenever no call waits. */
let isSigintTaken = false;

/** Returns a descriptor that is readable when a signal came (then call {@link throwIfInterrupted}); -1 if there is none. */
export function interruptFd(): number {
  // only the main thread gets signals
  if (!isMainThread) return -1;
  if (!watch) {
    const handler = handlerOf(SIGINT, othersAction);
    watch = SignalWatch.open([...SIGNAL_NAMES.keys()]);
    isSigintTaken = watch !== undefined && handler !== handlerOf(SIGTERM, libuvAction);
    if (isSigintTaken) libc().sigaction(SIGINT, othersAction, null);
    // before the loop goes on: code that ends the process by a signal then needs the default action
    process.nextTick(endInterrupts);
  }
  return watch?.fd ?? -1;
}

/** Gives the signals their default action back now, not at the end of the turn. */
export function endInterrupts(): void {
  watch?.close();
  watch = undefined;
}

/**
 * Throws if one of the signals came. Ends the process if only exit hooks listen to that signal.
 * @throws {IothError} EINTR
 */
export function throwIfInterrupted(syscall: string): void {
  const taken = watch?.take() ?? [];
  for (const signum of taken) {
    const signal = SIGNAL_NAMES.get(signum) as NodeJS.Signals;
    if (signum === SIGINT && isSigintTaken) ignoreNext(signal);
    // signal-exit's listeners do not count: without others the signal has its default action
    else if (process.listenerCount(signal) <= (exitEmitter()?.count ?? 0)) endProcessBy(signal, signum);
  }
  if (taken[0] === undefined) return;
  // keeps the loop alive for one more poll, so that the program's listener is called
  setImmediate(() => setImmediate(() => {}));
  throw new IothError('EINTR', { syscall, hint: `interrupted by ${SIGNAL_NAMES.get(taken[0])}` });
}

/** Runs the exit hooks and ends the process by the signal, as the loop would. Returns if a hook keeps the process alive. */
function endProcessBy(signal: NodeJS.Signals, signum: number): void {
  endInterrupts();
  const emitter: EventEmitter = process;
  if (!emitter.emit(signal, signal, signum)) process.kill(process.pid, signal);
}

const libuvAction = Buffer.alloc(SIGACTION_SIZE);
const othersAction = Buffer.alloc(SIGACTION_SIZE);

function handlerOf(signum: number, action: Buffer): bigint {
  libc().sigaction(signum, null, action);
  return action.readBigUInt64LE(0);
}

/**
 * Gives SIGINT to libuv while a call waits, so that the call fails with EINTR and Node's REPL goes on. While the REPL evaluates
 * a line it removes all listeners of SIGINT, and leaves it the default action if there were any.
 */
export function withInterrupts<T>(wait: () => T): T {
  if (!watch || !isSigintTaken) return wait();
  libc().sigaction(SIGINT, libuvAction, null);
  try {
    return wait();
  } finally {
    libc().sigaction(SIGINT, othersAction, null);
  }
}

// Node's loop may report the signal too, in its next turn, when the caller already has EINTR
function ignoreNext(signal: NodeJS.Signals): void {
  const ignore = () => {};
  process.on(signal, ignore);
  setImmediate(() => setImmediate(() => process.off(signal, ignore)));
}
