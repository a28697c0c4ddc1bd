import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from 'ioth/lab/jest';
import { CurrentLab } from '../../../lib/lab/testing/current-lab.js';
import { type Exit, run } from '../../support/child.js';
import { compileSources, compileText } from '../../support/compile.js';
import { ROOT } from '../../support/compiled.js';
import { workDirectory } from '../../support/directory.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { plainEnvironment } from '../../support/package.js';
import { becomes, PATIENCE_MS } from '../../support/until.js';

const PATIENTLY = { timeout: PATIENCE_MS };
/** In sources of tests. */
const PATIENT = `{ timeout: ${PATIENCE_MS} }`;

const CONFIG = "{ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } }";

const { projects, testTimeout } = jest.requireActual<{
  projects: Record<string, unknown>[];
  testTimeout: number;
}>('../../jest.config.cjs');
const [, system = {}] = projects;

/** Runs jest, as it is configured here, on one file in a directory of its own. */
async function jestOn(dir: string, source: string): Promise<Exit> {
  writeFileSync(join(dir, 'some.test.ts'), `import { useLab } from 'ioth/lab/jest';\n${source}`);
  const { displayName: _, testEnvironment: _1, setupFiles: _2, setupFilesAfterEnv: _3, ...project } = system;
  const config = { ...project, roots: [dir], testTimeout };
  writeFileSync(join(dir, 'jest.config.json'), JSON.stringify(config));
  const args = [join(ROOT, 'node_modules/jest/bin/jest.js'), '--config', join(dir, 'jest.config.json'), '--runInBand'];
  return run(process.execPath, args, { cwd: dir, env: { ...plainEnvironment, TMPDIR: dir }, leads: true });
}

async function nodeTestOn(dir: string, source: string): Promise<Exit> {
  const head = `import { test } from 'node:test';\nimport { assertReaches, assertUnreachable, useLab } from 'ioth/lab/node-test';\n`;
  compileSources();
  writeFileSync(join(dir, 'some.test.mjs'), compileText(head + source, 'some.test.mts'));
  const args = ['--test', '--test-reporter=tap', join(dir, 'some.test.mjs')];
  return run(process.execPath, args, { cwd: dir, env: { ...plainEnvironment, TMPDIR: dir }, leads: true });
}

/** What a lab left in the directory of its test. */
function labFiles(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('ioth-lab-'));
}

