import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../support/compiled.js';

/*
 * No test depends on how fast a machine is: it counts, or orders events. Figures are rows of `npm run bench` and
 * `npm run soak`, with their bars. So the tests do not look at a clock, at processor time or at memory, but for these.
 */
const ALLOWED: Readonly<Record<string, string>> = {
  'support/until.ts': 'the one bound of what waits: it tells what hangs from what ends',
  'support/slow-clock.ts': 'no test learns how late it is: the limits of the library last longer',
};
const MOST = 5;

const MEASURES =
  /\b(performance\.now|Date\.now|new Date\(\)|hrtime|cpuUsage|resourceUsage|memoryUsage|threadCpuUsage|schedstat|rss|console\.time|monitorEventLoopDelay|eventLoopUtilization)\b/;

const files = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.[cm]?ts$/.test(entry.name))
  .map((entry) => relative(join(ROOT, 'test'), join(entry.parentPath, entry.name)))
  .filter((file) => file !== 'unit/clock.test.ts');

it('looks at no clock, processor time or memory in tests', () => {
  const found = files.flatMap((file) => {
    const lines = readFileSync(join(ROOT, 'test', file), 'utf8').split('\n');
    return lines.flatMap((line, i) =>
      MEASURES.test(line) && !(file in ALLOWED) ? [`${file}:${i + 1} ${line.trim()}`] : [],
    );
  });
  expect(found).toEqual([]);
});

it('has few exceptions, each of them used', () => {
  expect(Object.keys(ALLOWED).length).toBeLessThanOrEqual(MOST);
  const used = Object.keys(ALLOWED).filter((file) => MEASURES.test(readFileSync(join(ROOT, 'test', file), 'utf8')));
  expect(used).toEqual(Object.keys(ALLOWED));
});
