import { setTimeout as delay } from 'node:timers/promises';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import { GrowingPause } from '../core/waiting.js';
import { interruptFd } from '../io/interrupt.js';
import { waitInterruptibly } from '../io/interruptible-wait.js';
import { READABLE } from '../io/poll-handle.js';
import { nodePath } from '../vde/locator.js';
import { joinsThisThread } from '../vde/open.js';
import {
  ANSWER_TIMEOUT_MS,
  joinsSwitch,
  type SwitchQuestion,
  untilServed,
  untilServedSync,
} from '../vde/switch/joined-switch.js';
import { hookIntoExit } from '../vdestack/exit-cleanup.js';
import { quoted, splitVnl } from '../vdestack/vnl.js';
import type { StackArguments } from './arguments.js';

const SYSCALL = 'ioth_newstack';
/** The least time a switch has to answer if it appears during the wait, however late it appears. */
const MIN_ANSWER_TIMEOUT_MS = 500;

/** Errors of a socket that does not exist yet, or that has no listener any more. */
const NOT_THERE = ['ENOENT', 'ECONNREFUSED'];

/** The networks to wait for, and for how many milliseconds. */
type NetworkWait = Pick<StackArguments, 'vnls' | 'wait'>;

/**
 * Waits, blocking, until the network to join answers: for ten seconds, or for `wait` milliseconds. If the network does not exist,
 * tries again during that time.
 * @throws what `make` throws; ETIMEDOUT if a switch does not answer; EINTR if a signal comes that the program listens to
 */
export function whenNetworkIsThereSync<T>(make: () => T, wait: NetworkWait): T {
  const tries = new Tries(wait);
  for (;;) {
    // a switch of this thread cannot answer while the thread is blocked: make() reports that
    const joining = wait.vnls.filter((vnl) => joinsSwitch(locatorOf(vnl)) && !joinsThisThread(locatorOf(vnl)));
    if (joining.length > 0) expectSignals();
    for (const vnl of joining) untilServedSync(tries.question(vnl));
    try {
      return make();
    } catch (error) {
      const pause = tries.pauseAfter(error);
      expectSignals();
      waitInterruptibly(-1, READABLE, pause, SYSCALL);
    }
  }
}

/** Waits for the network as {@link whenNetworkIsThereSync}, but keeps the event loop running. */
export async function whenNetworkIsThere<T>(make: () => T, wait: NetworkWait, signal?: AbortSignal): Promise<T> {
  const tries = new Tries(wait);
  for (;;) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    for (const vnl of wait.vnls) await untilServed({ ...tries.question(vnl), signal });
    try {
      return make();
    } catch (error) {
      const pause = tries.pauseAfter(error);
      await untilAborted(delay(pause), signal);
    }
  }
}

function expectSignals(): void {
  hookIntoExit();
  // open it at once: with the exit hooks as listeners, Node keeps the signals for its loop
  interruptFd();
}

function locatorOf(vnl: string): string {
  return splitVnl(vnl)[1];
}

class Tries {
  readonly #start = performance.now();
  readonly #pause = new GrowingPause();

  constructor(readonly network: NetworkWait) {}

  /** Returns the question for a switch before it is joined. */
  question(vnl: string): SwitchQuestion {
    const timeout = this.network.wait === 0 ? ANSWER_TIMEOUT_MS : Math.max(MIN_ANSWER_TIMEOUT_MS, this.#left);
    return { vnl: locatorOf(vnl), syscall: SYSCALL, timeout };
  }

  /** Returns how long to pause now, in milliseconds. Throws the error if another try is no use, or too late. */
  pauseAfter(error: unknown): number {
    const { vnls, wait } = this.network;
    if (wait === 0 || !isNetworkMissing(error)) throw error;
    const left = this.#left;
    if (left > 0) return Math.ceil(Math.min(left, this.#pause.take()));
    const { code, syscall, address } = error;
    const hint = `waited ${wait} ms for the network ${quoted(vnls)}, which did not appear`;
    throw new IothError(code, { syscall, address, hint, cause: error });
  }

  get #left(): number {
    return this.network.wait - (performance.now() - this.#start);
  }
}

function isNetworkMissing(error: unknown): error is IothError {
  if (!(error instanceof IothError) || error.syscall !== SYSCALL || !NOT_THERE.includes(error.code)) return false;
  // a stack that makes a switch waits for no other program: the directory above it is missing
  return error.address === undefined || nodePath(error.address) === undefined;
}
