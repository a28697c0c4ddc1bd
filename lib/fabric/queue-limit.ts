import {
  checkInteger,
  checkKeys,
  checkMilliseconds,
  checkOneOf,
  INT_MAX,
  invalidType,
  invalidValue,
} from '../core/validate.js';

/** What is lost if frames wait for a rate: 'drop-tail', 'codel'. */
export type QueueType = (typeof TYPES)[number];

/** What may wait for the rate. A limit that is left out does not apply. */
export interface QueueLimit {
  /**
   * 'drop-tail': frames beyond the limits are lost. 'codel': RFC 8289 also drops frames at the head, so that the wait stays
   * short; without `frames` and `bytes` 1000 frames may wait. Default 'drop-tail'.
   */
  type?: QueueType;
  /** The number of frames that may wait. */
  frames?: number;
  /** The number of bytes that may wait. */
  bytes?: number;
  /** The longest time that a frame may wait, in milliseconds. */
  ms?: number;
  /** Of 'codel': the wait that is acceptable, in milliseconds. Default 5. */
  target?: number;
  /** Of 'codel': the time that the wait must be longer before frames are dropped, in milliseconds. Default 100. */
  interval?: number;
}

/** A checked {@link QueueLimit}. */
export interface QueuePlan {
  readonly frames: number;
  readonly bytes: number;
  readonly ms: number;
  /** Undefined for 'drop-tail'. */
  readonly codel: { readonly target: number; readonly interval: number } | undefined;
}

const TYPES = ['drop-tail', 'codel'] as const;
const KEYS = ['type', 'frames', 'bytes', 'ms', 'target', 'interval'];
/** The default of tc-netem(8) and of tc-codel(8), in frames. */
const DEFAULT_FRAMES = 1000;
const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Checks what may wait for a rate, and adds the defaults. @throws {TypeError | RangeError} */
export function checkQueue(name: string, value: unknown): QueuePlan {
  if (value === undefined) return checkQueue(name, DEFAULT_FRAMES);
  if (typeof value === 'number') {
    return { frames: checkInteger(name, value, 1, INT_MAX), bytes: NO_LIMIT, ms: NO_LIMIT, codel: undefined };
  }
  if (typeof value === 'string')
    return checkQueue(name, { type: checkOneOf(name, TYPES, value), frames: DEFAULT_FRAMES });
  if (typeof value !== 'object' || value === null) {
    throw invalidType(name, "frames, 'codel', or { type, frames, bytes, ms }", value);
  }
  checkKeys(name, value, KEYS);
  const { type = 'drop-tail', frames, bytes, ms, target, interval } = value as QueueLimit;
  const codel = checkOneOf(`${name}.type`, TYPES, type) === 'codel';
  for (const [key, given] of Object.entries({ target, interval })) {
    if (given !== undefined && !codel) throw invalidValue(`${name}.${key}`, "used with the type 'codel'", given);
  }
  const check = (key: string, limit: unknown) => checkInteger(`${name}.${key}`, limit, 1, INT_MAX);
  const time = (key: string, limit: unknown) => checkMilliseconds(`${name}.${key}`, limit);
  const byDefault = codel && bytes === undefined ? DEFAULT_FRAMES : NO_LIMIT;
  return {
    frames: frames === undefined ? byDefault : check('frames', frames),
    bytes: bytes === undefined ? NO_LIMIT : check('bytes', bytes),
    ms: ms === undefined ? NO_LIMIT : time('ms', ms),
    codel: codel ? { target: time('target', target ?? 5), interval: time('interval', interval ?? 100) } : undefined,
  };
}
