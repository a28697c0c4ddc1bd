/**
 * Keeps the process alive while operations are pending, with one timer for all of them. The watches on descriptors never
 * keep it alive.
 */

const MAX_TIMER_MS = 0x7fffffff;
const UNREF_DELAY_MICROTASKS = 8;

let pending = 0;
let timer: NodeJS.Timeout | undefined;
let isUnrefScheduled = false;

/** Keeps the process alive for one more waiting operation, until {@link unrefLoop}. */
export function refLoop(): void {
  if (++pending > 1) return;
  timer ??= setInterval(() => {}, MAX_TIMER_MS);
  timer.ref();
}

/** Ends one {@link refLoop}. */
export function unrefLoop(): void {
  if (--pending > 0 || isUnrefScheduled) return;
  isUnrefScheduled = true;
  void unrefLater();
}

// most code that ends a wait begins the next one within a few awaits: until then the timer is left alone
async function unrefLater(): Promise<void> {
  for (let tick = 0; tick < UNREF_DELAY_MICROTASKS && pending === 0; tick++) await undefined;
  isUnrefScheduled = false;
  if (pending === 0) timer?.unref();
}
