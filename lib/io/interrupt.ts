/**
 * Signals while the thread is blocked: Node reports them in its loop only, which does not turn meanwhile. The four by which
 * a user or a supervisor ends a program end a blocking call too.
 */

import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { libc, SIGACTION_SIZE } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import { exitEmitter } from '../core/exit-hook.js';
import { SignalWatch } from './signal-watch.js';

const { SIGHUP, SIGINT, SIGQUIT, SIGTERM } = constants.signals;
const SIGNAL_NAMES = new Map<number, NodeJS.Signals>([
  [SIGHUP, 'SIGHUP'],
  [SIGINT, 'SIGINT'],
  [SIGQUIT, 'SIGQUIT'],
  [SIGTERM, 'SIGTERM'],
]);

/** Open from the first blocking call of a turn of the loop to the end of that turn. */
let watch: SignalWatch | undefined;
/** Whether somebody else than libuv handles SIGINT, who has it back whenever no call waits. */
let isSigintTaken = false;

/** A descriptor that is readable when one of the signals came: then call {@link throwIfInterrupted}. -1 where there is none. */
export function interruptFd(): number {
  // only the main thread gets signals
  if (!isMainThread) return -1;
  if (!watch) {
    const handler = handlerOf(SIGINT, othersAction);
    watch = SignalWatch.open([...SIGNAL_NAMES.keys()]);
    isSigintTaken = watch !== undefined && handler !== handlerOf(SIGTERM, libuvAction);
    if (isSigintTaken) libc().sigaction(SIGINT, othersAction, null);
    // before the loop turns: whoever ends the process by a signal then needs its default action
    process.nextTick(endInterrupts);
  }
  return watch?.fd ?? -1;
}

/** Gives the signals their default action back, before the end of the turn does. */
export function endInterrupts(): void {
  watch?.close();
  watch = undefined;
}

/**
 * Ends the call where one of the signals came, and the process where nothing but exit hooks listens to it.
 * @throws {IothError} EINTR
 */
export function throwIfInterrupted(syscall: string): void {
  const taken = watch?.take() ?? [];
  for (const signum of taken) {
    const signal = SIGNAL_NAMES.get(signum) as NodeJS.Signals;
    if (signum === SIGINT && isSigintTaken) ignoreNext(signal);
    // signal-exit's listeners leave the default action to who has no other
    else if (process.listenerCount(signal) <= (exitEmitter()?.count ?? 0)) endProcessBy(signal, signum);
  }
  if (taken[0] === undefined) return;
  // the loop polls once more at least, so that the program's listener is called
  setImmediate(() => setImmediate(() => {}));
  throw new IothError('EINTR', { syscall, hint: `${SIGNAL_NAMES.get(taken[0])} came` });
}

/** Runs the exit hooks and ends by the signal, as the loop would. Returns where a hook wants the process to stay. */
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
 * While Node's REPL evaluates a line it takes all listeners from SIGINT, and leaves it its default action where there were
 * any. While a call waits the signal is libuv's, so that the call can say EINTR and the REPL goes on.
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

// Node's loop may report it too, in its next turn, when the caller has got EINTR
function ignoreNext(signal: NodeJS.Signals): void {
  const ignore = () => {};
  process.on(signal, ignore);
  setImmediate(() => setImmediate(() => process.off(signal, ignore)));
}
