import { setTimeout as delay } from 'node:timers/promises';
import { POLLIN } from '../../ffi/libc.js';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { INT_MAX, invalidType, outOfRange } from '../core/validate.js';
import { interruptFd, throwIfInterrupted, withInterrupts } from '../io/interrupt.js';
import { pollOnce } from '../io/poll-sync.js';
import { nodePath } from '../vde/switch-directory.js';
import { hookIntoExit } from './exit-cleanup.js';

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
 * Tries again for so many milliseconds while the network to join is not there, blocking the thread.
 * @throws what `make` throws; EINTR where a signal came that the program listens to
 */
export function whenNetworkIsThereSync<T>(make: () => T, wait: NetworkWait): T {
  const tries = new Tries(wait);
  for (;;) {
    try {
      return make();
    } catch (error) {
      const pause = tries.pauseAfter(error);
      hookIntoExit();
      if (withInterrupts(() => pollOnce(interruptFd(), POLLIN, pause))) throwIfInterrupted('ioth_newstack');
    }
  }
}

/** The same while the loop turns. */
export async function whenNetworkIsThere<T>(make: () => T, wait: NetworkWait, signal?: AbortSignal): Promise<T> {
  const tries = new Tries(wait);
  for (;;) {
    try {
      return make();
    } catch (error) {
      const pause = tries.pauseAfter(error);
      await untilAborted(delay(pause), signal);
      if (signal?.aborted) throw new AbortError(signal.reason);
    }
  }
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
  if (!(error instanceof IothError) || error.syscall !== 'ioth_newstack' || !NOT_THERE.includes(error.code))
    return false;
  // who makes a switch waits for nobody: the directory above it is missing
  return error.address === undefined || nodePath(error.address) === undefined;
}
