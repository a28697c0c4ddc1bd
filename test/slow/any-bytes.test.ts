import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/compiled.js';

/* The tests of test/unit that give parsers any bytes, with four times as many; IOTH_FUZZ_RUNS=100000 has more. */

process.env.IOTH_FUZZ_RUNS ??= '20000';

const unit = join(ROOT, 'test/unit');
const files = readdirSync(unit, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => readFileSync(join(unit, name), 'utf8').includes('support/fuzz.js'));

describe.each(files)('%s', (file) => {
  require(join(unit, file));
});
