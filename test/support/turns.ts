import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { libc } from '../../ffi/libc.js';

const TICKS = 20;
const TICK_MS = 10;

/** How often libuv's loop has turned. Others turn it too, V8's threads among them. */
export function turnsOfLoop(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

/** Keeps the loop from turning for so many milliseconds. */
export function blockLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Lets a timer tick so often: each tick is a turn of the loop of its own, however slow the machine is. */
export async function ticks(count = TICKS): Promise<void> {
  for (let tick = 0; tick < count; tick++) await delay(TICK_MS);
}

/**
 * Checks that `waiting` goes on while a timer ticks 20 times, and that the library rests meanwhile: it looks for events and sets
 * timers a few times a tick at most. A wait that spins does so at each chance that it gets.
 */
export async function expectQuietWait(waiting: Promise<unknown>): Promise<void> {
  let isSettled = false;
  const note = () => {
    isSettled = true;
  };
  waiting.then(note, note);
  const spies = [
    jest.spyOn(libc(), 'epoll_wait'),
    jest.spyOn(globalThis, 'setTimeout'),
    jest.spyOn(globalThis, 'setImmediate'),
  ];
  await ticks();
  const calls = spies.map((spy) => spy.mock.calls.length);
  for (const spy of spies) spy.mockRestore();
  expect(isSettled).toBe(false);
  expect(Math.max(...calls)).toBeLessThan(5 * TICKS);
}
