import { setTimeout as delay } from 'node:timers/promises';
import { IOTHCONF_ETH, IOTHCONF_STATIC, Stack } from 'ioth';
import { hasLibrary } from '../../../ffi/index.js';
import { stateOf, useNetwork } from '../../support/network.js';
import { timer } from '../../support/until.js';

const native = hasLibrary('iothconf');
if (!native) console.log('libiothconf is not on this machine (IOTH_LIBRARY_PATH): the native provider is not tested');

const lan = useNetwork(0, 'test');

const conf = { conf: 'native' } as const;

test('without its library it tells what to do', async () => {
  if (native) return;
  lan.stack();
  const stack = new Stack('vdestack', lan.vnl, null, conf);
  const missing = { code: 'ERR_LIBRARY_NOT_FOUND', message: expect.stringContaining("conf: 'builtin'") };
  await expect(stack.iothconfig('eth')).rejects.toMatchObject(missing);
  await stack.close();
  const config = `stack=vdestack,vnl=${lan.vnl},eth`;
  expect(() => new Stack(config, null, null, conf)).toThrow(expect.objectContaining(missing));
});

(native ? describe : describe.skip)('libiothconf', () => {
  test('does not block the loop, and takes one call at a time', async () => {
    lan.stack();
    const stack = new Stack('vdestack', lan.vnl, null, conf);
    // each of them sleeps a whole second
    const masks = [stack.iothconfig('eth'), stack.iothconfig('eth,ip=10.0.0.9/24')];
    const expected = [IOTHCONF_ETH, IOTHCONF_ETH | IOTHCONF_STATIC];
    for (const [i, mask] of masks.entries()) {
      const isDue = timer(900);
      expect(await mask).toBe(expected[i]);
      await delay(0);
      expect(isDue()).toBe(true);
    }
    await stack.close();
  });

  test('an abort ends the wait, and close waits for the call', async () => {
    lan.stack();
    const stack = new Stack('vdestack', lan.vnl, null, conf);
    const waiting = stack.iothconfig('eth,rd', { signal: AbortSignal.timeout(50) });
    // the call sleeps a whole second, and longer
    const isDue = timer(900);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(isDue()).toBe(false);
    await stack.close();
    await delay(0);
    expect(isDue()).toBe(true);
  });

  test('nobody answers: ETIMEDOUT', async () => {
    lan.stack();
    const stack = new Stack('vdestack', lan.vnl, null, conf);
    await expect(stack.iothconfig('eth,rd')).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'rd' });
    await stack.close();
  });

  test('a stack at the address of an earlier one is configured all the same', async () => {
    lan.stack();
    for (let i = 0; i < 10; i++) {
      const stack = new Stack('vdestack', lan.vnl, null, conf);
      await stack.iothconfig('ip=10.0.0.9/24');
      expect(stateOf(stack).addresses).toEqual(['10.0.0.9/24']);
      if (i % 2) stack.closeSync();
      else await stack.close();
    }
  });

  test('newstackc: the static part is in force when the constructor returns', async () => {
    lan.stack();
    const stack = new Stack(`stack=vdestack,vnl=${lan.vnl},eth,ip=10.0.0.9/24,dns=10.0.0.1`, null, null, conf);
    expect(stateOf(stack).addresses).toEqual(['10.0.0.9/24']);
    expect(stack.ioth_resolvconf()).toBe('nameserver 10.0.0.1\n');
    expect(stack.ioth_resolvconf()).toBeNull();
    await stack.ready;
    await stack.close();
  });
});
