import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { startScript } from '../support/child.js';
import { temporaryDirectory } from '../support/directory.js';

/** How long methods are called, in milliseconds; waiting, closing and starting take two seconds more. */
const CALLING_MS = 4000;

/** IOTH_FUZZ_SEED repeats a run that failed: the same calls with the same arguments. */
const seed = Number(process.env.IOTH_FUZZ_SEED ?? randomInt(1_000_000));

test(`every public method bears every argument (IOTH_FUZZ_SEED=${seed})`, async () => {
  const dir = temporaryDirectory();
  const life = startScript('fuzz.ts', [seed, CALLING_MS, dir], { flags: ['--disable-warning=DEP0118'] });
  const { code } = await life.exit;
  const left = await life.groupGone();
  rmSync(dir, { recursive: true, force: true });
  const said = `${life.stdout}${life.stderr}`;
  expect({ seed, code, said, left }).toEqual({
    seed,
    code: 0,
    said: expect.stringMatching(/^done \d+ calls of \d+ methods\n$/),
    left: [],
  });
});
