import { endsOf, PROGRAMS } from '../../support/exit-status.js';

/** IOTH_REPEAT=50 has each fifty times. */
const TIMES = Number(process.env.IOTH_REPEAT ?? 1);

test.each(Object.keys(PROGRAMS))(
  'a program that %s has the status that it has without ioth',
  async (name) => {
    const { ended, plain } = await endsOf(name, TIMES);
    expect(ended).toEqual(Array(TIMES).fill(plain));
  },
  600_000 + 10_000 * TIMES,
);
