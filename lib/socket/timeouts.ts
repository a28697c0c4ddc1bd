import { invalidType, outOfRange } from '../core/validate.js';

/** The longest time that a timer of Node can run. */
const MAX_SECONDS = Math.floor(0x7fffffff / 1000);

let defaultTimeout: number | null = null;

/** Returns the timeout of new sockets in seconds, as in Python: null (the default) waits for ever, 0 does not wait. */
export function getdefaulttimeout(): number | null {
  return defaultTimeout;
}

/**
 * Sets the timeout of sockets made from now on, as in Python.
 * @param seconds null waits for ever, 0 does not wait
 * @throws {TypeError | RangeError} for an invalid time
 */
export function setdefaulttimeout(seconds: number | null): void {
  defaultTimeout = checkTimeout('seconds', seconds);
}

/** Checks a timeout in seconds. @throws {TypeError | RangeError} for an invalid time */
export function checkTimeout(name: string, seconds: unknown): number | null {
  if (seconds === null) return null;
  if (typeof seconds !== 'number') throw invalidType(name, 'a number of seconds or null', seconds);
  if (!(seconds >= 0 && seconds <= MAX_SECONDS)) throw outOfRange(name, `from 0 to ${MAX_SECONDS} seconds`, seconds);
  return seconds;
}

/** Converts seconds to milliseconds; null stays null. Rounds a time under 1 ms up to 1 ms, since 0 means not to wait. */
export function milliseconds(seconds: number | null): number | null {
  return seconds === null || seconds === 0 ? seconds : Math.max(1, Math.round(seconds * 1000));
}
