/**
 * What keeps the process alive while operations are pending: one timer for all of them. The watches on
 * descriptors never do.
 */

const FAR_AWAY = 0x7fffffff;
/** In turns of the microtask queue. */
const UNREF_DELAY_MICROTASKS = 8;

let pending = 0;
let timer: NodeJS.Timeout | undefined;
let isAboutToRest = false;

/** Something waits: the process stays until {@link unrefLoop}. */
export function refLoop(): void {
  if (++pending > 1) return;
  timer ??= setInterval(() => {}, FAR_AWAY);
  timer.ref();
}

/** It waits no more. */
export function unrefLoop(): void {
  if (--pending > 0 || isAboutToRest) return;
  isAboutToRest = true;
  void rest();
}

// most that ends a wait begins the next within a few awaits: until then the timer is left alone
async function rest(): Promise<void> {
  for (let tick = 0; tick < UNREF_DELAY_MICROTASKS && pending === 0; tick++) await undefined;
  isAboutToRest = false;
  if (pending === 0) timer?.unref();
}
