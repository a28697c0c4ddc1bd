import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Libiothconf } from '../../ffi/iothconf.js';
import { parseConfig } from '../../lib/config/index.js';
import { NativeConfig } from '../../lib/config/native.js';
import { Stack } from '../../lib/index.js';

/** LIBIOTHCONF STAND-IN: the object that ffi gives of the library. Each call takes `pause` milliseconds and does nothing. */
class LibiothconfStandIn implements Libiothconf {
  pause = 1;
  running = 0;
  most = 0;
  calls = 0;

  config(): number {
    return 0;
  }
  config_async(_stack: bigint, _config: string, callback: (error: Error | null, result: number) => void): void {
    this.calls++;
    this.most = Math.max(this.most, ++this.running);
    setTimeout(() => {
      this.running--;
      callback(null, 2);
    }, this.pause);
  }
  resolvconf(): string {
    return '';
  }
}

let stack: Stack;
let library: LibiothconfStandIn;
beforeEach(() => {
  stack = new Stack('vdestack', 'null://');
  library = new LibiothconfStandIn();
});
afterEach(() => stack.closeSync());

const eth = parseConfig('eth');
const config = (on: Stack = stack) => new NativeConfig(on, () => {}, library);

test('more calls at once than koffi takes are queued, and their time begins with them', async () => {
  // three at once: the last begins after 3.4 s, and 3 s is what each has
  library.pause = 40;
  const calls = Array.from({ length: 260 }, () => config().apply(eth, { timeout: 1 }));
  expect(new Set((await Promise.all(calls)).map(({ done }) => done))).toEqual(new Set([2]));
  expect(library.most).toBeLessThanOrEqual(64);
});

test('a signal is listened to only while a call waits', async () => {
  const { signal } = new AbortController();
  const native = config();
  for (let i = 0; i < 5; i++) await native.apply(eth, { timeout: 100, signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an abort ends the wait, and a call behind it that was aborted is not made', async () => {
  library.pause = 50;
  const native = config();
  const signal = AbortSignal.timeout(10);
  const calls = [native.apply(eth, { timeout: 100, signal }), native.apply(eth, { timeout: 100, signal })];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'ABORT_ERR' });
  await delay(60);
  expect(library.calls).toBe(1);
});

test('one that waits for a thread while the stack is closed is not made', async () => {
  library.pause = 20;
  const other = new Stack('vdestack', 'null://');
  const busy = Array.from({ length: 80 }, () => config().apply(eth, { timeout: 1000 }));
  const late = config(other).apply(eth, { timeout: 1000 });
  await new Promise(setImmediate);
  other.closeSync();
  await expect(late).rejects.toMatchObject({ code: 'EBADF', syscall: 'ioth_config' });
  await Promise.all(busy);
  expect(library.calls).toBe(80);
});
