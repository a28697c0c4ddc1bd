/**
 * What keeps the process alive while operations are pending: one timer for all of them. The watches on
 * descriptors never do.
 */

const MAX_TIMER_MS = 0x7fffffff;
const UNREF_DELAY_MICROTASKS = 8;

let pending = 0;
let timer: NodeJS.Timeout | undefined;
let isUnrefScheduled = false;

/** An operation waits: the process stays until {@link unrefLoop}. */
export function refLoop(): void {
  if (++pending > 1) return;
  timer ??= setInterval(() => {}, MAX_TIMER_MS);
  timer.ref();
}

/** It waits no more. */
export function unrefLoop(): void {
  if (--pending > 0 || isUnrefScheduled) return;
  isUnrefScheduled = true;
  void unrefLater();
}

// most of those that end a wait begin the next within a few awaits: until then the timer is left alone
async function unrefLater(): Promise<void> {
  for (let tick = 0; tick < UNREF_DELAY_MICROTASKS && pending === 0; tick++) await undefined;
  isUnrefScheduled = false;
  if (pending === 0) timer?.unref();
}
