import { setTimeout as delay } from 'node:timers/promises';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { INT_MAX, invalidType, outOfRange } from '../core/validate.js';
import { interruptFd } from '../io/interrupt.js';
import { waitInterruptibly } from '../io/interruptible-wait.js';
import { READABLE } from '../io/poll-handle.js';
import {
  ANSWER_TIMEOUT_MS,
  joinsSwitch,
  type SwitchQuestion,
  untilServed,
  untilServedSync,
} from '../vde/joined-switch.js';
import { nodePath } from '../vde/locator.js';
import { joinsThisThread } from '../vde/open.js';
import { hookIntoExit } from './exit-cleanup.js';
import { splitVnl } from './vnl.js';

const SYSCALL = 'ioth_newstack';
/** A switch that came while it was waited for has so long to answer, however late it came. */
const MIN_ANSWER_TIMEOUT_MS = 500;

/** Of a socket that nobody made, or that nobody listens on any more. */
const NOT_THERE = ['ENOENT', 'ECONNREFUSED'];

/** What is waited for, and how many milliseconds. */
export interface NetworkWait {
  readonly vnls: readonly string[];
  readonly wait: number;
}

/** @returns milliseconds */
export function checkWait(wait: unknown): number {
  if (wait === undefined) return 0;
  if (typeof wait !== 'number') throw invalidType('options.wait', 'a number of milliseconds', wait);
  if (!(wait >= 0 && wait <= INT_MAX)) throw outOfRange('options.wait', `from 0 to ${INT_MAX} milliseconds`, wait);
  return wait;
}

/**
 * Waits until the network to join answers, for ten seconds or as long as `wait` says; tries again for so many milliseconds
 * while it is not there. The thread is blocked.
 * @throws what `make` throws; ETIMEDOUT where a switch does not answer; EINTR where a signal came that the program listens to
 */
export function whenNetworkIsThereSync<T>(make: () => T, wait: NetworkWait): T {
  const tries = new Tries(wait);
  for (;;) {
    // a switch of this thread cannot answer meanwhile: make() says so
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

/** The same while the loop turns. */
export async function whenNetworkIsThere<T>(make: () => T, wait: NetworkWait, signal?: AbortSignal): Promise<T> {
  const tries = new Tries(wait);
  for (;;) {
    for (const vnl of wait.vnls) await untilServed({ ...tries.question(vnl), signal });
    try {
      return make();
    } catch (error) {
      const pause = tries.pauseAfter(error);
      await untilAborted(delay(pause), signal);
      if (signal?.aborted) throw new AbortError(signal.reason);
    }
  }
}

function expectSignals(): void {
  hookIntoExit();
  // at once: now that somebody listens to the signals, Node keeps them for its loop
  interruptFd();
}

function locatorOf(vnl: string): string {
  return splitVnl(vnl)[1];
}

class Tries {
  readonly #wait: number;
  readonly #vnls: readonly string[];
  readonly #start = performance.now();
  readonly #pause = new GrowingPause();

  constructor({ wait, vnls }: NetworkWait) {
    this.#wait = wait;
    this.#vnls = vnls;
  }

  /** What a switch is asked before it is joined. */
  question(vnl: string): SwitchQuestion {
    const left = Math.max(MIN_ANSWER_TIMEOUT_MS, this.#wait - (performance.now() - this.#start));
    return { vnl: locatorOf(vnl), syscall: SYSCALL, timeout: this.#wait === 0 ? ANSWER_TIMEOUT_MS : left };
  }

  /** How long to pause now; throws the error where it is no use, or too late. */
  pauseAfter(error: unknown): number {
    if (this.#wait === 0 || !isNetworkMissing(error)) throw error;
    const left = this.#wait - (performance.now() - this.#start);
    if (left <= 0) throw this.#tooLate(error);
    return Math.ceil(Math.min(left, this.#pause.take()));
  }

  #tooLate(error: IothError): IothError {
    const { code, syscall, address } = error;
    const networks = this.#vnls.map((vnl) => `'${vnl}'`).join(' or ');
    const hint = `waited ${this.#wait} ms for the network ${networks}: nobody made it`;
    return new IothError(code, { syscall, address, hint, cause: error });
  }
}

function isNetworkMissing(error: unknown): error is IothError {
  if (!(error instanceof IothError) || error.syscall !== SYSCALL || !NOT_THERE.includes(error.code)) return false;
  // who makes a switch waits for nobody: the directory above it is missing
  return error.address === undefined || nodePath(error.address) === undefined;
}
