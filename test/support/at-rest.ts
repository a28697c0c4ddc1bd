import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './until.js';

const MEANWHILE_MS = 200;
/** The kernel sends by itself, and a daemon forwards it. */
const MOST_WAKE_UPS = 50;

/**
 * Checks that a thread, or a process of one, rests: it sleeps now, sleeps a while later, and woke up few times between. One that
 * spins never sleeps, and one that is woken for nothing falls asleep again and again.
 */
export async function expectAtRest(pid: number): Promise<void> {
  const before = await whenAsleep(pid);
  await delay(MEANWHILE_MS);
  expect((await whenAsleep(pid)) - before).toBeLessThan(MOST_WAKE_UPS);
}

/** Waits until it sleeps. @returns how often it has fallen asleep since it began */
async function whenAsleep(pid: number): Promise<number> {
  let status = '';
  await until(`process ${pid} sleeps`, () => {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return /^State:\s+S/m.test(status);
  });
  return sleepsIn(status);
}

/** How often a thread, or a process of one, has fallen asleep since it began. */
export function sleeps(pid: number): number {
  return sleepsIn(readFileSync(`/proc/${pid}/status`, 'latin1'));
}

function sleepsIn(status: string): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
}
