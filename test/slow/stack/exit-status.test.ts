import { endsOf, PROGRAMS } from '../../support/exit-status.js';

const TIMES = 50;

test.each(Object.keys(PROGRAMS))(
  'a program that %s has the status that it has without ioth, fifty times',
  async (name) => {
    for (let i = 0; i < TIMES; i++) {
      const { ended, plain } = await endsOf(name);
      expect(ended).toEqual(plain);
    }
  },
  600_000,
);
