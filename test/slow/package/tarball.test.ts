import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Consumer, consumer } from '../../support/consumer.js';

/** Of what `import 'ioth'` loads, with its declarations and the rest of the package. */
const MAX_PACKED_SIZE = 260_000;
/** What has an entry, or a command, of its own. */
const APART = ['cli', 'lab', 'fabric', 'vde'];
const MAX_PACKED_SIZE_APART = 200_000;

let user: Consumer;

beforeAll(async () => {
  user = await consumer();
});

afterAll(() => user.remove());

it('holds what runs, its declarations and the guide, and nothing else', () => {
  const installed = join(user.dir, 'node_modules/ioth');
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual(['ffi', 'lab.schema.json', 'lib', 'package.json']);
  const built = readdirSync(join(installed, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  expect(built.filter((name) => !/\.([cm]?js|d\.[cm]?ts)$|^(package|lab\.schema)\.json$/.test(name))).toEqual([]);
});

it('is small', () => {
  const installed = join(user.dir, 'node_modules/ioth');
  const apart = APART.map((room) => `dist/lib/${room}`);
  const size = (...args: string[]) =>
    execFileSync('sh', ['-c', 'tar -c "$@" | gzip -9', 'sh', '-C', installed, ...args], { maxBuffer: 2 ** 24 }).length;
  expect(size(...apart.map((room) => `--exclude=./${room}`), '.')).toBeLessThan(MAX_PACKED_SIZE);
  expect(size(...apart.filter((room) => existsSync(join(installed, room))))).toBeLessThan(MAX_PACKED_SIZE_APART);
});
