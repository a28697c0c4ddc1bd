import { setImmediate as turn } from 'node:timers/promises';
import { scopeOf, stackInUse } from '../../../lib/node/current-stack.js';
import type { NodeStack } from '../../../lib/node/node-stack.js';

const stack = (name: string) => ({ name }) as unknown as NodeStack;
const [a, b, c] = [stack('a'), stack('b'), stack('c')];

it('is the host where nothing else is meant', () => {
  expect(stackInUse.of()).toBeUndefined();
  expect(stackInUse.of(undefined)).toBeUndefined();
});

it('is that of run in what comes from it, the innermost first', async () => {
  const seen = stackInUse.run(a, async () => {
    const inner = stackInUse.run(b, async () => {
      await turn();
      return stackInUse.of();
    });
    await turn();
    return [stackInUse.of(), await inner];
  });
  expect(stackInUse.of()).toBeUndefined();
  expect(await seen).toEqual([a, b]);
});

it('is that of an override, the last first, below run', () => {
  const takeBackA = stackInUse.override(a);
  const takeBackB = stackInUse.override(b);
  expect(stackInUse.of()).toBe(b);
  expect(stackInUse.run(c, () => stackInUse.of())).toBe(c);
  expect(stackInUse.run(undefined, () => stackInUse.of())).toBeUndefined();
  takeBackA();
  expect(stackInUse.of()).toBe(b);
  takeBackB();
  takeBackB();
  expect(stackInUse.of()).toBeUndefined();
});

it('is that of the face that made an object, before all others', () => {
  const object = {};
  stackInUse.assign(object, a);
  expect(stackInUse.run(b, () => stackInUse.of(object, true))).toBe(a);
  expect(stackInUse.run(b, () => stackInUse.run(c, () => stackInUse.of(object), { object }))).toBe(a);
});

it('stays with a call that is under way, in callbacks of any context', () => {
  const object = {};
  stackInUse.run(a, () => stackInUse.run(stackInUse.of(object, true), () => {}, { object }));
  expect(stackInUse.run(b, () => stackInUse.of(object))).toBe(a);
  expect(stackInUse.run(b, () => stackInUse.of(object, true))).toBe(b);
  stackInUse.run(undefined, () => {}, { object });
  expect(stackInUse.run(b, () => stackInUse.of(object))).toBeUndefined();
});

it('is that of the run that an object was made in, where it is used outside of any', () => {
  const object = stackInUse.run(a, () => stackInUse.assign({}));
  const takeBack = stackInUse.override(b);
  expect(stackInUse.of(object, true)).toBe(a);
  expect(stackInUse.run(c, () => stackInUse.of(object, true))).toBe(c);
  takeBack();
});

it('is that of a call until it returns, and of run in it', async () => {
  const seen: unknown[] = [];
  const later = stackInUse.run(b, () =>
    stackInUse.run(
      a,
      async () => {
        seen.push(
          stackInUse.of(),
          stackInUse.of({}, true),
          stackInUse.run(c, () => stackInUse.of()),
          stackInUse.of(),
        );
        await turn();
        return stackInUse.of();
      },
      'call',
    ),
  );
  expect(seen).toEqual([a, a, c, a]);
  expect(await later).toBe(b);
  expect(() =>
    stackInUse.run(
      a,
      () => {
        throw new Error('no');
      },
      'call',
    ),
  ).toThrow('no');
  expect(stackInUse.of()).toBeUndefined();
});

it.each(['lookup', 'createConnection'])('is that of a call in what comes from its own %s', async (name) => {
  const after = async () => {
    await turn();
    return stackInUse.of();
  };
  expect(await stackInUse.run(a, after, scopeOf([{}, () => {}, null, 80]))).toBeUndefined();
  expect(await stackInUse.run(a, after, scopeOf([80, { [name]: () => {} }]))).toBe(a);
});
