import { invalidType, outOfRange } from '../core/validate.js';

/** As long as a timer of Node can run. */
const MAX_SECONDS = Math.floor(0x7fffffff / 1000);

let defaultTimeout: number | null = null;

/** The timeout of new sockets, as Python's. @returns seconds; null waits for ever, 0 not at all */
export function getdefaulttimeout(): number | null {
  return defaultTimeout;
}

/**
 * Sets the timeout of sockets made from now on, as Python's.
 * @param seconds null waits for ever, 0 not at all
 * @throws {TypeError | RangeError} for what is no time
 */
export function setdefaulttimeout(seconds: number | null): void {
  defaultTimeout = checkTimeout('seconds', seconds);
}

/** @throws {TypeError | RangeError} for what is no time */
export function checkTimeout(name: string, seconds: unknown): number | null {
  if (seconds === null) return null;
  if (typeof seconds !== 'number') throw invalidType(name, 'a number of seconds or null', seconds);
  if (!(seconds >= 0 && seconds <= MAX_SECONDS)) throw outOfRange(name, `from 0 to ${MAX_SECONDS} seconds`, seconds);
  return seconds;
}

/** Seconds in milliseconds; null stays null. A time too short to be a millisecond is one: 0 would mean not to wait. */
export function milliseconds(seconds: number | null): number | null {
  return seconds === null || seconds === 0 ? seconds : Math.max(1, Math.round(seconds * 1000));
}
