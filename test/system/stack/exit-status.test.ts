import { endsOf, PROGRAMS } from '../../support/exit-status.js';

// test/slow has each of them fifty times
test.each(Object.keys(PROGRAMS))('a program that %s has the status that it has without ioth', async (name) => {
  const { ended, plain } = await endsOf(name);
  expect(ended).toEqual([plain]);
});
