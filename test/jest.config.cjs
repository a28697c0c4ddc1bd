const { join } = require('node:path');

/*
 * Three sizes: `unit` needs no stack and no child; `system` has real stacks and peers, in the test's own process for the most
 * part; `slow`, which --quick leaves out, has whole programs, packages and stress.
 */

const root = join(__dirname, '..');

const project = (name) => ({
  displayName: name,
  rootDir: root,
  roots: [`<rootDir>/test/${name}`],
  testMatch: ['**/*.test.ts'],
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testEnvironment: '<rootDir>/test/support/environment.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/set-up.ts'],
  moduleNameMapper: {
    '^ioth$': '<rootDir>/lib/index.ts',
    '^ioth/vde$': '<rootDir>/lib/vde/index.ts',
    '^ioth/lab$': '<rootDir>/lib/lab/index.ts',
    '^ioth/lab/(jest|node-test)$': '<rootDir>/lib/lab/$1.ts',
    '^\\./directory\\.cjs$': '<rootDir>/test/support/thread-directory.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^(\\.{1,2}/.*)\\.cjs$': ['$1.cts', '$1.cjs'],
  },
  transform: {
    '^.+\\.c?ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
});

module.exports = {
  rootDir: root,
  projects: ['unit', 'system', 'slow'].map(project),
  reporters: ['default', '<rootDir>/test/support/machine-reporter.cjs'],
  globalSetup: '<rootDir>/test/support/programs.ts',
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  maxWorkers: 4,
  // it tells what hangs from what ends: longer than a child may take (test/support/child.ts), and than one suite waits for the
  // package that another one builds (package.ts)
  testTimeout: 600_000,
  // four workers, with some 700 MB each, take longer to end than the half second after which jest says that tests leak
  workerGracefulExitTimeout: 60_000,
};
