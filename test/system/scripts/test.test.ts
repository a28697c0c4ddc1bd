import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { useDirectory } from '../../support/directory.js';

/* Which tests scripts/test runs. */

const ROOT = resolve(__dirname, '../../..');
const directory = useDirectory();

/** Runs a copy of it, with STAND-INS for scripts/setup and npm. @returns the files below test/ that jest would run */
function chosen(...args: string[]): string[] {
  const path = (name: string) => join(directory.path, name);
  const program = (name: string, script: string) =>
    writeFileSync(path(name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  for (const name of ['scripts', 'bin']) mkdirSync(path(name));
  copyFileSync(join(ROOT, 'scripts/test'), path('scripts/test'));
  program('scripts/setup', 'true');
  const list = `shift 4; cd '${ROOT}'; exec node node_modules/jest/bin/jest.js --listTests "$@"`;
  program('bin/npm', `case "$*" in 'run --silent test:jest -- '*) ${list} ;; esac`);
  const env = { ...process.env, PATH: `${path('bin')}:${process.env.PATH}` };
  const { stdout, stderr, status } = spawnSync(path('scripts/test'), args, { env, encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const folder = join(ROOT, 'test/');
  const lines = stdout.split('\n').filter((line) => line.startsWith(folder));
  return lines.map((line) => line.slice(folder.length)).sort();
}

it('a pattern alone: of all projects', () => {
  expect(chosen('cli/lab.test')).toEqual(['slow/cli/lab.test.ts', 'unit/cli/lab.test.ts']);
});

it('--quick with a pattern: of all but the slow ones', () => {
  expect(chosen('--quick', 'cli/lab.test')).toEqual(['unit/cli/lab.test.ts']);
});

it('--quick alone: all but the slow ones', () => {
  const projects = new Set(chosen('--quick').map((file) => file.split('/')[0]));
  expect([...projects]).toEqual(['system', 'unit']);
});
