import { TimedEventSet } from '../../../lib/thread/timed-event-set.js';
import { PATIENCE_MS } from '../../support/until.js';

it('has a timer for each time, however far', () => {
  const events = new TimedEventSet();
  try {
    for (const far of [Number.POSITIVE_INFINITY, Number.MAX_VALUE, 1e303, 1e20]) events.wakeAt(far, 0);
    expect(events.wait(0)).toBe(0);
    events.wakeAt(1, 0);
    expect(events.wait(PATIENCE_MS)).toBe(1);
  } finally {
    events.close();
  }
});
