import { NativeQueue } from '../../../lib/dns/native-queue.js';
import type { NativeCallback } from '../../../lib/io/async-calls.js';
import { until } from '../../support/until.js';

/** Of calls that must not reach it, whatever else the machine does. */
const PATIENCE_MS = 60_000;
const LIMIT_MS = 30;
let running = 0;
const stack = {
  closed: false,
  beginNativeCall: () => {
    running++;
    return () => void running--;
  },
};
afterEach(() => {
  stack.closed = false;
});

/** A call of C that takes so many milliseconds. */
const callFor =
  (ms: number, error: Error | null = null) =>
  (done: NativeCallback<string>) =>
    void setTimeout(() => done(error, 'result'), ms);

test('one at a time, in their order, past one that fails', async () => {
  const calls = new NativeQueue(stack, PATIENCE_MS);
  const done: number[] = [];
  const work = [10, 1, 5].map((ms, i) =>
    calls.enqueue(async () => {
      expect(running).toBe(0);
      await calls.run(callFor(ms, i === 1 ? new Error('refused') : null));
      done.push(i);
    }),
  );
  await calls.idle();
  expect(done).toEqual([0, 2]);
  await expect(work[1]).rejects.toThrow('refused');
  expect([running, calls.isRunning, calls.isHung]).toEqual([0, false, false]);
});

test('one past its limit is given up, and with it the library', async () => {
  const calls = new NativeQueue(stack, LIMIT_MS);
  let release = (): void => {};
  const hanging = calls.enqueue(() =>
    calls.run((done: NativeCallback<string>) => {
      release = () => done(null, 'result');
    }),
  );
  const timedOut = { code: 'ETIMEDOUT', message: expect.stringContaining('does not return') };
  await expect(hanging).rejects.toMatchObject(timedOut);
  expect([running, calls.isRunning, calls.isHung]).toEqual([1, true, true]);
  const never = jest.fn();
  await expect(calls.run(never)).rejects.toMatchObject({ message: expect.stringContaining('IOTH_DNS=builtin') });
  expect(never).not.toHaveBeenCalled();
  await calls.idle();
  release();
  await until('its end is noted', () => running === 0);
  expect([running, calls.isRunning]).toEqual([0, false]);
});

test('none is made on a closed stack', async () => {
  const calls = new NativeQueue(stack, LIMIT_MS);
  stack.closed = true;
  const never = jest.fn();
  await expect(calls.run(never)).rejects.toMatchObject({ code: 'ECANCELED' });
  expect(never).not.toHaveBeenCalled();
  expect(running).toBe(0);
});
