const NANOSECONDS_PER_MS = 1e6;
/** performance.timeOrigin has microseconds, performance.now() has nanoseconds. */
const ORIGIN_NS = BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n;

/** Returns a time of performance.now() in milliseconds since 1970, to the microsecond. */
export function epochMs(time: number): number {
  return performance.timeOrigin + time;
}

/** Returns a time of performance.now() in nanoseconds since 1970. */
export function epochTime(time: number): bigint {
  return ORIGIN_NS + BigInt(Math.round(time * NANOSECONDS_PER_MS));
}

/** Returns the time now, in nanoseconds since 1970. */
export function nanosecondsNow(): bigint {
  return epochTime(performance.now());
}
