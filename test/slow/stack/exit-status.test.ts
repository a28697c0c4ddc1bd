import { endsOf, PROGRAMS } from '../../support/exit-status.js';

const TIMES = 50;

test.each(Object.keys(PROGRAMS))(
  'a program that %s has the status that it has without ioth, fifty times',
  async (name) => {
    const { ended, plain } = await endsOf(name, TIMES);
    expect(ended).toEqual(Array(TIMES).fill(plain));
  },
  600_000,
);
