import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Exit, run } from '../../support/child.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { plainEnvironment } from '../../support/package.js';
import { peer } from '../../support/peers.js';
import { hostPort, type Trap, trap } from '../../support/traps.js';

/* A whole suite on a stack, as docs/testing.md says, by each test runner: somebody on the host hears nothing of it. */

const PORT = hostPort(7900);
const ASK = `new Promise((done) => require('node:net').connect(${PORT}, '127.0.0.1')
  .on('connect', () => done('the host')).on('error', ({ code }) => done(code)))`;
const CHECK = `if (await ${ASK} !== 'ECONNREFUSED') throw new Error('on the host');`;
const REQUIRE = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n";

const SET_UP = `
const { Stack, override } = require('ioth');
override(new Stack('vdestack'));
`;
const SET_UP_AND_CLOSE = `
import { Stack, override } from 'ioth';
const stack = new Stack('vdestack');
const takeBack = override(stack);
afterAll(async () => { takeBack(); await stack.close(); });
`;

const FILES = {
  'package.json': '{ "private": true }',
  'set-up.cjs': SET_UP,
  'set-up-jest.cjs': SET_UP_AND_CLOSE.replace(
    "import { Stack, override } from 'ioth'",
    "const { Stack, override } = require('ioth')",
  ),
  'set-up-vitest.mjs': `import { afterAll } from 'vitest';${SET_UP_AND_CLOSE}`,
  'a.mocha.cjs': `it('is on a stack', async () => { ${CHECK} });`,
  'a.node.cjs': `require('node:test').test('is on a stack', async () => { ${CHECK} });`,
  'a.jest.cjs': `test('is on a stack', async () => { ${CHECK} });`,
  'b.jest.cjs': `test('is on a stack', async () => { ${CHECK} });`,
  'a.vitest.mjs': `import { test } from 'vitest';\n${REQUIRE}test('is on a stack', async () => { ${CHECK} });`,
  'a.ava.mjs': `import test from 'ava';\n${REQUIRE}test('is on a stack', async (t) => { ${CHECK} t.pass(); });`,
  'a.tap.mjs': `import t from 'tap';\n${REQUIRE}t.test('is on a stack', async (t) => { ${CHECK} t.pass(); });`,
  'jest.json':
    '{ "testTimeout": 120000, "testMatch": ["**/*.jest.cjs"], "transform": {}, "watchman": false, "cacheDirectory": "<rootDir>/cache" }',
  'vitest.config.mjs':
    "export default { test: { testTimeout: 120000, hookTimeout: 120000, include: ['*.vitest.mjs'], setupFiles: process.env.SET_UP ?? [] } };",
  'ava.config.mjs': "export default { timeout: '2m', files: ['*.ava.mjs'], require: process.env.SET_UP ?? [] };",
};

let user: Consumer;
let host: Trap;

beforeAll(async () => {
  user = await consumer(['jest', 'vitest']);
  for (const name of ['mocha', 'ava', 'tap']) symlinkSync(peer(name), join(user.dir, 'node_modules', name));
  user.write(FILES);
  host = await trap(PORT);
});
afterAll(async () => {
  await host.close();
  await user.remove();
});

// their own limits are for tests of a machine that does nothing else
const MOCHA = ['node_modules/mocha/bin/mocha.js', '--timeout=120000', 'a.mocha.cjs'];
const JEST = ['node_modules/jest/bin/jest.js', '--ci', '--config', 'jest.json'];
const VITEST = ['node_modules/vitest/vitest.mjs', 'run'];
const AVA = ['node_modules/ava/entrypoints/cli.mjs'];
const TAP = ['node_modules/tap/dist/esm/run.mjs', '--timeout=120', '--allow-empty-coverage', '--disable-coverage'];

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Exit> {
  return run(process.execPath, args, { cwd: user.dir, env: { ...plainEnvironment, CI: '1', ...env } });
}

it.each([
  ['mocha', MOCHA],
  ['mocha --parallel', [...MOCHA, '--parallel']],
  ['node --test', ['--test', 'a.node.cjs']],
  ['jest', [...JEST, '--maxWorkers=2']],
  ['jest --runInBand', [...JEST, '--runInBand']],
  ['vitest', VITEST],
  ['vitest --pool threads', [...VITEST, '--pool', 'threads']],
  ['ava', AVA],
  ['ava --no-worker-threads', [...AVA, '--no-worker-threads']],
  ['tap', [...TAP, 'a.tap.mjs']],
])('%s under ioth/register with IOTH_CHILDREN=1', async (_runner, args) => {
  const before = host.heard;
  const exit = await node(['--require', 'ioth/register', ...args], { IOTH: 'stack=vdestack', IOTH_CHILDREN: '1' });
  expect({ ...exit, heard: host.heard - before }).toMatchObject({ code: 0, heard: 0 });
  expect(exit.stderr).not.toContain('ioth/register:');
});

it.each([
  ['mocha', [...MOCHA, '--require', './set-up.cjs'], {}],
  ['mocha --parallel', [...MOCHA, '--parallel', '--require', './set-up.cjs'], {}],
  ['node --test', ['--require', './set-up.cjs', '--test', 'a.node.cjs'], {}],
  ['jest', [...JEST, '--maxWorkers=2', '--setupFilesAfterEnv', './set-up-jest.cjs'], {}],
  ['vitest', VITEST, { SET_UP: './set-up-vitest.mjs' }],
  ['vitest --pool threads', [...VITEST, '--pool', 'threads'], { SET_UP: './set-up-vitest.mjs' }],
  ['ava', AVA, { SET_UP: './set-up.cjs' }],
  ['ava --no-worker-threads', [...AVA, '--no-worker-threads'], { SET_UP: './set-up.cjs' }],
  ['tap', [...TAP, '--node-arg=--require=./set-up.cjs', 'a.tap.mjs'], {}],
])('%s with a set-up file', async (_runner, args, env) => {
  const before = host.heard;
  const exit = await node(args, env);
  expect({ ...exit, heard: host.heard - before }).toMatchObject({ code: 0, heard: 0 });
});

it.each([
  ['mocha --parallel', [...MOCHA, '--parallel']],
  ['node --test', ['--test', 'a.node.cjs']],
  ['ava --no-worker-threads', [...AVA, '--no-worker-threads']],
])('%s without it: the tests are on the host, and it is said', async (_runner, args) => {
  const before = host.heard;
  const exit = await node(['--require', 'ioth/register', ...args], { IOTH: 'stack=vdestack' });
  expect({ ...exit, heard: host.heard - before }).toMatchObject({ code: 1, heard: 1 });
  expect(exit.stderr.split('ioth/register:')).toHaveLength(2);
});
