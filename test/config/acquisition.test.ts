import { setTimeout as delay } from 'node:timers/promises';
import { Acquisition } from '../../lib/config/acquisition.js';

const never = () => new Error('nobody answered');

test('an acquisition that cannot start rejects once, and its time limit is forgotten', async () => {
  const unheard: unknown[] = [];
  const listen = (reason: unknown) => unheard.push(reason);
  process.on('unhandledRejection', listen);
  const run = new Acquisition({ timeout: 10 }, never).run(() => {
    throw new Error('no descriptor left');
  });
  await expect(run).rejects.toThrow('no descriptor left');
  await delay(30);
  process.off('unhandledRejection', listen);
  expect(unheard).toEqual([]);
});

test('an acquisition ends by what came first: its answer, its time limit, a signal', async () => {
  const acquisition = new Acquisition({ timeout: 10_000 }, never);
  const run = acquisition.run(() => {});
  acquisition.succeedUnless([], []);
  await expect(run).resolves.toBeUndefined();
  await expect(new Acquisition({ timeout: 5 }, never).run(() => {})).rejects.toThrow('nobody answered');
  const signal = AbortSignal.abort();
  await expect(new Acquisition({ timeout: 10_000, signal }, never).run(() => {})).rejects.toThrow(/abort/);
});
