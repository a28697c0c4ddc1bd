import { Cache } from '../../../lib/dns/cache.js';

test('holds an answer for its time to live and no longer', () => {
  let now = 0;
  const cache = new Cache<string>({ now: () => now });
  cache.set('a', 'x', 2);
  cache.set('b', 'y', 0);
  now = 1999;
  expect(cache.get('a')).toBe('x');
  expect(cache.get('b')).toBeUndefined();
  now = 2000;
  expect(cache.get('a')).toBeUndefined();
  expect(cache.size).toBe(0);
});

test('is bounded: the answer used longest ago goes', () => {
  const cache = new Cache<number>({ size: 2 });
  cache.set('a', 1, 60);
  cache.set('b', 2, 60);
  cache.get('a');
  cache.set('c', 3, 60);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
});

test('size 0 turns it off', () => {
  const cache = new Cache<number>({ size: 0 });
  cache.set('a', 1, 60);
  expect(cache.get('a')).toBeUndefined();
});
