import { Stack } from 'ioth';
import { Lab } from 'ioth/lab';
import { expectNothingLeft, holdings } from '../../support/leaks.js';

/* docs/testing.md: fake timers that go on. */

const before = holdings();
beforeEach(() => jest.useFakeTimers({ advanceTimers: true }));
afterEach(async () => {
  jest.useRealTimers();
  await expectNothingLeft(before);
});

test('a stack is made, talks and ends', async () => {
  await using stack = await Stack.create('stack=vdestack,vnl=null://,ip=10.0.0.1/24');
  stack.linksetupdown('lo', true);
  expect(await stack.ping('10.0.0.1', { count: 1 })).toMatchObject({ received: 1 });
});

test('a lab is made, its hosts talk, and it ends', async () => {
  await using lab = await Lab.create({
    networks: { lan: { prefix: '10.0.0.0/24', delay: 1 } },
    hosts: { alice: 'lan', bob: 'lan' },
  });
  expect(await lab.hosts.alice.ping('bob', { count: 1 })).toMatchObject({ received: 1 });
});
