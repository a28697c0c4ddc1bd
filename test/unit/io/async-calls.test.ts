import koffi from 'koffi';
import { type NativeCallback, runNativeAsync } from '../../../lib/io/async-calls.js';

const libc = koffi.load('libc.so.6');
const usleep = libc.func('int usleep(unsigned int)');
const close = libc.func('int close(int)');

const sleep = (microseconds: number) => (callback: NativeCallback<number>) => usleep.async(microseconds, callback);

test('more calls than koffi takes at once are all made, in order', async () => {
  const started: number[] = [];
  const calls = Array.from({ length: 600 }, (_, i) =>
    runNativeAsync<number>((callback) => {
      started.push(i);
      sleep(100)(callback);
    }),
  );
  const results = await Promise.all(calls);
  expect(results.every(({ result }) => result === 0)).toBe(true);
  expect(started).toEqual(Array.from({ length: 600 }, (_, i) => i));
});

test('only as many are started as there are threads', async () => {
  let [running, most] = [0, 0];
  const one = () =>
    runNativeAsync<number>((callback) => {
      most = Math.max(most, ++running);
      sleep(1000)((error, result) => {
        running--;
        callback(error, result);
      });
    });
  await Promise.all(Array.from({ length: 40 }, one));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(Math.min(Number(process.env.UV_THREADPOOL_SIZE || 4), 64));
});

test('a quick call does not wait for the slow ones', async () => {
  let slowDone = 0;
  const slow = Array.from({ length: 8 }, async () => {
    await runNativeAsync<number>(sleep(100_000), 'slow');
    slowDone++;
  });
  await runNativeAsync<number>(sleep(1));
  // behind them it would have waited for at least four
  expect(slowDone).toBeLessThan(4);
  await Promise.all(slow);
});

test('each call gets its own errno', async () => {
  const calls = Array.from({ length: 20 }, () => runNativeAsync<number>((callback) => close.async(-1, callback)));
  for (const { result, errno } of await Promise.all(calls)) {
    expect([result, errno]).toEqual([-1, koffi.os.errno.EBADF]);
  }
});

test('a start that throws rejects, and gives its place back', async () => {
  const bad = () =>
    runNativeAsync<number>(() => {
      throw new TypeError('no such argument');
    });
  const results = await Promise.allSettled(Array.from({ length: 100 }, bad));
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
  await expect(runNativeAsync<number>(sleep(1))).resolves.toMatchObject({ result: 0 });
});

test('a call of koffi that fails rejects, and gives its place back', async () => {
  const failing = () => runNativeAsync<number>((callback) => setImmediate(callback, new Error('koffi'), -1));
  for (const result of await Promise.allSettled(Array.from({ length: 100 }, failing))) {
    expect(result).toMatchObject({ status: 'rejected', reason: { message: 'koffi' } });
  }
  await expect(runNativeAsync<number>(sleep(1))).resolves.toMatchObject({ result: 0 });
});
