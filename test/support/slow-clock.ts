const SLOWNESS = 10;

/**
 * Slows the clock by which the library of this process measures its limits, until the result is disposed of: a limit of half a
 * second is five seconds, longer than a process stands still on a machine that has too much to do. Timers run as ever. The clock
 * goes on from where it is, for what waits already.
 */
export function slowClock(): Disposable {
  const { now } = performance;
  const start = now.call(performance);
  performance.now = () => start + (now.call(performance) - start) / SLOWNESS;
  return {
    [Symbol.dispose]: () => {
      performance.now = now;
    },
  };
}
