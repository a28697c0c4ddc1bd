import { type Consumer, consumer } from '../../support/consumer.js';
import { PATIENCE_MS } from '../../support/until.js';

/* The packed package in the test runners and TypeScript loaders that people have, without a flag of ours. */

let user: Consumer;

beforeAll(async () => {
  user = await consumer(['jest', 'vitest', 'tsx', 'ts-node', 'typescript5', 'undici-types']);
  user.write({
    'package.json': JSON.stringify({ private: true }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { module: 'commonjs', target: 'es2022', strict: true, types: ['node'] },
    }),
  });
});

afterAll(() => user.remove());

/** What a stack says that is used: it gets its own datagram over its own loopback. */
const USE = `
async function use(): Promise<string> {
  const stack = new Stack('vdestack');
  stack.linksetupdown(stack.if_nametoindex('lo'), 1);
  const socket = stack.socket(AF_INET, SOCK_DGRAM);
  socket.bind(['127.0.0.1', 0]);
  await socket.sendto('heard', socket.getsockname());
  const data: Buffer = await socket.recv(100);
  await stack.close();
  return String(data);
}
`;
const USE_UNTYPED = USE.replaceAll(/: (Promise<string>|Buffer)/g, '');
const REQUIRE = `const { AF_INET, SOCK_DGRAM, Stack } = require('ioth');`;
const IMPORT = `import { AF_INET, SOCK_DGRAM, Stack } from 'ioth';`;
const EXPECT = `test('a stack', async () => expect(await use()).toBe('heard'));\n`;

describe('jest', () => {
  const JEST = 'node_modules/jest/bin/jest.js';
  const config = (testMatch: string) =>
    JSON.stringify({
      testMatch: [testMatch],
      testTimeout: PATIENCE_MS,
      cacheDirectory: '<rootDir>/cache',
      watchman: false,
      transform: {},
    });
  const jest = (testMatch: string, args: readonly string[] = []) =>
    user.node([...args, JEST, '--ci', '--config', config(testMatch)]);

  it('runs a CommonJS test', async () => {
    user.write({ 'cjs.jest.cjs': REQUIRE + USE_UNTYPED + EXPECT });
    const { code, stderr } = await jest('**/cjs.jest.cjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('1 passed, 1 total') });
  });

  it('runs a module, in its own mode for those', async () => {
    user.write({ 'esm.jest.mjs': IMPORT + USE_UNTYPED + EXPECT });
    const { code, stderr } = await jest('**/esm.jest.mjs', ['--experimental-vm-modules']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('1 passed, 1 total') });
  });
});

it('vitest runs a test in TypeScript', async () => {
  user.write({
    'vitest.config.mjs': `export default { test: { testTimeout: ${PATIENCE_MS}, include: ['*.vitest.ts'] } };`,
    'a.vitest.ts': `import { expect, test } from 'vitest';\n${IMPORT}${USE}${EXPECT}`,
  });
  const { code, stdout, stderr } = await user.node(['node_modules/vitest/vitest.mjs', 'run'], { NO_COLOR: '1' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/Tests +1 passed/);
});

it('node:test runs CommonJS and modules', async () => {
  const test = `test('a stack', async () => assert.equal(await use(), 'heard'));\n`;
  user.write({
    'cjs.test.cjs': `const test = require('node:test'); const assert = require('node:assert');${REQUIRE}${USE_UNTYPED}${test}`,
    'esm.test.mjs': `import test from 'node:test'; import assert from 'node:assert';${IMPORT}${USE_UNTYPED}${test}`,
  });
  const outcome = await user.node(['--test', '--test-reporter', 'tap', 'cjs.test.cjs', 'esm.test.mjs']);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toContain('# pass 2');
});

const PRINT = 'use().then(console.log);\n';

it('ts-node runs a program', async () => {
  user.write({ 'ts-node.ts': IMPORT + USE + PRINT });
  // the TypeScript that is installed as 'typescript' here has no compiler to call
  const outcome = await user.node(['node_modules/ts-node/dist/bin.js', '--compiler', 'typescript5', 'ts-node.ts']);
  expect(outcome).toEqual({ code: 0, stdout: 'heard\n', stderr: '' });
});

it.each(['cts', 'mts'])('tsx runs a program: .%s', async (type) => {
  user.write({ [`tsx.${type}`]: IMPORT + USE + PRINT });
  const outcome = await user.node(['node_modules/tsx/dist/cli.mjs', `tsx.${type}`]);
  expect(outcome).toEqual({ code: 0, stdout: 'heard\n', stderr: '' });
});