function framesIn(file: string): string {
  return execFileSync('tcpdump', ['-nr', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

describe('a lab for a file of jest', () => {
  const lab = useLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan', carol: 'lan' } });
  const stacks = new Set<unknown>();

  it('is there in tests, and hosts are reached by ping and TCP', async () => {
    stacks.add(lab.hosts.alice.stack);
    await expect(lab.hosts.alice).toReach('bob', undefined, PATIENTLY);
    await expect(lab.hosts.alice).toReach(lab.hosts.bob, undefined, PATIENTLY);
    await expect(lab.hosts.alice).toReach('10.0.0.2', undefined, PATIENTLY);
    await expect(lab.hosts.alice).not.toReach('bob', 80, { timeout: 500 });
    const server = lab.hosts.bob.stack.net.createServer((socket) => socket.resume().end());
    server.listen(80, '0.0.0.0');
    await expect(lab.hosts.alice).toReach('bob', 80, PATIENTLY);
    await new Promise((closed) => server.close(closed));
  });

  it('is the same one in the next test, where a host may be unreachable', async () => {
    stacks.add(lab.hosts.alice.stack);
    expect(stacks.size).toBe(1);
    await expect(lab.hosts.bob).not.toBeUnreachable(PATIENTLY);
    await lab.networks.lan.partition(['bob', 'carol']);
    await expect(lab.hosts.bob).toBeUnreachable({ from: 'alice', timeout: 300 });
    await expect(lab.hosts.bob).not.toBeUnreachable({ from: ['carol'], timeout: PATIENCE_MS });
    await lab.down('bob');
    await expect(lab.hosts.bob).toBeUnreachable({ timeout: 300 });
    await lab.up('bob');
    await lab.heal();
  });

  it('has matchers that say what they found, and what they were given', async () => {
    const refused = /^alice does not reach bob, TCP port 81: connect ECONNREFUSED/;
    let said = '';
    // nobody answers within a moment where the machine stands still
    await becomes(async () => {
      const failure = expect(lab.hosts.alice).toReach('bob', 81, { timeout: 500 });
      said = await failure.then(String, ({ message }) => message);
      return refused.test(said);
    });
    expect(said).toMatch(refused);
    await expect(expect(lab.hosts.alice).not.toReach('bob', undefined, PATIENTLY)).rejects.toThrow(
      /^alice reaches bob by ping$/,
    );
    await expect(expect(lab.hosts.bob).toBeUnreachable(PATIENTLY)).rejects.toThrow(
      'bob is reached by ping from alice, carol',
    );
    await expect(expect('alice').toReach('bob')).rejects.toThrow('host must be a host of a lab');
    await expect(expect(lab.hosts.bob).toBeUnreachable({ from: 'dave' })).rejects.toThrow(
      "options.from must be another host of the lab (alice, carol), not 'dave'",
    );
    await expect(expect(lab.hosts.alice).toReach('bob', 70_000)).rejects.toThrow('port must be');
    expect(() => useLab({ networks: {}, hosts: {} })).toThrow('at least one network');
  });
});

it('writes the last frames of a failed test of jest, names them in its message, and leaves nothing else', async () => {
  const { dir, remove } = workDirectory();
  const source = `
    const lab = useLab(${CONFIG});
    it('passes', async () => expect(lab.hosts.alice).toReach('bob', undefined, ${PATIENT}));
    describe('a group', () => {
      it('fails / badly', async () => {
        await expect(lab.hosts.alice).toReach('bob', undefined, ${PATIENT});
        expect(1).toBe(2);
      });
      it('throws no error', async () => { throw 'a string'; });
    });`;
  const { code, stderr } = await jestOn(dir, source);
  expect(code).toBe(1);
  expect(stderr).toContain('1 passed');
  expect(stderr).toMatch(
    /Expected: 2[\s\S]*The last frames of each network are in:\s+lab-report\/some\.test\.ts\/a-group-fails-badly\/lan\.pcapng/,
  );
  expect(stderr).toContain('lab-report/some.test.ts/a-group-throws-no-error/lan.pcapng');
  expect(stderr).toMatch(
    /Open this page in a browser[^:]*:\s+lab-report\/some\.test\.ts\/a-group-fails-badly\/lab\.html/,
  );
  const page = readFileSync(join(dir, 'lab-report/some.test.ts/a-group-fails-badly/lab.html'), 'utf8');
  expect(page).toContain('"test":{"name":"a group fails / badly","error":"Error: expect(received).toBe(expected)');
  expect(page.length).toBeLessThan(2_000_000);
  expect(readdirSync(join(dir, 'lab-report/some.test.ts')).sort()).toEqual([
    'a-group-fails-badly',
    'a-group-throws-no-error',
  ]);
  expect(framesIn(join(dir, 'lab-report/some.test.ts/a-group-fails-badly/lan.pcapng'))).toContain('ICMP echo reply');
  expect(labFiles(dir)).toEqual([]);
  await remove();
});

it('writes a report for each test, however similar their names are', async () => {
  const { dir, remove } = workDirectory();
  const names = ['Сервер отвечает', '再接続する', 'loss > 1%', 'loss < 1%', '%', '長い名前'.repeat(50)];
  const source = `
    useLab(${CONFIG});
    it.each(${JSON.stringify(names)}.map((name) => [name]))('%s', () => { throw new Error('on purpose'); });`;
  const { code } = await jestOn(dir, source);
  expect(code).toBe(1);
  const reports = ['Сервер-отвечает', '再接続する', 'loss-1', 'loss-1-2', 'test', '長い名前'.repeat(50).slice(0, 66)];
  expect(readdirSync(join(dir, 'lab-report/some.test.ts')).sort()).toEqual(reports.sort());
  await remove();
});

it('makes a lab for each test of jest, where that is asked for', async () => {
  const { dir, remove } = workDirectory();
  const source = `
    const lab = useLab(${CONFIG}, { per: 'test', report: 'reports' });
    const stacks = new Set();
    it('one', () => { stacks.add(lab.hosts.alice.stack); });
    it('two', () => { stacks.add(lab.hosts.alice.stack); expect(stacks.size).toBe(2); expect(lab.closed).toBe(false); });
    it('three', () => { throw new Error('on purpose'); });`;
  const { code, stderr } = await jestOn(dir, source);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('2 passed') });
  expect(readdirSync(join(dir, 'reports/some.test.ts'))).toEqual(['three']);
  expect(labFiles(dir)).toEqual([]);
  await remove();
});

it('closes a lab that is still being made when its hook was given up', async () => {
  const before = holdings();
  const current = new CurrentLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan' } });
  const started = current.start();
  await current.close();
  await started;
  expect(() => current.facade.hosts).toThrow('the lab of useLab() exists in tests and in later hooks only');
  await expectNothingLeft(before);
});

it('is the same for node:test', async () => {
  const { dir, remove } = workDirectory();
  const source = `
    const lab = useLab(${CONFIG});
    test('reaches', async () => {
      await assertReaches(lab.hosts.alice, 'bob', undefined, ${PATIENT});
      await lab.down('bob');
      await assertUnreachable(lab.hosts.bob, { timeout: 300 });
      await lab.up('bob');
    });
    test('fails', async () => {
      let error;
      // nobody answers within a moment where the machine stands still
      do error = await assertReaches(lab.hosts.alice, 'bob', 80, { timeout: 500 }).catch((it) => it);
      while (/no answer|EHOSTUNREACH/.test(error.message));
      throw error;
    });`;
  const { code, stdout, stderr } = await nodeTestOn(dir, source);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/^ *ok 1 - reaches/m);
  expect(stdout).toMatch(/^ *not ok 2 - fails/m);
  expect(stdout).toContain('alice does not reach bob, TCP port 80: connect ECONNREFUSED');
  expect(stdout).toContain('lab-report/some.test.mjs/fails/lan.pcapng');
  expect(stdout).toContain('lab-report/some.test.mjs/fails/lab.html');
  expect(readFileSync(join(dir, 'lab-report/some.test.mjs/fails/lab.html'), 'utf8')).toContain(
    'alice does not reach bob, TCP port 80',
  );
  expect(framesIn(join(dir, 'lab-report/some.test.mjs/fails/lan.pcapng'))).toContain('10.0.0.2.80: Flags [S]');
  expect(labFiles(dir)).toEqual([]);
  await remove();
});
