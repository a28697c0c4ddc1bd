import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CONSUMER_LIMIT_MS, type Consumer, consumer } from '../support/consumer.js';
import { builtPackage } from '../support/package.js';

const MAX_PACKED_SIZE = 250_000;

jest.setTimeout(CONSUMER_LIMIT_MS);

let user: Consumer;

beforeAll(async () => {
  user = await consumer();
});

afterAll(() => user.remove());

it('holds what runs, its declarations and the guide, and nothing else', () => {
  const installed = join(user.dir, 'node_modules/ioth');
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual(['ffi', 'lib', 'package.json']);
  const built = readdirSync(join(installed, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  expect(built.filter((name) => !/\.([cm]?js|d\.[cm]?ts)$|^package\.json$/.test(name))).toEqual([]);
});

it('is small', async () => {
  const { tarball } = await builtPackage();
  expect(statSync(tarball).size).toBeLessThan(MAX_PACKED_SIZE);
});
