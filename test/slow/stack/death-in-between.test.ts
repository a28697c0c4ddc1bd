import type { Stack } from '../../../lib/stack/stack.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { aloneStack, useNetwork } from '../../support/network.js';

/* A daemon that is killed dies a moment after kill(2), and its event comes when the loop turns. */

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

const DEAD = expect.objectContaining({ code: 'ERR_STACK_DEAD', message: expect.stringContaining('died') });

function kill(stack: Stack): void {
  process.kill(stack.daemonPid as number, 'SIGKILL');
}

/** The first error of a call that is repeated in one turn of the loop: those before it came in time. */
function firstFailure(call: () => unknown): unknown {
  for (let i = 0; i < 1000; i++) {
    try {
      call();
    } catch (error) {
      return error;
    }
  }
  throw new Error('it never failed');
}

const CALLS: Readonly<Record<string, (stack: Stack) => unknown>> = {
  'a setting that is read': (stack) => stack.sysctl('net.ipv4.ip_forward'),
  'a setting that is written': (stack) => stack.sysctl('net.ipv4.ip_forward', 1),
  'a program': (stack) => {
    const { status, error } = stack.spawnSync('true');
    // what ioth reports of it is not this call's
    if (error) throw error;
    if (status !== 0) throw new Error(`status ${status}`);
  },
};

describe.each([true, false])('the first program of the stack: %s', (isFirst) => {
  test.each(Object.keys(CALLS))('%s', async (name) => {
    const call = CALLS[name] as (stack: Stack) => unknown;
    // the death comes at another point of the call each time
    for (let i = 0; i < 10; i++) {
      const stack = aloneStack();
      stack.on('error', () => {});
      if (!isFirst) call(stack);
      kill(stack);
      expect(firstFailure(() => call(stack))).toEqual(DEAD);
      await stack.close();
    }
  });
});

test('a program that fails by itself fails as before', async () => {
  const stack = aloneStack();
  expect(stack.spawnSync('false').status).toBe(1);
  expect(stack.spawnSync('/nowhere/program').error).toMatchObject({ code: 'ENOENT' });
  expect(() => stack.sysctl('net.no.such')).toThrow('no such setting');
  await stack.close();
});

describe('a configuration that waits for a server', () => {
  const network = useNetwork(1, 'test');

  it.each(['dhcp', 'dhcp6', 'rd'])('%s', async (protocol) => {
    const stack = aloneStack();
    stack.on('error', () => {});
    const pending = stack.iothconfig(`eth,${protocol}`, { timeout: 100_000 }).catch((error) => error);
    await new Promise((rest) => setTimeout(rest, 50));
    kill(stack);
    expect(await pending).toEqual(DEAD);
    await stack.close();
  });

  it('is canceled where the stack is closed', async () => {
    const stack = network.join();
    const pending = stack.iothconfig('eth,dhcp', { timeout: 100_000 }).catch((error) => error);
    await new Promise((rest) => setTimeout(rest, 50));
    await stack.close();
    expect(await pending).toMatchObject({ code: 'ECANCELED' });
  });

  it('is told of a death before the event', async () => {
    const stack = aloneStack();
    const pending = stack.iothconfig('eth,dhcp', { timeout: 100_000 }).catch((error) => error);
    await new Promise((rest) => setTimeout(rest, 50));
    kill(stack);
    firstFailure(() => stack.socket().close());
    await stack.close();
    expect(await pending).toEqual(DEAD);
  });
});
