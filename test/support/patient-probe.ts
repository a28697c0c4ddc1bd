import { realClock } from '../../lib/config/clock.js';
import { PATIENCE_MS } from './until.js';

/** DHCPv4 sends a probe three times within 60 ms; all other waits of its clients are longer, or none at all. */
const LONGEST_SECONDS = 0.1;
const PROBES = 3;

/**
 * Has the probe of the next address wait for its answer, which has a way through daemons of three processes. Those after it wait
 * as ever. `jest.restoreAllMocks()` ends this.
 */
export function waitForProbe(): void {
  const { after } = realClock;
  let isAnswered = false;
  jest.spyOn(realClock, 'after').mockImplementation((seconds, callback) => {
    if (isAnswered || seconds === 0 || seconds > LONGEST_SECONDS) return after(seconds, callback);
    let hasEnded = false;
    const cancel = after(PATIENCE_MS / 1000 / PROBES, () => {
      hasEnded = true;
      callback();
    });
    return () => {
      // an answer ends the wait before its time
      isAnswered ||= !hasEnded;
      cancel();
    };
  });
}
