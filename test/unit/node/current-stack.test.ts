import { setImmediate as turn } from 'node:timers/promises';
import {
  assignToFace,
  callOn,
  callWithOptionsOn,
  currentStack,
  noteMade,
  pushOverride,
  runCallOn,
  runOn,
  stackForCall,
  stackOf,
} from '../../../lib/node/current-stack.js';
import type { NodeStack } from '../../../lib/node/node-stack.js';

const stack = (name: string) => ({ name }) as unknown as NodeStack;
const [a, b, c] = [stack('a'), stack('b'), stack('c')];

it('is the host where nothing else is meant', () => {
  expect(currentStack()).toBeUndefined();
  expect(stackOf(undefined)).toBeUndefined();
});

it('is that of run in what comes from it, the innermost first', async () => {
  const seen = runOn(
    a,
    async (...args: string[]) => {
      const inner = runOn(b, async () => {
        await turn();
        return currentStack();
      });
      await turn();
      return [currentStack(), await inner, ...args];
    },
    'x',
    'y',
  );
  expect(currentStack()).toBeUndefined();
  expect(await seen).toEqual([a, b, 'x', 'y']);
});

it('is that of an override, the last first, below run', () => {
  const takeBackA = pushOverride(a);
  const takeBackB = pushOverride(b);
  expect(currentStack()).toBe(b);
  expect(runOn(c, currentStack)).toBe(c);
  expect(runOn(undefined, currentStack)).toBeUndefined();
  takeBackA();
  expect(currentStack()).toBe(b);
  takeBackB();
  takeBackB();
  expect(currentStack()).toBeUndefined();
});

it('is that of the face that made an object, before all others', () => {
  const object = {};
  assignToFace(object, a);
  expect(runOn(b, () => stackForCall(object))).toBe(a);
  expect(runOn(b, () => runCallOn(c, object, () => stackOf(object)))).toBe(a);
});

it('stays with a call that is under way, in callbacks of any context', () => {
  const object = {};
  runOn(a, () => runCallOn(stackForCall(object), object, () => {}));
  expect(runOn(b, () => stackOf(object))).toBe(a);
  expect(runOn(b, () => stackForCall(object))).toBe(b);
  runCallOn(undefined, object, () => {});
  expect(runOn(b, () => stackOf(object))).toBeUndefined();
});

it('is that of the run that an object was made in, where it is used outside of any', () => {
  const object = runOn(a, () => noteMade({}));
  const takeBack = pushOverride(b);
  expect(stackForCall(object)).toBe(a);
  expect(runOn(c, () => stackForCall(object))).toBe(c);
  takeBack();
});

it('is that of a call until it returns, and of run in it', async () => {
  const seen: unknown[] = [];
  const later = runOn(b, () =>
    callOn(a, async () => {
      seen.push(currentStack(), stackForCall({}), runOn(c, currentStack), currentStack());
      await turn();
      return currentStack();
    }),
  );
  expect(seen).toEqual([a, a, c, a]);
  expect(await later).toBe(b);
  expect(() =>
    callOn(a, () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(currentStack()).toBeUndefined();
});

it.each(['lookup', 'createConnection'])('is that of a call in what comes from its own %s', async (name) => {
  const after = async () => {
    await turn();
    return currentStack();
  };
  expect(await callWithOptionsOn(a, [{}, () => {}, null, 80], after)).toBeUndefined();
  expect(await callWithOptionsOn(a, [80, { [name]: () => {} }], after)).toBe(a);
});
