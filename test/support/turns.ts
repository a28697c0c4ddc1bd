import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { libc } from '../../ffi/libc.js';

const TICKS = 20;
const TICK_MS = 10;

/** A loop that rests turns once or twice a tick, however slow the machine is; one that spins, at each chance that it gets. */
export const MOST_TURNS_AT_REST = 5 * TICKS;

/** How often libuv's loop has turned. */
export function turnsOfLoop(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

/** Keeps the loop from turning for so many milliseconds. */
export function blockLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** How often the loop turns while a timer ticks 20 times. */
export async function turnsMeanwhile(): Promise<number> {
  const before = turnsOfLoop();
  for (let tick = 0; tick < TICKS; tick++) await delay(TICK_MS);
  return turnsOfLoop() - before;
}

/** Checks that `waiting` goes on while a timer ticks 20 times, and that the loop rests meanwhile: few turns, few looks for events. */
export async function expectQuietWait(waiting: Promise<unknown>): Promise<void> {
  let isSettled = false;
  const note = () => {
    isSettled = true;
  };
  waiting.then(note, note);
  const looks = jest.spyOn(libc(), 'epoll_wait');
  const turns = await turnsMeanwhile();
  const { length } = looks.mock.calls;
  looks.mockRestore();
  expect(isSettled).toBe(false);
  expect(turns).toBeLessThan(MOST_TURNS_AT_REST);
  expect(length).toBeLessThan(MOST_TURNS_AT_REST);
}
