/**
 * What keeps the process alive while operations are pending: one timer for all of them. The watches on
 * descriptors never do.
 */

const FAR_AWAY = 0x7fffffff;

let pending = 0;
let timer: NodeJS.Timeout | undefined;
let isAboutToRest = false;

/** Something waits: the process stays until {@link release}. */
export function hold(): void {
  if (++pending > 1) return;
  timer ??= setInterval(() => {}, FAR_AWAY);
  timer.ref();
}

/** It waits no more. */
export function release(): void {
  if (--pending > 0 || isAboutToRest) return;
  // most that ends a wait begins the next at once
  isAboutToRest = true;
  setImmediate(() => {
    isAboutToRest = false;
    if (pending === 0) timer?.unref();
  });
}
